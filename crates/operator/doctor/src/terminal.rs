//! The width and the colours of a terminal.

use std::ffi::OsStr;
use std::io::{self, IsTerminal};

/// Where text is written: its width, and whether it shows colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    width: usize,
    colour: bool,
}

/// The width of a line in a file or a pipe, and the widest line that is easy to read.
const WIDTH: usize = 100;
/// Below this width, lines would hold a word each.
const NARROWEST: usize = 40;

impl Terminal {
    /// Standard output. `no_color` is the variable `NO_COLOR`, which turns colours off if it is set and not
    /// empty (<https://no-color.org>).
    pub fn of_stdout(no_color: Option<&OsStr>) -> Terminal {
        let stdout = io::stdout();
        let wanted = no_color.is_none_or(OsStr::is_empty);
        let width = terminal_size::terminal_size_of(&stdout).map(|(width, _)| width.0);
        Terminal {
            colour: stdout.is_terminal() && wanted,
            ..Terminal::plain(width.map_or(WIDTH, usize::from))
        }
    }

    /// A terminal without colours, `width` columns wide.
    pub fn plain(width: usize) -> Terminal {
        Terminal { width: width.clamp(NARROWEST, WIDTH), colour: false }
    }

    /// A terminal with colours, `width` columns wide.
    #[cfg(test)]
    pub(crate) fn coloured(width: usize) -> Terminal {
        Terminal { colour: true, ..Terminal::plain(width) }
    }

    /// The width of a line, in columns.
    pub(crate) fn width(self) -> usize {
        self.width
    }

    /// `text` in `colour`, if colours are shown.
    pub(crate) fn paint(self, colour: Colour, text: &str) -> String {
        if self.colour { format!("\u{1b}[{}m{text}\u{1b}[0m", colour.code()) } else { text.into() }
    }
}

/// What a colour stands for.
#[derive(Clone, Copy)]
pub(crate) enum Colour {
    Good,
    Doubtful,
    Bad,
    Aside,
    Heading,
}

impl Colour {
    /// The parameter of ECMA-48's Select Graphic Rendition. The basic colours are readable in every
    /// palette.
    fn code(self) -> &'static str {
        match self {
            Colour::Good => "32",
            Colour::Doubtful => "1;33",
            Colour::Bad => "1;31",
            Colour::Aside => "2",
            Colour::Heading => "1",
        }
    }
}

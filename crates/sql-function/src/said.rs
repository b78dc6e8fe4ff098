//! Text by who said it: a log line may hold our own words and names, and nothing that a peer or an
//! event said.
//!
//! A server quotes values in what it refuses (`Duplicate entry 'x'`), a reader of JSON the event. The
//! answer to the caller, who sent them, may quote them too; a log is read by others, and kept. So the
//! two are two types, and what is made of a `String` is what was said: the default is the safe one.

use std::borrow::Cow;
use std::fmt;
use std::io;

use crate::truncate::quote_short;

/// Text that a log line may hold: our own words, numbers, and names that whoever deployed the function
/// or made the schema chose. See [`named!`](crate::named).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loggable(Cow<'static, str>);

/// What a peer or an event said, for the caller, after what a log line may hold of it.
pub struct Said {
    pub(crate) told: Option<Told>,
    pub(crate) quoted: Option<String>,
}

/// What a log line may hold of what was said.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) words: Loggable,
    /// Names that stand in a log line for what it may not quote.
    pub(crate) apart: Option<Loggable>,
}

impl From<Loggable> for Told {
    fn from(words: Loggable) -> Told {
        Told { words, apart: None }
    }
}

/// [`format!`], for text that a log line may hold. Nothing that fills a place may come from an event, a
/// row, or the text of a server's message.
#[macro_export]
macro_rules! named {
    ($($text:tt)*) => {
        $crate::Loggable::of_names(format!($($text)*))
    };
}

impl Loggable {
    /// What [`named!`](crate::named) makes.
    #[doc(hidden)]
    pub fn of_names(text: String) -> Loggable {
        Loggable(text.into())
    }

    /// What a peer said while a connection was opened: nothing of an event has reached it.
    pub fn of_login(said: impl fmt::Display) -> Loggable {
        Loggable(said.to_string().into())
    }

    /// An error that came while a connection was opened, with its sources.
    pub(crate) fn of_error(error: &(dyn std::error::Error + 'static)) -> Loggable {
        let chain = std::iter::successors(Some(error), |error| error.source());
        let mut text = String::new();
        for error in chain.map(ToString::to_string) {
            // Some repeat their source in their own text.
            if !text.ends_with(&error) {
                text = if text.is_empty() { error } else { text + ": " + &error };
            }
        }
        Loggable(text.into())
    }

    /// The kind of an I/O error, whose own text may be anybody's.
    pub fn of_io(error: &io::Error) -> Loggable {
        Loggable(error.kind().to_string().into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Adds to the text.
    pub(crate) fn push(&mut self, more: &Loggable) {
        self.0.to_mut().push_str(&more.0);
    }
}

impl From<&'static str> for Loggable {
    fn from(text: &'static str) -> Loggable {
        Loggable(text.into())
    }
}

impl fmt::Display for Loggable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Said {
    /// What a log line may hold, and what only the caller is shown.
    pub fn new(told: impl Into<Loggable>, quoted: String) -> Said {
        Said { told: Some(told.into().into()), quoted: Some(quoted) }
    }

    /// With names that the server gives apart from its words, for log lines: the caller has the words.
    #[must_use]
    pub fn apart(mut self, names: Loggable) -> Said {
        if let Some(told) = &mut self.told {
            told.apart = Some(names);
        }
        self
    }

    /// The same, of `what`.
    pub(crate) fn of(self, what: Loggable) -> Said {
        let told = match self.told {
            Some(Told { words, .. }) => Loggable::of_names(format!("{what}: {words}")),
            None => what,
        };
        Said { told: Some(told.into()), ..self }
    }

    /// A name that may be anybody's and of any length, shown to the caller alone.
    pub fn name(name: &str) -> Said {
        quote_short(name).into()
    }
}

impl From<Loggable> for Said {
    fn from(told: Loggable) -> Said {
        Said { told: Some(told.into()), quoted: None }
    }
}

impl From<&'static str> for Said {
    fn from(told: &'static str) -> Said {
        Loggable::from(told).into()
    }
}

impl From<String> for Said {
    fn from(quoted: String) -> Said {
        Said { told: None, quoted: Some(quoted) }
    }
}

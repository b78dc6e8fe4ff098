//! Commands in a text: they stand between backticks, as many as no run inside them has.
//! <https://spec.commonmark.org/0.31.2/#code-spans>

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// What is no command.
    Text(&'a str),
    /// A command, with and without its backticks.
    Command {
        /// The command as it stands in the text.
        marked: &'a str,
        /// The command itself.
        inside: &'a str,
    },
}

/// The commands in `text`.
pub fn commands(text: &str) -> impl Iterator<Item = &str> {
    parts(text).filter_map(|part| match part {
        Part::Command { inside, .. } => Some(inside),
        Part::Text(_) => None,
    })
}

/// The parts of `text`, in order. Backticks that nothing closes are text.
pub fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let part = first(rest)?;
        let (Part::Text(taken) | Part::Command { marked: taken, .. }) = part;
        rest = &rest[taken.len()..];
        Some(part)
    })
}

/// The part that `text` begins with.
fn first(text: &str) -> Option<Part<'_>> {
    if text.is_empty() {
        return None;
    }
    if let Some(command) = command(text) {
        return Some(command);
    }
    let mut end = backticks(text);
    while let Some(found) = text[end..].find('`') {
        end += found;
        if command(&text[end..]).is_some() {
            return Some(Part::Text(&text[..end]));
        }
        end += backticks(&text[end..]);
    }
    Some(Part::Text(text))
}

/// The command that `text` begins with.
fn command(text: &str) -> Option<Part<'_>> {
    let marks = backticks(text);
    if marks == 0 {
        return None;
    }
    let mut at = marks;
    loop {
        at += text[at..].find('`')?;
        let run = backticks(&text[at..]);
        if run == marks {
            return Some(Part::Command { marked: &text[..at + run], inside: &text[marks..at] });
        }
        at += run;
    }
}

/// How many backticks `text` begins with.
fn backticks(text: &str) -> usize {
    text.len() - text.trim_start_matches('`').len()
}

/// `command` between backticks.
pub(crate) fn marked(command: &str) -> String {
    let longest = command.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let marks = "`".repeat(longest + 1);
    format!("{marks}{command}{marks}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_stands_between_more_backticks_than_it_holds() {
        assert_eq!(marked("SHOW ssl"), "`SHOW ssl`");
        assert_eq!(marked("GRANT ALL ON `a`.* TO u"), "``GRANT ALL ON `a`.* TO u``");
        assert_eq!(marked("GRANT ALL ON `a``b`.* TO u"), "```GRANT ALL ON `a``b`.* TO u```");
    }

    #[test]
    fn commands_are_read_as_they_were_marked() {
        for command in ["SHOW ssl", "GRANT ALL ON `a`.* TO u", "GRANT ALL ON `a``b`.* TO u"] {
            let text = format!("run {}, then {}", marked(command), marked("ls"));
            assert_eq!(commands(&text).collect::<Vec<_>>(), [command, "ls"]);
        }
        assert_eq!(commands("a ` b `` c").count(), 0);
        assert_eq!(commands("``a `b c` d").collect::<Vec<_>>(), ["b c"]);
    }

    #[test]
    fn the_parts_make_up_the_text() {
        for text in ["", "a", "`a`", "a `b` c", "``a `b c` d", "`", "a `b` ``c` d``e"] {
            let whole: String = parts(text)
                .map(|(Part::Text(part) | Part::Command { marked: part, .. })| part)
                .collect();
            assert_eq!(whole, text);
        }
    }
}

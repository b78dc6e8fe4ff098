//! Names of users, databases and schemas, quoted as identifiers.
//!
//! Identifiers, and not strings, because their quotes have one meaning: a backslash in a string means
//! one thing or another by `sql_mode` or `standard_conforming_strings`.

use crate::Failure;

/// What a name is of, and how long one may be.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) what: &'static str,
    pub(crate) longest: usize,
    /// Whether the length counts bytes of UTF-8, and else characters.
    pub(crate) bytes: bool,
}

/// `name` between `quote`s, which are doubled inside.
pub(crate) fn quoted(name: &str, quote: char, kind: Kind) -> Result<String, Failure> {
    let Kind { what, longest, bytes } = kind;
    let refuse = |why: &str| Err(format!("the {what} {name:?} {why}").into());
    if name.is_empty() {
        return Err(format!("the {what} is empty").into());
    }
    if name.chars().any(char::is_control) {
        return refuse("holds a control character");
    }
    if name.ends_with(' ') {
        return refuse("ends with a blank, which servers drop");
    }
    let length = if bytes { name.len() } else { name.chars().count() };
    if length > longest {
        let unit = if bytes { "bytes" } else { "characters" };
        return refuse(&format!("is longer than {longest} {unit}"));
    }
    Ok(format!("{quote}{}{quote}", name.replace(quote, &format!("{quote}{quote}"))))
}

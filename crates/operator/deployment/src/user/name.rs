//! Names of users, databases and schemas, quoted as identifiers.
//!
//! Not as strings, in which the meaning of a backslash depends on `sql_mode` or
//! `standard_conforming_strings`.

use crate::Failure;

/// The kind of a name, and its longest length.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) what: &'static str,
    pub(crate) longest: usize,
    /// Whether the length is in bytes of UTF-8 rather than in characters.
    pub(crate) bytes: bool,
}

/// `name` between quotes. Quotes in it are doubled.
pub(crate) fn quoted(name: &str, quote: char, kind: Kind) -> Result<String, Failure> {
    let Kind { what, longest, bytes } = kind;
    let refuse = |why: &str| Err(format!("the {what} {name:?} {why}").into());
    if name.is_empty() {
        return Err(format!("the {what} is empty").into());
    }
    if name.chars().any(char::is_control) {
        return refuse("contains a control character");
    }
    if name.ends_with(' ') {
        return refuse("ends with a space, which servers drop");
    }
    let length = if bytes { name.len() } else { name.chars().count() };
    if length > longest {
        let unit = if bytes { "bytes" } else { "characters" };
        return refuse(&format!("is longer than {longest} {unit}"));
    }
    Ok(format!("{quote}{}{quote}", name.replace(quote, &format!("{quote}{quote}"))))
}

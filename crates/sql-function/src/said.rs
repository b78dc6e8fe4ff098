//! Text by origin: a log line may contain our own words and names, but nothing that a server or an
//! event said.
//!
//! A server quotes values in its errors (`Duplicate entry 'x'`), and a JSON parser quotes the
//! event. The caller, who sent them, may see them; a log is kept and read by others. So there are
//! two types: [`Loggable`] and [`Said`]. A `String` converts to `Said` only, so that the safe one
//! is the default.

use std::borrow::Cow;
use std::fmt;
use std::io;

use crate::truncate::quote_short;

/// Text that may be logged: our own words, numbers, and names from the deployment or the schema.
/// See [`loggable!`](crate::loggable).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loggable(Cow<'static, str>);

/// What a server or an event said, for the caller only, with the part of it that may be logged.
pub struct Said {
    pub(crate) told: Option<Told>,
    pub(crate) quoted: Option<String>,
}

/// The part of what was said that may be logged.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) words: Loggable,
    /// Names that a log line shows in place of what it may not quote.
    pub(crate) apart: Option<Loggable>,
}

impl From<Loggable> for Told {
    fn from(words: Loggable) -> Told {
        Told { words, apart: None }
    }
}

/// [`format!`] for text that may be logged. No argument may come from an event, a row, or a
/// server's message.
#[macro_export]
macro_rules! loggable {
    ($($text:tt)*) => {
        $crate::Loggable::of_names(format!($($text)*))
    };
}

impl Loggable {
    /// Used by [`loggable!`](crate::loggable).
    #[doc(hidden)]
    pub fn of_names(text: String) -> Loggable {
        Loggable(text.into())
    }

    /// What a server said during a login, when it has received nothing of an event.
    pub fn of_login(said: impl fmt::Display) -> Loggable {
        Loggable(said.to_string().into())
    }

    /// An error of a login, with its sources.
    pub(crate) fn of_error(error: &(dyn std::error::Error + 'static)) -> Loggable {
        let chain = std::iter::successors(Some(error), |error| error.source());
        let mut text = String::new();
        for error in chain.map(ToString::to_string) {
            // Some errors repeat their source in their own text.
            if !text.ends_with(&error) {
                text = if text.is_empty() { error } else { text + ": " + &error };
            }
        }
        Loggable(text.into())
    }

    /// The kind of an I/O error, whose text may contain anything.
    pub fn of_io(error: &io::Error) -> Loggable {
        Loggable(error.kind().to_string().into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Appends to the text.
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
    /// The part that may be logged, and the part for the caller only.
    pub fn new(told: impl Into<Loggable>, quoted: String) -> Said {
        Said { told: Some(told.into().into()), quoted: Some(quoted) }
    }

    /// Adds names that the server sent separately from its message. Only the log shows them: the
    /// caller has the message.
    #[must_use]
    pub fn apart(mut self, names: Loggable) -> Said {
        if let Some(told) = &mut self.told {
            told.apart = Some(names);
        }
        self
    }

    /// The same, about `what`.
    pub(crate) fn of(self, what: Loggable) -> Said {
        let told = match self.told {
            Some(Told { words, .. }) => Loggable::of_names(format!("{what}: {words}")),
            None => what,
        };
        Said { told: Some(told.into()), ..self }
    }

    /// A name of any origin and length, for the caller only.
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

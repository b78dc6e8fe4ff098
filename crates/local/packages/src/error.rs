//! The error of finding or fetching a server.

use std::fmt;
use std::io;
use std::path::Path;

/// Why there is no server. The text says what to do.
#[derive(Debug)]
pub struct Error {
    message: String,
    source: Option<io::Error>,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// The same, said of `what`, with the way out.
    pub(crate) fn within(self, what: String, way_out: impl FnOnce() -> String) -> Self {
        let source = self.source.as_ref().map(|source| format!(": {source}")).unwrap_or_default();
        Self::new(format!("{what}: {}{source}: {}", self.message, way_out()))
    }

    /// `verb` failed on `path`.
    pub(crate) fn io<'a>(
        verb: &'a str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| Self {
            message: format!("cannot {verb} {}", path.display()),
            source: Some(source),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

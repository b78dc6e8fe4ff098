//! The error of this crate.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

/// Why a local server could not be started, or did not do what it was asked. The text names the engine
/// or the file alone, such as `cannot start postgres`; the sources have the reasons. To print all:
///
/// ```no_run
/// # use local_rds::{Engine, Server};
/// use std::error::Error;
/// use std::iter::successors;
///
/// if let Err(error) = Server::builder(Engine::Postgres).start() {
///     let chain = successors(Some(&error as &dyn Error), |&error| error.source());
///     println!("{}", chain.map(ToString::to_string).collect::<Vec<_>>().join(": "));
/// }
/// ```
#[derive(Debug)]
pub struct Error {
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    setup_line: Option<usize>,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None, setup_line: None }
    }

    /// `message`, with the error that the returned function is given as its source.
    pub(crate) fn because<E>(message: impl Into<String>) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let message = message.into();
        move |source| Self { message, source: Some(source.into()), setup_line: None }
    }

    /// The server has refused `line` of the SQL for setting up, in these words.
    pub(crate) fn in_setup(line: Option<usize>, words: String) -> Self {
        let at = line.map(|line| format!(" at line {line}")).unwrap_or_default();
        let error = Self::because(format!("the SQL for setting up failed{at}"))(words);
        Self { setup_line: line, ..error }
    }

    /// This error as the source of another one.
    pub(crate) fn within(self, message: impl Into<String>) -> Self {
        let setup_line = self.setup_line;
        Self { setup_line, ..Self::because(message)(self) }
    }

    /// The line of the SQL given to [`setup`](crate::Builder::setup) that the server refused. The last
    /// source is what it said.
    #[must_use]
    pub fn setup_line(&self) -> Option<usize> {
        self.setup_line
    }

    /// `verb` failed on `path`.
    pub(crate) fn io(verb: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        Self::because(format!("cannot {verb} {}", path.display()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

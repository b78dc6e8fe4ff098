//! The spans of an invocation. A span has names from the deployment, and nothing that an event or a server
//! said.

use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The error type of what was given up: its time was up, or a handler dropped it.
pub(crate) const GIVEN_UP: &str = "Canceled";

/// A part of an invocation.
#[derive(Debug)]
pub(crate) struct Span {
    pub(crate) name: String,
    /// The database that it calls, if it is a call.
    pub(crate) database: Option<Database>,
    /// Whether its name is that of a statement.
    pub(crate) is_statement: bool,
    /// The place of the span that it is a part of; the invocation otherwise.
    pub(crate) parent: Option<usize>,
    pub(crate) began: Instant,
    /// `None` while it runs.
    pub(crate) ended: Option<Instant>,
    pub(crate) error_type: Option<&'static str>,
}

/// The database of a call.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) system: &'static str,
    pub(crate) name: String,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// The spans of one invocation; `None` unless they are recorded.
#[derive(Debug, Default)]
pub(crate) struct Spans(Mutex<Option<Vec<Span>>>);

impl Spans {
    pub(crate) fn new(are_recorded: bool) -> Spans {
        Spans(Mutex::new(are_recorded.then(Vec::new)))
    }

    /// Forgets what was recorded, and goes on only if `are_recorded`.
    pub(crate) fn restart(&self, are_recorded: bool) {
        *self.lock() = are_recorded.then(Vec::new);
    }

    /// Ends the recording.
    pub(crate) fn take(&self) -> Option<Vec<Span>> {
        self.lock().take()
    }

    /// Begins one, if they are recorded. Returns its place.
    pub(crate) fn begin(&self, span: impl FnOnce() -> Span) -> Option<usize> {
        let mut spans = self.lock();
        let spans = spans.as_mut()?;
        spans.push(span());
        Some(spans.len() - 1)
    }

    /// Ends the one at `place`.
    pub(crate) fn end(&self, place: usize, error_type: Option<&'static str>) {
        let mut spans = self.lock();
        if let Some(span) = spans.as_mut().and_then(|spans| spans.get_mut(place)) {
            span.ended = Some(Instant::now());
            span.error_type = error_type;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Span>>> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Whoever wants to know what is invoked through the Invoke API.

use std::{fmt, sync::Arc};

use hyper::body::Bytes;

use crate::{error::Error, invocation::Invocation};

/// An invocation through the Invoke API that has ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Invoked<'a> {
    /// The function's name.
    pub function: &'a str,
    /// The event.
    pub event: &'a [u8],
    /// The invocation; or why there was none, such as throttling.
    pub outcome: Result<&'a Invocation, &'a Error>,
}

/// A function that is called with each of them.
#[derive(Clone)]
pub(crate) struct Observer(Arc<dyn Fn(&Invoked<'_>) + Send + Sync>);

impl Observer {
    pub(crate) fn new(observe: impl Fn(&Invoked<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }

    pub(crate) fn tell(&self, function: &str, event: &Bytes, outcome: &Result<Invocation, Error>) {
        (self.0)(&Invoked { function, event, outcome: outcome.as_ref() });
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

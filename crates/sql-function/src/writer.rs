//! Where the writer of a global database was seen.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use iam_auth::Endpoint;

/// The writer of a global database that was verified last.
#[derive(Debug, Default)]
pub struct Writer {
    /// Its address, and its endpoint with its region.
    seen: Mutex<Option<(IpAddr, Endpoint)>>,
}

impl Writer {
    /// The endpoint of the writer that was seen at `address`, with its region.
    pub(crate) fn at(&self, address: IpAddr) -> Option<Endpoint> {
        self.get().filter(|(seen, _)| *seen == address).map(|(_, endpoint)| endpoint)
    }

    /// The endpoint that tokens are signed for.
    pub(crate) fn endpoint(&self) -> Option<Endpoint> {
        self.get().map(|(_, endpoint)| endpoint)
    }

    /// Remembers that the server at `address` is `endpoint`.
    pub(crate) fn see(&self, address: IpAddr, endpoint: Endpoint) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((address, endpoint));
    }

    /// Forgets it: the next login looks again.
    pub(crate) fn forget(&self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn get(&self) -> Option<(IpAddr, Endpoint)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

//! A connection that is closed as soon as it is dropped.

use mysql_async::Conn;
use std::ops::{Deref, DerefMut};
use std::pin::pin;
use std::task::{Context, Waker};

/// A connection of the driver, which this closes when it is dropped. The driver itself would read
/// the rest of an unfinished result in the background, while the statement keeps running.
pub(crate) struct CloseOnDrop(Option<Conn>);

impl CloseOnDrop {
    pub(crate) fn new(conn: Conn) -> CloseOnDrop {
        CloseOnDrop(Some(conn))
    }

    /// Closes the connection cleanly.
    pub(crate) async fn disconnect(mut self) {
        if let Some(conn) = self.0.take() {
            let _ = conn.disconnect().await; // it is closed in any case
        }
    }
}

// Only `close` and `drop` take the connection out.
#[allow(clippy::expect_used)]
impl Deref for CloseOnDrop {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.0.as_ref().expect("it is open until it is dropped")
    }
}

#[allow(clippy::expect_used)] // as above
impl DerefMut for CloseOnDrop {
    fn deref_mut(&mut self) -> &mut Conn {
        self.0.as_mut().expect("it is open until it is dropped")
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        if let Some(conn) = self.0.take() {
            // The first poll marks the connection as disconnected, which keeps the driver from
            // reading on, and sends COM_QUIT if nothing is left to be read. No second poll is
            // needed.
            let mut context = Context::from_waker(Waker::noop());
            let _ = pin!(conn.disconnect()).poll(&mut context);
        }
    }
}

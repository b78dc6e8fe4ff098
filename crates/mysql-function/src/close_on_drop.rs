//! A connection that ends on the server as soon as it is dropped.

use mysql_async::Conn;
use std::ops::{Deref, DerefMut};
use std::pin::pin;
use std::task::{Context, Waker};

/// The driver's connection. When that is dropped in the middle of a result, the driver reads the rest
/// in the background, for as long as it takes, and a statement runs on. This one closes the socket.
pub(crate) struct CloseOnDrop(Option<Conn>);

impl CloseOnDrop {
    pub(crate) fn new(conn: Conn) -> CloseOnDrop {
        CloseOnDrop(Some(conn))
    }

    /// Takes leave of the server.
    pub(crate) async fn leave(mut self) {
        if let Some(conn) = self.0.take() {
            let _ = conn.disconnect().await; // there is nothing left to lose
        }
    }
}

// Only what drops or consumes it takes the connection out.
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
            // Its first step marks the connection as disconnected, which keeps the driver from
            // reading on, and says good-bye if nothing is left to be read. It needs no second one.
            let mut context = Context::from_waker(Waker::noop());
            let _ = pin!(conn.disconnect()).poll(&mut context);
        }
    }
}

//! A connection that is closed as soon as it is dropped.

use tokio::task::JoinHandle;

/// The task of the driver's connection, which this aborts when it is dropped: the socket is closed,
/// and the server ends the statement when it sends the next row. The driver itself would read the
/// rest of the result.
pub(crate) struct ConnectionTask(JoinHandle<()>);

impl ConnectionTask {
    pub(crate) fn new(task: JoinHandle<()>) -> ConnectionTask {
        ConnectionTask(task)
    }

    /// Waits until the connection is closed cleanly, which it is once the client is dropped.
    pub(crate) async fn ended(mut self) {
        let _ = (&mut self.0).await; // it is closed in any case
    }
}

impl Drop for ConnectionTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

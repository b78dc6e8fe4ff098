//! The task that carries a connection's bytes.

use tokio::task::JoinHandle;

/// The driver's connection, on its way. Left to itself it would read what a statement still returns,
/// for as long as it takes; this one ends with its owner, and closes the socket. The server then ends
/// what it is doing with its next row.
pub(crate) struct ConnectionTask(JoinHandle<()>);

impl ConnectionTask {
    pub(crate) fn new(task: JoinHandle<()>) -> ConnectionTask {
        ConnectionTask(task)
    }

    /// Waits until it has said goodbye: it does, once the client is gone.
    pub(crate) async fn ended(mut self) {
        let _ = (&mut self.0).await; // there is nothing left to lose
    }
}

impl Drop for ConnectionTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

//! The administrator's connection to a running server, by the driver of its engine.
//!
//! It is made while the server is set up, and nobody can make another one. Drivers are asynchronous
//! and callers are not, some of them inside a runtime: each connection has a thread with a runtime of
//! its own.

use std::future::Future;
use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// One row: each value in the server's text, or none for NULL.
pub type Row = Vec<Option<String>>;

/// How long the server may be silent.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// What a driver's connection has to do.
pub(crate) trait Connection: 'static {
    /// Runs the statements in `sql`, and returns the rows of all of them.
    ///
    /// # Errors
    /// The first statement that fails: its code and message.
    async fn run(&mut self, sql: &str) -> io::Result<Vec<Row>>;
}

/// A connection of the administrator's. Dropping it closes the connection.
pub(crate) struct Administrator {
    requests: UnboundedSender<Request>,
}

struct Request {
    sql: String,
    reply: mpsc::Sender<io::Result<Vec<Row>>>,
}

impl Administrator {
    /// Waits for `login` in a new thread, which then runs the statements.
    ///
    /// # Errors
    /// The login fails.
    pub(crate) fn connect<C: Connection>(
        login: impl Future<Output = io::Result<C>> + Send + 'static,
    ) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (requests, received) = unbounded_channel();
        let (reply, logged_in) = mpsc::channel();
        thread::Builder::new().name("administrator".into()).spawn(move || {
            runtime.block_on(async {
                // The receiver waits for this very message.
                match answer(login).await {
                    Ok(connection) => {
                        let _ = reply.send(Ok(()));
                        serve(connection, received).await;
                    }
                    Err(error) => drop(reply.send(Err(error))),
                }
            });
        })?;
        logged_in.recv().map_err(io::Error::other)??;
        Ok(Self { requests })
    }

    /// Runs the statements in `sql`, and returns the rows of all of them.
    ///
    /// # Errors
    /// The first statement that fails: its code and message.
    pub(crate) fn run(&mut self, sql: &str) -> io::Result<Vec<Row>> {
        let (reply, answer) = mpsc::channel();
        let request = Request { sql: sql.to_owned(), reply };
        self.requests.send(request).map_err(io::Error::other)?;
        answer.recv().map_err(io::Error::other)?
    }
}

/// Runs statements until the [`Administrator`] is dropped.
async fn serve(mut connection: impl Connection, mut requests: UnboundedReceiver<Request>) {
    while let Some(Request { sql, reply }) = requests.recv().await {
        // Nobody waits for it any more if the caller has panicked.
        let _ = reply.send(connection.run(&sql).await);
    }
}

/// Waits for an answer of the server's, for as long as it may be silent.
///
/// # Errors
/// That of `answer`, or the time is up.
pub(crate) async fn answer<T>(answer: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(ANSWER_TIMEOUT, answer).await.unwrap_or_else(|_| {
        let message = format!("the server does not answer after {} s", ANSWER_TIMEOUT.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, message))
    })
}

//! The end of an execution environment, foretold.
//!
//! Lambda ends an environment with SIGKILL, and the network of it just stops: the server keeps a
//! connection that nobody has until its own time-outs, hours on MySQL. Only where an extension is
//! registered does it send SIGTERM first, and leave 500 ms:
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown>.
//! So the function registers itself as an internal extension that asks for no events, as
//! `lambda_runtime` does with its feature `graceful-shutdown`, but beside the first login, which
//! takes longer, and without ending where it is refused.
//!
//! A Managed Instance may be busy then. [`Shutdown`] takes no new event, lets those that run go on for
//! most of that time, has the server end what takes longer, and waits until all are answered.

use lambda_runtime::tower::Service;
use lambda_runtime::{Error as BoxError, LambdaInvocation};
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

/// Internal extensions have names of their own choice.
const NAME: &str = "rds-iam-lambda";
/// The longest answer to a registration that is read.
const ANSWER: u64 = 16 * 1024;
/// How long a registration may take. The API is in the same environment; without it the function
/// works as well.
const REGISTRATION: Duration = Duration::from_secs(2);

/// After SIGTERM: how long a statement may run before the server is told to end it.
const STATEMENT: Duration = Duration::from_millis(320);
/// After SIGTERM: when every wait ends, and the answer goes out.
const ANSWERED: Duration = Duration::from_millis(420);
/// After SIGTERM: when the process ends, whatever is still open. Lambda kills it at 500 ms, and at
/// 600 ms on Managed Instances.
const LEFT: Duration = Duration::from_millis(480);

/// What a process knows of its end, and of the events that it has not answered.
#[derive(Debug)]
pub(crate) struct Shutdown {
    /// When SIGTERM came.
    foretold: watch::Sender<Option<Instant>>,
    running: watch::Sender<usize>,
}

impl Default for Shutdown {
    fn default() -> Shutdown {
        Shutdown { foretold: watch::Sender::new(None), running: watch::Sender::new(0) }
    }
}

impl Shutdown {
    /// SIGTERM has come.
    pub(crate) fn foretell(&self) {
        self.foretold.send_replace(Some(Instant::now()));
    }

    /// Whether SIGTERM has come.
    pub(crate) fn is_foretold(&self) -> bool {
        self.foretold.borrow().is_some()
    }

    /// When waits end, if SIGTERM has come: those after which there is something to do end `early`.
    pub(crate) fn end(&self, early: bool) -> Option<Instant> {
        let time = if early { STATEMENT } else { ANSWERED };
        self.foretold.borrow().map(|foretold| foretold + time)
    }

    /// Comes when SIGTERM has come and waits end.
    pub(crate) async fn until_end(&self, early: bool) {
        self.until_foretold().await;
        if let Some(end) = self.end(early) {
            sleep_until(end).await;
        }
    }

    /// How many events were taken and are not answered.
    pub(crate) fn running(&self) -> usize {
        *self.running.borrow()
    }

    /// Comes when every event is answered that was taken.
    pub(crate) async fn until_answered(&self) {
        // The sender is this value's own: it is there.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }

    /// How long it is until the process has to end.
    pub(crate) fn left(&self) -> Duration {
        let foretold = self.foretold.borrow().unwrap_or_else(Instant::now);
        (foretold + LEFT).saturating_duration_since(Instant::now())
    }

    async fn until_foretold(&self) {
        let _ = self.foretold.subscribe().wait_for(Option::is_some).await;
    }

    /// Puts itself around the runtime's `service`.
    pub(crate) fn around<S>(&'static self, service: S) -> Counted<S> {
        Counted { inner: service, shutdown: self }
    }

    /// Counts an event until the value is dropped.
    fn begin(&'static self) -> Running {
        self.running.send_modify(|running| *running += 1);
        Running(self)
    }
}

/// An event that was taken and is not answered.
struct Running(&'static Shutdown);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.send_modify(|running| *running -= 1);
    }
}

/// Around the runtime's service, which handles an event and sends the answer: counts what runs, and
/// after SIGTERM keeps the runtime from asking for another event.
#[derive(Clone, Copy)]
pub(crate) struct Counted<S> {
    inner: S,
    shutdown: &'static Shutdown,
}

impl<S> Service<LambdaInvocation> for Counted<S>
where
    S: Service<LambdaInvocation, Response = (), Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let (running, shutdown) = (self.shutdown.begin(), self.shutdown);
        let answered = self.inner.call(invocation);
        Box::pin(async move {
            let outcome = answered.await;
            drop(running);
            if shutdown.is_foretold() {
                pending::<()>().await;
            }
            outcome
        })
    }
}

/// A registered extension: it lasts as long as it waits for the events that it did not ask for.
pub(crate) struct Extension {
    _waiting: TcpStream,
}

impl Extension {
    /// Registers with the API at `address`, the value of `AWS_LAMBDA_RUNTIME_API`.
    ///
    /// # Errors
    /// The API cannot be reached, refuses, or does not answer in time.
    pub(crate) async fn register(address: &str) -> io::Result<Extension> {
        let late =
            |_| io::Error::new(io::ErrorKind::TimedOut, "the Extensions API does not answer");
        timeout(REGISTRATION, Extension::try_register(address)).await.map_err(late)?
    }

    async fn try_register(address: &str) -> io::Result<Extension> {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!(
            "POST /2020-01-01/extension/register HTTP/1.1\r\nHost: {address}\r\n\
             Lambda-Extension-Name: {NAME}\r\nContent-Type: application/json\r\n\
             Content-Length: 13\r\nConnection: close\r\n\r\n{{\"events\":[]}}"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(ANSWER).read_to_end(&mut answer).await?;
        let answer = String::from_utf8_lossy(&answer);
        let identifier = identifier(&answer).ok_or_else(|| {
            let status = answer.lines().next().unwrap_or("no answer").to_owned();
            io::Error::other(format!("the Extensions API refused: {status}"))
        })?;
        let mut stream = TcpStream::connect(address).await?;
        let request = format!(
            "GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: {address}\r\n\
             Lambda-Extension-Identifier: {identifier}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        Ok(Extension { _waiting: stream })
    }
}

/// The identifier in the header of a registration that was accepted.
fn identifier(answer: &str) -> Option<&str> {
    let (head, _) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?;
    let header = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("lambda-extension-identifier"));
    header.filter(|_| status == "200").map(|(_, value)| value.trim())
}

/// Waits for SIGTERM, and tells `shutdown`.
///
/// # Errors
/// The system refuses a handler.
pub(crate) async fn foretold(shutdown: &Shutdown) -> io::Result<()> {
    signal(SignalKind::terminate())?.recv().await;
    shutdown.foretell();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_accepted_registration_has_an_identifier() {
        let answer =
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nLambda-Extension-Identifier: a-1\r\n\r\n{}";
        assert_eq!(identifier(answer), Some("a-1"));
        assert_eq!(identifier(&answer.replace("200 OK", "403 Forbidden")), None);
        assert_eq!(identifier("HTTP/1.1 200 OK\r\n\r\nlambda-extension-identifier: a"), None);
        assert_eq!(identifier(""), None);
    }

    #[tokio::test]
    async fn an_extensions_api_that_says_nothing_is_not_waited_for() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap().to_string();
        let registered = timeout(10 * REGISTRATION, Extension::register(&address)).await;
        let error = registered.expect("it gives up").err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}

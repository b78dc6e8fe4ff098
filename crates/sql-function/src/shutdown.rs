//! The shutdown of an execution environment.
//!
//! Lambda kills an environment with SIGKILL, without closing its network connections: the server
//! keeps them until its own timeouts, hours on MySQL. Only if an extension is registered does
//! Lambda send SIGTERM 500 ms before:
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown>.
//! So the function registers itself as an internal extension for no events. `lambda_runtime` does
//! the same with its feature `graceful-shutdown`; here it happens during the first login, which
//! takes longer, and a failure does not end the function.
//!
//! A Managed Instance may be busy at that time. [`Shutdown`] accepts no new event, lets the running
//! ones continue for most of the 500 ms, has the server cancel those that take longer, and waits
//! until all are answered.

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

/// The extension's name. Internal extensions may choose any.
const NAME: &str = "rds-iam-lambda";
/// The maximum length of the answer to a registration, in bytes.
const MAX_ANSWER: u64 = 16 * 1024;
/// How long a registration may take. The API is local, and the function works without it.
const REGISTRATION: Duration = Duration::from_secs(2);

/// After SIGTERM: how long a statement may run before it is canceled.
const STATEMENT: Duration = Duration::from_millis(320);
/// After SIGTERM: when every wait ends and the answer is sent.
const ANSWERED: Duration = Duration::from_millis(420);
/// After SIGTERM: when the process exits in any case. Lambda kills it at 500 ms, and at 600 ms on
/// Managed Instances.
const EXIT: Duration = Duration::from_millis(480);

/// Whether SIGTERM was received, and how many events are running.
#[derive(Debug)]
pub(crate) struct Shutdown {
    /// When SIGTERM was received.
    started: watch::Sender<Option<Instant>>,
    /// How many events are not answered yet.
    running: watch::Sender<usize>,
}

impl Default for Shutdown {
    fn default() -> Shutdown {
        Shutdown { started: watch::Sender::new(None), running: watch::Sender::new(0) }
    }
}

impl Shutdown {
    /// Records that SIGTERM was received.
    pub(crate) fn start(&self) {
        self.started.send_replace(Some(Instant::now()));
    }

    /// Whether SIGTERM was received.
    pub(crate) fn has_started(&self) -> bool {
        self.started.borrow().is_some()
    }

    /// When waits end, if SIGTERM was received. A wait that needs time for what follows ends
    /// `early`.
    pub(crate) fn end(&self, early: bool) -> Option<Instant> {
        let time = if early { STATEMENT } else { ANSWERED };
        self.started.borrow().map(|started| started + time)
    }

    /// Completes when SIGTERM was received and waits end.
    pub(crate) async fn until_end(&self, early: bool) {
        self.until_started().await;
        if let Some(end) = self.end(early) {
            sleep_until(end).await;
        }
    }

    /// How many events are not answered yet.
    pub(crate) fn running(&self) -> usize {
        *self.running.borrow()
    }

    /// Completes when all events are answered.
    pub(crate) async fn until_answered(&self) {
        // Fails only if the sender is dropped, which is a field of this value.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }

    /// The time until the process exits.
    pub(crate) fn left(&self) -> Duration {
        let started = self.started.borrow().unwrap_or_else(Instant::now);
        (started + EXIT).saturating_duration_since(Instant::now())
    }

    async fn until_started(&self) {
        let _ = self.started.subscribe().wait_for(Option::is_some).await;
    }

    /// Wraps the runtime's `service`.
    pub(crate) fn wrap<S>(&'static self, service: S) -> Counted<S> {
        Counted { inner: service, shutdown: self }
    }

    /// Counts an event until the returned value is dropped.
    fn begin(&'static self) -> Running {
        self.running.send_modify(|running| *running += 1);
        Running(self)
    }
}

/// An event that is not answered yet.
struct Running(&'static Shutdown);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.send_modify(|running| *running -= 1);
    }
}

/// Wraps the runtime's service, which handles an event and sends the answer: counts running events
/// and, after SIGTERM, keeps the runtime from requesting another event.
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
            if shutdown.has_started() {
                pending::<()>().await;
            }
            outcome
        })
    }
}

/// A registered extension. It stays registered as long as it waits for its next event.
pub(crate) struct Extension {
    _waiting: TcpStream,
}

impl Extension {
    /// Registers with the API at `address`, the value of `AWS_LAMBDA_RUNTIME_API`.
    ///
    /// # Errors
    /// The API cannot be reached, refuses, or does not answer within two seconds.
    pub(crate) async fn register(address: &str) -> io::Result<Extension> {
        let late =
            |_| io::Error::new(io::ErrorKind::TimedOut, "the Extensions API does not respond");
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
        stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
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

/// The extension identifier in the answer to an accepted registration.
fn identifier(answer: &str) -> Option<&str> {
    let (head, _) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?;
    let header = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("lambda-extension-identifier"));
    header.filter(|_| status == "200").map(|(_, value)| value.trim())
}

/// Waits for SIGTERM and starts the shutdown.
///
/// # Errors
/// The signal handler cannot be installed.
pub(crate) async fn on_sigterm(shutdown: &Shutdown) -> io::Result<()> {
    signal(SignalKind::terminate())?.recv().await;
    shutdown.start();
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
    async fn an_extensions_api_that_does_not_respond_is_not_waited_for() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap().to_string();
        let registered = timeout(10 * REGISTRATION, Extension::register(&address)).await;
        let error = registered.expect("it gives up").err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}

//! The end of an execution environment, foretold.
//!
//! Lambda ends an environment with SIGKILL, and the network of it just stops: the server keeps a
//! connection that nobody has until its own time-outs, hours on MySQL. Only where an extension is
//! registered does it send SIGTERM first, and leave 500 ms:
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown>.
//! So the function registers itself as an internal extension that asks for no events, as
//! `lambda_runtime` does with its feature `graceful-shutdown`, but beside the first login, which
//! takes longer, and without ending where it is refused.

use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};

/// Internal extensions have names of their own choice.
const NAME: &str = "rds-iam-lambda";
/// The longest answer to a registration that is read.
const ANSWER: u64 = 16 * 1024;

/// A registered extension: it lasts as long as it waits for the events that it did not ask for.
pub(crate) struct Extension {
    _waiting: TcpStream,
}

impl Extension {
    /// Registers with the API at `address`, the value of `AWS_LAMBDA_RUNTIME_API`.
    ///
    /// # Errors
    /// The API cannot be reached, or refuses.
    pub(crate) async fn register(address: &str) -> io::Result<Extension> {
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

/// Waits for SIGTERM.
///
/// # Errors
/// The system refuses a handler.
pub(crate) async fn foretold() -> io::Result<()> {
    signal(SignalKind::terminate())?.recv().await;
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
}

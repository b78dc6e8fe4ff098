//! Sends the token to the server without giving it to the driver, which would keep it in its
//! options, and in its write buffer as long as the connection is open.
//!
//! The driver gets a placeholder for the password. When it sends that as a cleartext password, this
//! stream writes the token instead. For any other authentication method, the driver only has the
//! placeholder.
//!
//! Source: `PasswordMessage` in "Message Formats" in the PostgreSQL documentation.

use iam_auth::AuthToken;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};
use zeroize::Zeroizing;

/// The driver's password.
pub(crate) const PLACEHOLDER: &str = "placeholder";

/// A connection to a verified server, with the token until it is sent.
pub(crate) struct TokenStream<S> {
    stream: S,
    message: Option<Message>,
    /// Whether the driver has sent the startup message. Its password message comes next.
    started: bool,
}

/// The password message with the token. Its memory is overwritten when it is dropped.
pub(crate) struct Message {
    bytes: Zeroizing<Vec<u8>>,
    sent: usize,
}

impl Message {
    pub(crate) fn new(token: &AuthToken) -> Message {
        Message { bytes: Zeroizing::new(password_message(token.expose())), sent: 0 }
    }
}

impl<S> TokenStream<S> {
    pub(crate) fn new(stream: S, message: Message) -> TokenStream<S> {
        TokenStream { stream, message: Some(message), started: false }
    }
}

/// The message type, the length, and the password with a NUL. It is allocated once: growing would
/// leave a copy of the token behind.
fn password_message(password: &str) -> Vec<u8> {
    let length = 4 + password.len() + 1;
    let mut message = Vec::with_capacity(1 + length);
    message.push(b'p');
    message.extend((length as u32).to_be_bytes());
    message.extend(password.as_bytes());
    message.push(0);
    message
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TokenStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let TokenStream { stream, message, started } = &mut *self;
        match message {
            Some(Message { bytes: own, sent })
                if *started && bytes == password_message(PLACEHOLDER) =>
            {
                while *sent < own.len() {
                    *sent +=
                        match ready!(Pin::new(&mut *stream).poll_write(context, &own[*sent..]))? {
                            0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                            written => written,
                        };
                }
                *message = None;
                return Poll::Ready(Ok(bytes.len()));
            }
            Some(_) if *started => *message = None, // not asked for
            _ => {}
        }
        Pin::new(stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.started = true;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TokenStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for TokenStream<S> {
    /// None: it is only for SCRAM.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const STARTUP: &[u8] = b"\0\0\0\x08\0\x03\0\0";

    /// What the server receives when the driver writes this, through a stream that accepts few
    /// bytes at a time.
    async fn received(written: &[&[u8]]) -> Vec<u8> {
        let (near, mut far) = tokio::io::duplex(3);
        let message = Message { bytes: Zeroizing::new(password_message("the token")), sent: 0 };
        let mut near = TokenStream::new(near, message);
        let mut received = vec![];
        let write = async {
            for message in written {
                near.write_all(message).await.unwrap();
                near.flush().await.unwrap();
            }
            assert!(near.message.is_none(), "the token is still there");
            drop(near);
        };
        let (_, read) = tokio::join!(write, far.read_to_end(&mut received));
        read.unwrap();
        received
    }

    #[tokio::test]
    async fn the_token_replaces_the_placeholder_once() {
        let placeholder = password_message(PLACEHOLDER);
        let seen = received(&[STARTUP, &placeholder, b"Q1"]).await;
        assert_eq!(seen, [STARTUP, b"p\0\0\0\x0ethe token\0", b"Q1"].concat());
        let twice = received(&[STARTUP, &placeholder, &placeholder]).await;
        assert!(twice.ends_with(&placeholder));
    }

    #[tokio::test]
    async fn nothing_else_is_answered_with_the_token() {
        for answer in [&b"p\0\0\0\x28md5"[..], b"pSCRAM-SHA-256", b"Q1"] {
            let seen = received(&[STARTUP, answer, &password_message(PLACEHOLDER)]).await;
            assert_eq!(seen, [STARTUP, answer, &password_message(PLACEHOLDER)].concat());
        }
    }
}

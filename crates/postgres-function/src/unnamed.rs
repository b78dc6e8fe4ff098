//! Sends no named statement through an RDS Proxy, which gives each transaction any connection to the
//! database: the statement that the driver prepared may be unknown there, or that of another client.
//!
//! The driver names every statement that it prepares (`s0`, `s1`, …), its own questions about types
//! included, and binds it later. This stream, between the driver and TLS, sends each as the unnamed
//! statement. A bind becomes the statement's text and the bind, in one flight that is complete in
//! itself; the additional answers do not reach the driver. It also has the server describe the
//! statement each time: if its columns are no longer those that the driver was told, the driver gets an
//! error in place of rows that it would misread.
//!
//! Sources: "Message Flow" and "Message Formats" in the PostgreSQL documentation;
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html>.

mod filter;
mod messages;
#[cfg(test)]
mod properties;

use bytes::{Buf, BytesMut};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

use filter::Filter;

pub(crate) use filter::CHANGED;

/// How much is read at once, in bytes.
const READ: usize = 16 * 1024;

/// A connection on which no statement has a name, or one that is left as it is.
pub(crate) struct UnnamedStream<S> {
    stream: S,
    filtered: Option<Filtered>,
}

/// What is between the driver and a proxy.
struct Filtered {
    filter: Filter,
    /// What has not been sent yet.
    outgoing: BytesMut,
    /// What the driver has not read yet.
    incoming: BytesMut,
    read: Box<[u8]>,
}

impl<S> UnnamedStream<S> {
    pub(crate) fn new(stream: S, through_proxy: bool) -> UnnamedStream<S> {
        let filtered = through_proxy.then(|| Filtered {
            filter: Filter::default(),
            outgoing: BytesMut::new(),
            incoming: BytesMut::new(),
            read: vec![0; READ].into_boxed_slice(),
        });
        UnnamedStream { stream, filtered }
    }
}

impl<S: AsyncWrite + Unpin> UnnamedStream<S> {
    /// Sends what is left to send.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(Filtered { outgoing, .. }) = &mut self.filtered {
            while !outgoing.is_empty() {
                match ready!(Pin::new(&mut self.stream).poll_write(context, outgoing))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    written => outgoing.advance(written),
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for UnnamedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_drain(context))?;
        match &mut self.filtered {
            // The login is left to the stream below, which sends the token.
            Some(Filtered { filter, outgoing, .. }) if filter.is_logged_in() => {
                filter.send(bytes, outgoing)?;
            }
            _ => return Pin::new(&mut self.stream).poll_write(context, bytes),
        }
        // What cannot be sent now is sent by the next write or flush.
        match self.poll_drain(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for UnnamedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let UnnamedStream { stream, filtered } = &mut *self;
        let Some(Filtered { filter, incoming, read, .. }) = filtered else {
            return Pin::new(stream).poll_read(context, buffer);
        };
        while incoming.is_empty() {
            let mut received = ReadBuf::new(read);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut received))?;
            if received.filled().is_empty() {
                return Poll::Ready(Ok(())); // closed
            }
            filter.receive(received.filled(), incoming)?;
        }
        let given = buffer.remaining().min(incoming.len());
        buffer.put_slice(&incoming[..given]);
        incoming.advance(given);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for UnnamedStream<S> {
    /// None: it is only for SCRAM.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

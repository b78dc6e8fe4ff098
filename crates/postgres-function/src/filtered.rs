//! A stream between the driver and TLS, which changes what is sent and received.

use bytes::{Buf, BytesMut};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

use crate::ahead::Ahead;
use crate::unnamed::Unnamed;

/// How much is read at once, in bytes.
const READ: usize = 16 * 1024;

/// What changes it.
pub(crate) enum Filter {
    /// Through an RDS Proxy, no statement has a name.
    Unnamed(Box<Unnamed>),
    /// The first read runs in the flight of its preparation.
    Ahead(Arc<Ahead>),
}

impl Filter {
    /// Whether what the driver sends is left as it is.
    fn passes_sent(&self) -> bool {
        match self {
            // The login is left to the stream below, which sends the token.
            Filter::Unnamed(unnamed) => !unnamed.is_logged_in(),
            Filter::Ahead(ahead) => ahead.passes_sent(),
        }
    }

    /// Whether what the server sends is left as it is.
    fn passes_received(&self) -> bool {
        match self {
            Filter::Unnamed(_) => false,
            Filter::Ahead(ahead) => ahead.passes_received(),
        }
    }

    /// Whether nothing may be read until the driver has sent something.
    fn waits(&self) -> bool {
        match self {
            Filter::Unnamed(_) => false,
            Filter::Ahead(ahead) => ahead.waits(),
        }
    }
}

/// A connection that a filter changes.
pub(crate) struct FilteredStream<S> {
    stream: S,
    filter: Filter,
    /// What has not been sent yet.
    outgoing: BytesMut,
    /// What the driver has not read yet.
    incoming: BytesMut,
    read: Vec<u8>,
}

impl<S> FilteredStream<S> {
    pub(crate) fn new(stream: S, filter: Filter) -> FilteredStream<S> {
        let (outgoing, incoming) = (BytesMut::new(), BytesMut::new());
        FilteredStream { stream, filter, outgoing, incoming, read: vec![] }
    }
}

impl<S: AsyncWrite + Unpin> FilteredStream<S> {
    /// Sends what is left to send.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(context, &self.outgoing))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.outgoing.advance(written),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FilteredStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_drain(context))?;
        let FilteredStream { stream, filter, outgoing, incoming, .. } = &mut *self;
        if filter.passes_sent() {
            return Pin::new(stream).poll_write(context, bytes);
        }
        match filter {
            Filter::Unnamed(unnamed) => unnamed.send(bytes, outgoing)?,
            Filter::Ahead(ahead) => {
                ahead.send(bytes, outgoing, incoming)?;
                // The driver reads in the task in which it writes, and there may be something now.
                context.waker().wake_by_ref();
            }
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

impl<S: AsyncRead + Unpin> AsyncRead for FilteredStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let FilteredStream { stream, filter, incoming, read, .. } = &mut *self;
        while incoming.is_empty() {
            if filter.passes_received() {
                return Pin::new(stream).poll_read(context, buffer);
            }
            if filter.waits() {
                return Poll::Pending; // a write wakes it
            }
            read.resize(READ, 0);
            let mut received = ReadBuf::new(read);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut received))?;
            if received.filled().is_empty() {
                return Poll::Ready(Ok(())); // closed
            }
            match filter {
                Filter::Unnamed(unnamed) => unnamed.receive(received.filled(), incoming)?,
                Filter::Ahead(ahead) => ahead.receive(received.filled(), incoming)?,
            }
        }
        let given = buffer.remaining().min(incoming.len());
        buffer.put_slice(&incoming[..given]);
        incoming.advance(given);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for FilteredStream<S> {
    /// None: it is only for SCRAM.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

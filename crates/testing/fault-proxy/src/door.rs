//! The socket that a proxy listens on, which can be shut: nothing answers those who knock then.

use socket2::SockRef;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// How many connections the system accepts before the proxy does.
const BACKLOG: i32 = 1024;
/// How long a connection to oneself may take before the queue counts as full.
const FULL: Duration = Duration::from_secs(1);

/// A listening socket.
#[derive(Debug)]
pub(crate) struct Door {
    listener: TcpListener,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    shut: bool,
    /// Its own connections, which filled the queue, by their addresses.
    own: Vec<SocketAddr>,
    /// Keeps the queue full while the door is shut.
    filler: Option<std::net::TcpStream>,
    /// Who waits for it to open.
    waker: Option<Waker>,
}

impl Door {
    pub(crate) fn new(listener: TcpListener) -> Door {
        Door { listener, state: Mutex::default() }
    }

    /// Shuts it: the queue of accepted connections is full, and Linux drops every further SYN (listen(2),
    /// and tcp(7) on `tcp_abort_on_overflow`). A client repeats its SYN, and gets in once it is open.
    pub(crate) fn shut(&self) -> io::Result<()> {
        let mut state = self.state();
        if state.shut {
            return Ok(());
        }
        // With the lock held nobody is accepted. A queue of length 0 has room for one connection.
        state.shut = true;
        SockRef::from(&self.listener).listen(0)?;
        let address = self.listener.local_addr()?;
        // It gets no answer if another connection is in the queue already.
        state.filler = std::net::TcpStream::connect_timeout(&address, FULL).ok();
        let own = state.filler.as_ref().map(std::net::TcpStream::local_addr).transpose()?;
        state.own.extend(own);
        Ok(())
    }

    /// Opens it again.
    pub(crate) fn open(&self) -> io::Result<()> {
        let mut state = self.state();
        if !state.shut {
            return Ok(());
        }
        SockRef::from(&self.listener).listen(BACKLOG)?;
        state.shut = false;
        state.filler = None;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
        Ok(())
    }

    /// The next connection, once the door is open.
    pub(crate) async fn accept(&self) -> TcpStream {
        poll_fn(|context| {
            loop {
                let mut state = self.state();
                if state.shut {
                    state.waker = Some(context.waker().clone());
                    return Poll::Pending;
                }
                match self.listener.poll_accept(context) {
                    Poll::Ready(Ok((stream, client))) => {
                        match state.own.iter().position(|own| *own == client) {
                            Some(index) => drop(state.own.swap_remove(index)),
                            None => return Poll::Ready(stream),
                        }
                    }
                    // The client is gone.
                    Poll::Ready(Err(_)) => {}
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

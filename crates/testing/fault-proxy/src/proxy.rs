//! The proxy, which serves until it is dropped.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::condition::Condition;
use crate::cut::{Cut, Ending};
use crate::door::Door;
use crate::framer::{Message, Protocol};
use crate::link::Link;

/// A proxy in front of one server. Dropping it ends every connection through it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    door: Door,
    target: Mutex<SocketAddr>,
    protocol: Protocol,
    condition: watch::Sender<Condition>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// One for each of the next connections.
    cuts: Vec<Cut>,
    accepted: usize,
    /// How many of them are being connected to the server.
    connecting: usize,
    /// The open connections, and the last one.
    links: Vec<Arc<Link>>,
}

/// A point in a conversation, from which messages are counted.
#[derive(Clone, Debug)]
pub struct Mark {
    link: Arc<Link>,
    messages: usize,
}

impl Proxy {
    /// Starts on a free port of 127.0.0.1, in the current Tokio runtime, in front of the server at
    /// `target`, whose conversations begin in `protocol`.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start(target: SocketAddr, protocol: Protocol) -> io::Result<Proxy> {
        Proxy::start_on((Ipv4Addr::LOCALHOST, 0).into(), target, protocol).await
    }

    /// The same at this `address` of loopback. Port 0 stands for a free one.
    ///
    /// # Errors
    /// The address is in use.
    pub async fn start_on(
        address: SocketAddr,
        target: SocketAddr,
        protocol: Protocol,
    ) -> io::Result<Proxy> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            door: Door::new(listener),
            target: Mutex::new(target),
            protocol,
            condition: watch::Sender::new(Condition::Clear),
            state: Mutex::default(),
        });
        let task = tokio::spawn(serve(shared.clone()));
        Ok(Proxy { address, shared, task })
    }

    /// The address to connect to instead of the server's.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads new connections to another server, as a name that is moved does. Open ones stay where they
    /// are.
    pub fn move_to(&self, target: SocketAddr) {
        *self.shared.target() = target;
    }

    /// Changes the network for all connections, open ones too.
    ///
    /// # Panics
    /// The system does not change the length of a queue of connections.
    pub fn set(&self, condition: Condition) {
        let door = &self.shared.door;
        let changed = if condition == Condition::Unanswered { door.shut() } else { door.open() };
        changed.unwrap_or_else(|error| panic!("cannot change {}: {error}", self.address));
        self.shared.condition.send_replace(condition);
    }

    /// Cuts the next connection. Its end is counted from its beginning.
    pub fn cut_next(&self, cut: Cut) {
        self.cut_each(cut, 1);
    }

    /// Cuts each of so many of the next connections, as [`cut_next`](Self::cut_next) does.
    pub fn cut_each(&self, cut: Cut, connections: usize) {
        self.shared.state().cuts = vec![cut; connections];
    }

    /// Cuts the connection that was opened last at a point counted from now.
    ///
    /// # Panics
    /// There has been no connection.
    pub fn cut_open(&self, cut: Cut) {
        self.last().cut(cut);
    }

    /// Whether a cut has been set and has not happened yet, on an open connection or for the next one.
    pub fn awaits_cut(&self) -> bool {
        let state = self.shared.state();
        !state.cuts.is_empty() || state.links.iter().any(|link| link.awaits_cut())
    }

    /// Cancels the cuts that have not happened.
    pub fn forget_cuts(&self) {
        let mut state = self.shared.state();
        state.cuts.clear();
        state.links.iter().for_each(|link| link.forget_cut());
    }

    /// Ends every open connection now.
    pub fn sever(&self, ending: Ending) {
        self.shared.state().links.iter().for_each(|link| link.end(ending));
    }

    /// How many connections are open, or have been accepted and are being connected to the server. After
    /// [`Condition::Refuse`] it does not rise.
    pub fn open(&self) -> usize {
        let state = self.shared.state();
        state.connecting + state.links.iter().filter(|link| link.is_open()).count()
    }

    /// How many connections have been accepted, including those that were then refused or ignored.
    pub fn accepted(&self) -> usize {
        self.shared.state().accepted
    }

    /// The messages of the connection that was opened last, in the order of their completion.
    pub fn messages(&self) -> Vec<Message> {
        self.shared.state().links.last().map(|link| link.messages()).unwrap_or_default()
    }

    /// This point in the connection that was opened last.
    ///
    /// # Panics
    /// There has been no connection.
    pub fn mark(&self) -> Mark {
        let link = self.last();
        Mark { messages: link.messages().len(), link }
    }

    fn last(&self) -> Arc<Link> {
        let last = self.shared.state().links.last().cloned();
        last.unwrap_or_else(|| panic!("nobody has connected to {} yet", self.address))
    }
}

impl Mark {
    /// The messages since then.
    pub fn since(&self) -> Vec<Message> {
        self.link.messages().split_off(self.messages)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    /// Counts a connection, and returns the condition that it meets.
    fn accept(&self) -> Condition {
        // Read under the lock: who refuses connections and then counts the open ones misses none.
        let mut state = self.state();
        let condition = *self.condition.borrow();
        state.accepted += 1;
        if !matches!(condition, Condition::Refuse | Condition::BlackHole) {
            state.connecting += 1;
        }
        condition
    }

    /// Adds a connection that has reached the server.
    fn link(&self) -> Arc<Link> {
        let mut state = self.state();
        state.connecting -= 1;
        let link = Arc::new(Link::new(self.protocol, state.cuts.pop()));
        state.links.retain(|link| link.is_open());
        state.links.push(link.clone());
        link
    }

    fn target(&self) -> MutexGuard<'_, SocketAddr> {
        self.target.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // It changes by single assignments: a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections until the task is dropped, which ends them all.
async fn serve(shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let client = shared.door.accept().await;
        while connections.try_join_next().is_some() {}
        let condition = shared.accept();
        if condition == Condition::Refuse {
            let _ = client.set_zero_linger();
            continue;
        }
        let shared = shared.clone();
        connections.spawn(async move {
            if condition == Condition::BlackHole {
                let _unanswered = client;
                return std::future::pending().await;
            }
            // If the server refuses, so does the proxy.
            let target = *shared.target();
            let Ok(server) = TcpStream::connect(target).await else {
                shared.state().connecting -= 1;
                let _ = client.set_zero_linger();
                return;
            };
            for stream in [&client, &server] {
                let _ = stream.set_nodelay(true);
            }
            let condition = shared.condition.subscribe();
            shared.link().run(client, server, condition).await;
        });
    }
}

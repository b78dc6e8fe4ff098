//! One connection that passes through the proxy.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::condition::Condition;
use crate::cut::{Cut, Ending, Verdict};
use crate::framer::{Direction, Framer, Kind, Message, Position, Protocol};

/// The state of a connection.
#[derive(Debug)]
pub(crate) struct Link {
    state: Mutex<State>,
    /// How it ends, once that is decided.
    ending: watch::Sender<Option<Ending>>,
}

#[derive(Debug)]
struct State {
    /// To the server, and to the client.
    framers: [Framer; 2],
    messages: Vec<Message>,
    /// Whether the client's last message of the TLS handshake has passed: in TLS 1.3, its first encrypted
    /// record (RFC 8446, section 4.4.4).
    is_tls_done: bool,
    /// With the position of the next byte when it was set.
    cut: Option<(Cut, Position)>,
    open: bool,
}

/// What becomes of bytes.
struct Inspected {
    /// How many of them pass.
    passing: usize,
    /// How many of them come before what the client sends once TLS is established.
    login: usize,
    /// What happens after those that pass.
    ending: Option<Ending>,
}

impl Link {
    pub(crate) fn new(protocol: Protocol, cut: Option<Cut>) -> Link {
        let framers = Direction::BOTH.map(|direction| Framer::new(protocol, direction));
        let cut = cut.map(|cut| (cut, Position::default()));
        let state = State { framers, messages: Vec::new(), is_tls_done: false, cut, open: true };
        Link { state: Mutex::new(state), ending: watch::Sender::new(None) }
    }

    /// Cuts the connection at a point counted from now. Replaces an earlier cut.
    pub(crate) fn cut(&self, cut: Cut) {
        let mut state = self.state();
        let base = state.framers[cut.direction as usize].next();
        state.cut = Some((cut, base));
    }

    /// Cancels the cut.
    pub(crate) fn forget_cut(&self) {
        self.state().cut = None;
    }

    /// Whether a cut has been set and has not happened yet.
    pub(crate) fn awaits_cut(&self) -> bool {
        let state = self.state();
        state.open && state.cut.is_some()
    }

    /// Ends the connection now.
    pub(crate) fn end(&self, ending: Ending) {
        self.ending.send_replace(Some(ending));
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state().open
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        self.state().messages.clone()
    }

    /// Forwards bytes between `client` and `server` until the connection ends.
    pub(crate) async fn run(
        &self,
        mut client: TcpStream,
        mut server: TcpStream,
        condition: watch::Receiver<Condition>,
    ) {
        let reset = {
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            let mut ending = self.ending.subscribe();
            let ended = async {
                let seen =
                    ending.wait_for(|ending| matches!(ending, Some(Ending::Reset | Ending::Close)));
                seen.await.is_ok_and(|ending| *ending == Some(Ending::Reset))
            };
            let up = self.carry(Direction::ToServer, from_client, to_server, condition.clone());
            let down = self.carry(Direction::ToClient, from_server, to_client, condition);
            tokio::select! {
                reset = ended => reset,
                // A reset of one side resets the other.
                done = async { tokio::try_join!(up, down) } => done.is_err(),
            }
        };
        if reset {
            for stream in [&client, &server] {
                // An error only means that the connection is already gone.
                let _ = stream.set_zero_linger();
            }
        }
        self.state().open = false;
    }

    /// Forwards one direction until the sender closes its half.
    async fn carry(
        &self,
        direction: Direction,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        mut condition: watch::Receiver<Condition>,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let read = from.read(&mut buffer).await?;
            self.thawed().await;
            if read == 0 {
                // It may be half closed already.
                let _ = to.shutdown().await;
                return Ok(());
            }
            let bytes = &buffer[..read];
            let Inspected { passing, login, ending } = self.inspect(direction, bytes);
            let (before, login) = bytes[..passing].split_at(login.min(passing));
            hold_back(&mut condition, direction, before, &mut to).await?;
            if !login.is_empty() {
                let _ = condition.wait_for(|condition| *condition != Condition::HoldLogins).await;
                hold_back(&mut condition, direction, login, &mut to).await?;
            }
            match ending {
                None => {}
                Some(Ending::HalfClose) => {
                    let _ = to.shutdown().await;
                    while from.read(&mut buffer).await? > 0 {}
                    return Ok(());
                }
                Some(ending) => {
                    self.end(ending);
                    return std::future::pending().await;
                }
            }
        }
    }

    /// Waits while the connection is frozen by its cut.
    async fn thawed(&self) {
        if *self.ending.borrow() == Some(Ending::Freeze) {
            std::future::pending().await
        }
    }

    /// Follows `bytes`.
    fn inspect(&self, direction: Direction, bytes: &[u8]) -> Inspected {
        let state = &mut *self.state();
        let mut login = bytes.len();
        for (index, &byte) in bytes.iter().enumerate() {
            if direction == Direction::ToServer && state.is_tls_done {
                login = login.min(index);
            }
            let (position, message) = state.framers[direction as usize].take(byte);
            state.is_tls_done |= message.is_some_and(|message| {
                direction == Direction::ToServer && message.kind == Kind::Application
            });
            state.messages.extend(message);
            let Some((cut, base)) = state.cut.filter(|(cut, _)| cut.direction == direction) else {
                continue;
            };
            let passing = match cut.at.verdict(base, position) {
                Verdict::Pass => continue,
                Verdict::EndBefore => index,
                Verdict::EndAfter => index + 1,
            };
            state.cut = None;
            return Inspected { passing, login, ending: Some(cut.ending) };
        }
        Inspected { passing: bytes.len(), login, ending: None }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each byte is counted at once: a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forwards `bytes` as the condition of the network allows.
async fn hold_back(
    condition: &mut watch::Receiver<Condition>,
    direction: Direction,
    bytes: &[u8],
    to: &mut WriteHalf<'_>,
) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    // The sender lives as long as the proxy, and this task ends with it.
    let now = condition.wait_for(|condition| *condition != Condition::Freeze).await;
    let now = now.map_or(Condition::Clear, |condition| *condition);
    match now {
        Condition::Swallow(swallowed) if swallowed == direction => return Ok(()),
        Condition::Delay(delay) => sleep(delay).await,
        Condition::Bandwidth(bytes_per_second) => {
            let piece = (bytes_per_second as usize / 100).max(1);
            for piece in bytes.chunks(piece) {
                to.write_all(piece).await?;
                sleep(Duration::from_secs_f64(piece.len() as f64 / bytes_per_second as f64)).await;
            }
            return Ok(());
        }
        _ => {}
    }
    to.write_all(bytes).await
}

//! The first two steps of a login: DNS and TCP.
//!
//! A name may have addresses of both families, and any of them may be dead, refuse, or be missing in
//! this network. So they are tried in turn, a quarter of a second apart, and the first that answers
//! wins (RFC 8305, "Happy Eyeballs"). Nothing gives up while there is time: a database that is paused
//! or restarts answers later, at the same address or at another. So while nobody answers, the name is
//! asked again every few seconds, and its addresses are tried again.
//!
//! MySQL's driver dials by itself. Its attempt takes part in the race as the first, and only when the
//! kernel tells that it hangs does another join: see [`Race::beside`].

use diagnosis::Cause;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use iam_auth::DialAddress;
use std::collections::VecDeque;
use std::future::pending;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::select;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::deadline::Deadline;
use crate::error::{Error, Kind};
use crate::family::in_turn;
use crate::loggable;
use crate::names::{Question, Unknown};
use crate::opening::Opening;
use crate::said::Loggable;
use crate::ways::Ways;

pub use crate::family::Preference;
pub use crate::ways::{cause, is_transient, no_tcp};

/// How long an address is waited for before the next one is tried too: the "connection attempt delay"
/// of RFC 8305, section 5.
const STAGGER: Duration = Duration::from_millis(250);
/// How long nobody may answer before the name is asked again and its addresses are tried again. The
/// kernel repeats a SYN after 1, 3, 7, 15 and 31 seconds (RFC 6298), which is too seldom for a server
/// that resumes, and only at the address that the name had at first.
const ROUND: Duration = Duration::from_secs(3);
/// How long an attempt stays open: beside those of one later round. A server that opens its door meets no
/// more of them at once, of which all but one leave without a word, and MySQL counts such clients.
const ATTEMPT: Duration = ROUND.saturating_mul(2);

/// The IP addresses of `address`. They are looked up for each login: a failover changes them.
///
/// # Errors
/// [`Kind::ConnectDns`].
pub async fn resolve(address: &DialAddress, deadline: Deadline) -> Result<Vec<IpAddr>, Error> {
    answer(&mut Question::new(address.host()), address, deadline).await
}

/// A TCP connection to `address`, with `TCP_NODELAY`: without it a login waits once or twice for
/// the server's delayed acknowledgement, 40 ms each.
///
/// # Errors
/// [`Kind::ConnectDns`], [`Kind::ConnectTcp`].
pub async fn dial(address: &DialAddress, deadline: Deadline) -> Result<TcpStream, Error> {
    Race::start(address, None, deadline).await?.winner(deadline).await
}

/// Connects to the one of `addresses` that answers first.
///
/// # Errors
/// [`Kind::ConnectTcp`], with what became of each address.
pub async fn connect(
    address: &DialAddress,
    addresses: &[IpAddr],
    deadline: Deadline,
) -> Result<TcpStream, Error> {
    Race::among(address, &in_turn(addresses, None)).winner(deadline).await
}

/// A race of connections to the addresses of a name.
pub struct Race<'a> {
    address: &'a DialAddress,
    preference: Option<&'a Preference>,
    /// The question for the addresses, unless they are given.
    question: Option<Question>,
    /// Whether it is being asked again.
    asking: bool,
    /// The addresses, in the order in which they are tried.
    known: Vec<IpAddr>,
    /// Those that are tried next.
    waiting: VecDeque<IpAddr>,
    open: FuturesUnordered<BoxFuture<'static, (IpAddr, io::Result<TcpStream>)>>,
    ways: Ways,
    /// When the next address is tried.
    next: Instant,
    /// When the name is asked again, and all addresses are tried again.
    round: Instant,
}

/// How an attempt beside a race ended.
pub enum Beside<T> {
    /// By itself.
    Ended(T),
    /// It was still being opened when this address answered.
    Overtaken(IpAddr),
}

impl<'a> Race<'a> {
    /// A race to `address`, after its name is looked up. The family that is preferred begins.
    ///
    /// # Errors
    /// [`Kind::ConnectDns`].
    pub async fn start(
        address: &'a DialAddress,
        preference: Option<&'a Preference>,
        deadline: Deadline,
    ) -> Result<Race<'a>, Error> {
        let mut question = Question::new(address.host());
        let found = answer(&mut question, address, deadline).await?;
        let found = in_turn(&found, preference.and_then(Preference::family));
        Ok(Race { preference, question: Some(question), ..Race::among(address, &found) })
    }

    /// A race to these addresses, in this order.
    pub(crate) fn among(address: &'a DialAddress, addresses: &[IpAddr]) -> Race<'a> {
        let now = Instant::now();
        Race {
            address,
            preference: None,
            question: None,
            asking: false,
            known: addresses.to_vec(),
            waiting: addresses.iter().copied().collect(),
            open: FuturesUnordered::new(),
            ways: Ways::new(),
            next: now,
            round: now + ROUND,
        }
    }

    /// A connection to the address that answers first.
    ///
    /// # Errors
    /// [`Kind::ConnectTcp`]: none answered in time, or each of them failed.
    pub async fn winner(&mut self, deadline: Deadline) -> Result<TcpStream, Error> {
        let stream = deadline.wait(self.next_open()).await.flatten();
        self.open.clear();
        stream.ok_or_else(|| self.error())
    }

    /// The address that is tried next.
    pub(crate) fn next_address(&self) -> Option<IpAddr> {
        self.waiting.front().copied()
    }

    /// Takes the next address out of the race, for an attempt [beside](Self::beside) it.
    pub fn take_next(&mut self) -> Option<IpAddr> {
        self.waiting.pop_front()
    }

    /// Runs `attempt`, which dials `ip` by itself. While its connection is still being opened after a
    /// quarter of a second, the other addresses race it, and later the same one too, as in a race
    /// without it. Once it is open, `attempt` has the time of one login.
    ///
    /// In the ordinary case no other connection is opened: a MySQL server counts clients that leave
    /// during the handshake, and blocks a host that does so often (`max_connect_errors`).
    ///
    /// # Errors
    /// [`Kind::ConnectTcp`]: nobody answered in time. [`Kind::Timeout`]: TLS and login took too long.
    pub async fn beside<T>(
        &mut self,
        ip: IpAddr,
        deadline: Deadline,
        attempt: impl Future<Output = T>,
    ) -> Result<Beside<T>, Error> {
        self.ways.begin(ip);
        let mut attempt = pin!(attempt);
        if let Some(ended) = deadline.at_most(Some(STAGGER)).wait(&mut attempt).await {
            return Ok(Beside::Ended(ended));
        }
        let opening = Opening::now(SocketAddr::new(ip, self.address.port()));
        while opening.is_pending() {
            let step = async {
                select! {
                    biased;
                    ended = &mut attempt => Some(Beside::Ended(ended)),
                    stream = self.open_beside() => {
                        let reached = stream.peer_addr().ok().filter(|_| opening.is_pending());
                        reached.map(|address| Beside::Overtaken(address.ip()))
                    }
                    () = sleep(STAGGER) => None,
                }
            };
            match deadline.wait(step).await {
                Some(Some(end)) => {
                    self.open.clear();
                    return Ok(end);
                }
                Some(None) => {}
                None => return Err(self.error()),
            }
        }
        self.open.clear();
        let login = async { Ok(Beside::Ended(attempt.await)) };
        deadline.for_one_login().bound(|| "TLS and login".into(), login).await
    }

    /// Records that an attempt beside the race could not open its connection to `ip`.
    pub fn failed(&mut self, ip: IpAddr, error: &io::Error) {
        self.ways.failed(ip, error);
    }

    /// No address was reached.
    pub fn error(&self) -> Error {
        self.ways.error(self.address)
    }

    /// The addresses of the other family than that of `reached`, if any of them did not answer.
    pub(crate) fn silent_family(&self, reached: IpAddr) -> Option<String> {
        self.ways.silent_family(reached)
    }

    /// The next connection that is opened, while another attempt is open beside this race.
    async fn open_beside(&mut self) -> TcpStream {
        loop {
            if let Some(stream) = self.next_open().await {
                return stream;
            }
            sleep_until(self.round).await;
            self.begin_round();
        }
    }

    /// The next connection that is opened. `None` if all attempts have failed. May be dropped and
    /// called again.
    async fn next_open(&mut self) -> Option<TcpStream> {
        loop {
            self.begin_next();
            if self.open.is_empty() && self.waiting.is_empty() {
                return None;
            }
            select! {
                biased;
                Some((ip, outcome)) = self.open.next() => match outcome {
                    Ok(stream) => return Some(stream),
                    Err(error) => {
                        self.ways.failed(ip, &error);
                        // RFC 8305, section 5: after a failure, the next one is tried at once.
                        self.next = Instant::now();
                    }
                },
                found = again(&mut self.question), if self.asking => self.learn(found),
                () = sleep_until(self.next), if !self.waiting.is_empty() => {}
                () = sleep_until(self.round) => self.begin_round(),
            }
        }
    }

    /// Tries the next address, if it is time.
    fn begin_next(&mut self) {
        if Instant::now() < self.next {
            return;
        }
        let Some(ip) = self.waiting.pop_front() else { return };
        self.next = Instant::now() + STAGGER;
        self.ways.begin(ip);
        let to = SocketAddr::new(ip, self.address.port());
        self.open.push(Box::pin(async move {
            let connect = timeout(ATTEMPT, TcpStream::connect(to)).await;
            let stream = connect.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()));
            (ip, stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream)))
        }));
    }

    /// Asks the name again, and tries all known addresses again.
    fn begin_round(&mut self) {
        self.round = Instant::now() + ROUND;
        self.asking = self.question.is_some();
        if self.waiting.is_empty() {
            self.waiting.extend(&self.known);
            self.next = Instant::now();
        }
    }

    /// Replaces the addresses by those that the name has now: new ones are tried next.
    fn learn(&mut self, found: Result<Vec<IpAddr>, Unknown>) {
        self.asking = false;
        // It had addresses a moment ago.
        let Ok(found) = found else { return };
        let found = in_turn(&found, self.preference.and_then(Preference::family));
        self.waiting.retain(|ip| found.contains(ip));
        for &ip in found.iter().rev().filter(|ip| !self.known.contains(ip)) {
            self.waiting.push_front(ip);
        }
        self.known = found;
    }
}

/// The answer to a question that is asked again.
async fn again(question: &mut Option<Question>) -> Result<Vec<IpAddr>, Unknown> {
    match question {
        Some(question) => question.answer().await,
        None => pending().await,
    }
}

/// The answer to the question for the addresses of `address`.
async fn answer(
    question: &mut Question,
    address: &DialAddress,
    deadline: Deadline,
) -> Result<Vec<IpAddr>, Error> {
    let unresolved = |why: Loggable| {
        Error::new(Kind::ConnectDns, loggable!("cannot resolve {}: {why}", address.host()))
    };
    match deadline.wait(question.answer()).await {
        Some(Ok(addresses)) => Ok(addresses),
        Some(Err(Unknown(why))) => Err(unresolved(why).with_cause(Cause::NameUnresolved).advice(
            "check the name for a typing error, that the database exists, and that the \
                 function's VPC resolves DNS",
        )),
        None => Err(unresolved(question.failure()).with_cause(Cause::NameLookupFails).advice(
            "send the event again: the resolver failed, which says nothing about the name. If it \
             happens often, check the name servers that the VPC's DHCP options name, and that they \
             answer the function's subnets",
        )),
    }
}

/// An address that neither accepts nor refuses, as behind a firewall that drops packets: the queue of
/// its listener is full.
#[cfg(test)]
pub(crate) async fn full_backlog(at: &str) -> (SocketAddr, Vec<Box<dyn std::any::Any>>) {
    use tokio::net::TcpSocket;

    let at: SocketAddr = at.parse().unwrap();
    let socket = if at.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
    socket.bind(at).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut kept: Vec<Box<dyn std::any::Any>> = vec![Box::new(listener)];
    for _ in 0..64 {
        match timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            Ok(stream) => kept.push(Box::new(stream.unwrap())),
            Err(_) => return (address, kept),
        }
    }
    panic!("the listener's queue does not fill")
}

#[cfg(test)]
mod tests;

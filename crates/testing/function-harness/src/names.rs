//! A resolver of the rig's own: what a name leads to, and whether anybody answers, as the test says.
//!
//! A function that is deployed with [`Names::environment`] asks it instead of the system's, and so dials
//! its endpoint by name. The name leads to addresses of loopback at the endpoint's port, where the server
//! ([`Builder::dialled_as`](local_rds::Builder::dialled_as)) or a [proxy](crate::faults::proxy_on) listens:
//!
//! ```no_run
//! # use engine::Engine;
//! # use function_harness::{Harness, event::ITEMS, faults, names::{self, Answer, Names}};
//! # use local_rds::Server;
//! # async fn run() {
//! let server = Server::builder(Engine::Postgres).dialled_as(names::ENDPOINT);
//! let harness = Harness::with(server, "target/debug/postgres-function").await;
//! let (names, proxy) = (Names::start(), faults::proxy_on(&harness, None).await);
//! names.set(names::ENDPOINT, proxy.address().ip());
//! let function = harness.deploy(&names.environment()).await;
//! function.ok(ITEMS).await;
//! // From now on, the first two questions fail.
//! names.next(names::ENDPOINT, [Answer::TryAgain, Answer::TryAgain]);
//! # }
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

const PRELOAD: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/libnames_preload.so"));

// As in crates/testing/names-preload, which nothing can link.
const SOCKET_VARIABLE: &str = "NAMES_PRELOAD_SOCKET";
const MISSING_FAMILY_VARIABLE: &str = "NAMES_PRELOAD_MISSING_FAMILY";

/// The endpoint of an instance that does not exist, for a server that is dialled by this name.
pub const ENDPOINT: &str = "dialled.abc123def456.eu-west-1.rds.amazonaws.com";

/// How long glibc waits for a resolver that does not answer, before it says `EAI_AGAIN`: two attempts of
/// 5 seconds (resolv.conf(5)).
const SILENCE: Duration = Duration::from_secs(10);

/// What the resolver says about a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// These addresses, in this order. Asked for one family, it says those of that family.
    Addresses(Vec<IpAddr>),
    /// The name exists and has no address: `EAI_NODATA`.
    NoAddress,
    /// The name does not exist (NXDOMAIN): `EAI_NONAME`.
    NotFound,
    /// The resolver cannot tell now (SERVFAIL): `EAI_AGAIN`.
    TryAgain,
    /// The resolver cannot tell: `EAI_FAIL`.
    Fail,
    /// Nothing, until glibc gives up after 10 seconds with `EAI_AGAIN`.
    Silent,
    /// Another answer, this much later.
    After(Duration, Box<Answer>),
}

impl From<IpAddr> for Answer {
    fn from(address: IpAddr) -> Answer {
        Answer::Addresses(vec![address])
    }
}

impl<const N: usize> From<[IpAddr; N]> for Answer {
    fn from(addresses: [IpAddr; N]) -> Answer {
        Answer::Addresses(addresses.into())
    }
}

/// The address family of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    const ALL: [Family; 2] = [Family::V4, Family::V6];

    /// The number of Linux's `AF_INET` or `AF_INET6`.
    fn number(self) -> &'static str {
        match self {
            Family::V4 => "2",
            Family::V6 => "10",
        }
    }

    fn has(self, address: IpAddr) -> bool {
        address.is_ipv4() == (self == Family::V4)
    }
}

/// A resolver, which serves until it is dropped. Names that it does not know are the system's.
#[derive(Debug)]
pub struct Names {
    folder: TempDir,
    /// The paths of the library and of the socket.
    paths: [String; 2],
    known: Arc<Mutex<BTreeMap<String, Name>>>,
    task: JoinHandle<()>,
}

/// What is known of a name.
#[derive(Debug, Default)]
struct Name {
    /// For the next questions.
    next: VecDeque<Answer>,
    /// For IPv4 and IPv6.
    then: Option<[Answer; 2]>,
    /// In the order of the answer.
    addresses: Vec<IpAddr>,
    asked: usize,
}

impl Names {
    /// Starts a resolver in the current Tokio runtime.
    pub fn start() -> Names {
        let folder = TempDir::with_prefix("names-").unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let paths = [path("libnames_preload.so"), path("socket")];
        fs::write(&paths[0], PRELOAD).unwrap();
        let listener = UnixListener::bind(&paths[1]).expect("a socket can be made");
        let known = Arc::default();
        let task = tokio::spawn(serve(listener, Arc::clone(&known)));
        Names { folder, paths, known, task }
    }

    /// Answers so from now on.
    pub fn set(&self, host: &str, answer: impl Into<Answer>) {
        let answer = answer.into();
        self.change(host, |name| {
            name.addresses = addresses(&answer);
            name.then = Some(Family::ALL.map(|family| answer.clone().of(family)));
        });
    }

    /// Answers so from now on if the question is for this family. A question for both gets the addresses of
    /// both, IPv6 first, if it gets any: it is silent or late if either is, and an error only if both are.
    ///
    /// # Panics
    /// Nothing has been [set](Self::set) for the name.
    pub fn set_family(&self, host: &str, family: Family, answer: impl Into<Answer>) {
        self.change(host, |name| {
            let then = name.then.as_mut().expect("an answer for both families was set");
            then[family as usize] = answer.into();
            name.addresses = then.iter().rev().flat_map(addresses).collect();
        });
    }

    /// Answers the next questions so, each with one of them, whatever their family.
    pub fn next(&self, host: &str, answers: impl IntoIterator<Item = Answer>) {
        self.change(host, |name| name.next.extend(answers));
    }

    /// How many questions there have been for this name.
    pub fn asked(&self, host: &str) -> usize {
        lock(&self.known).get(host).map_or(0, |name| name.asked)
    }

    /// The changes of a function's environment with which it asks this resolver, and dials its endpoint by
    /// name.
    pub fn environment(&self) -> [(&str, &str); 3] {
        let [library, socket] = &self.paths;
        [("LD_PRELOAD", library), (SOCKET_VARIABLE, socket), ("DB_CONNECT_TO", "")]
    }

    fn change(&self, host: &str, change: impl FnOnce(&mut Name)) {
        change(lock(&self.known).entry(host.to_owned()).or_default());
    }
}

/// A change of a function's environment with which the kernel has no sockets of this family
/// (`EAFNOSUPPORT`). It needs those of [`Names::environment`].
pub fn without(family: Family) -> (&'static str, &'static str) {
    (MISSING_FAMILY_VARIABLE, family.number())
}

/// An address without a route, on every Linux: a multicast address, which TCP cannot connect to.
pub fn unroutable(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::from([224, 0, 0, 1]),
        Family::V6 => IpAddr::from([0xff0e, 0, 0, 0, 0, 0, 0, 1]),
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.task.abort();
        // Functions that ask from now on get an error, and the folder goes with the value.
        let _ = fs::remove_file(self.folder.path().join("socket"));
    }
}

impl Answer {
    /// The answer to a question for one family.
    fn of(self, family: Family) -> Answer {
        match self {
            Answer::Addresses(addresses) => {
                let own: Vec<_> =
                    addresses.into_iter().filter(|address| family.has(*address)).collect();
                if own.is_empty() { Answer::NoAddress } else { Answer::Addresses(own) }
            }
            Answer::After(wait, then) => Answer::After(wait, Box::new(then.of(family))),
            other => other,
        }
    }
}

impl Name {
    /// Takes the answer to a question for `family`, or both.
    fn answer(&mut self, family: Option<Family>) -> Option<Answer> {
        self.asked += 1;
        if let Some(next) = self.next.pop_front() {
            return Some(family.map_or(next.clone(), |family| next.of(family)));
        }
        let [v4, v6] = self.then.clone()?;
        Some(match family {
            Some(Family::V4) => v4,
            Some(Family::V6) => v6,
            None => both(v4, v6, &self.addresses),
        })
    }
}

/// What glibc makes of the answers for two families.
fn both(v4: Answer, v6: Answer, addresses: &[IpAddr]) -> Answer {
    match (v4, v6) {
        (Answer::Silent, _) | (_, Answer::Silent) => Answer::Silent,
        (Answer::After(wait, v4), Answer::After(other, v6)) => {
            Answer::After(wait.max(other), Box::new(both(*v4, *v6, addresses)))
        }
        (Answer::After(wait, late), other) | (other, Answer::After(wait, late)) => {
            Answer::After(wait, Box::new(both(*late, other, addresses)))
        }
        (v4, v6) if v4 == v6 && !matches!(v4, Answer::Addresses(_)) => v4,
        _ if !addresses.is_empty() => Answer::Addresses(addresses.to_vec()),
        (Answer::TryAgain, _) | (_, Answer::TryAgain) => Answer::TryAgain,
        (Answer::Fail, _) | (_, Answer::Fail) => Answer::Fail,
        (Answer::NotFound, _) | (_, Answer::NotFound) => Answer::NotFound,
        _ => Answer::NoAddress,
    }
}

/// The addresses of an answer.
fn addresses(answer: &Answer) -> Vec<IpAddr> {
    match answer {
        Answer::Addresses(addresses) => addresses.clone(),
        Answer::After(_, then) => addresses(then),
        _ => vec![],
    }
}

/// Answers until the task is dropped.
async fn serve(listener: UnixListener, known: Arc<Mutex<BTreeMap<String, Name>>>) {
    let mut questions = JoinSet::new();
    loop {
        let Ok((asker, _)) = listener.accept().await else { continue };
        while questions.try_join_next().is_some() {}
        questions.spawn(reply(asker, Arc::clone(&known)));
    }
}

/// Answers one question, unless whoever asks is gone.
async fn reply(asker: UnixStream, known: Arc<Mutex<BTreeMap<String, Name>>>) {
    let mut asker = BufReader::new(asker);
    let mut question = String::new();
    if asker.read_line(&mut question).await.is_err() {
        return;
    }
    let Some((number, host)) = question.trim_end().split_once(' ') else { return };
    let family = Family::ALL.into_iter().find(|family| family.number() == number);
    let answer = lock(&known).get_mut(host).and_then(|name| name.answer(family));
    let mut answer = answer.map_or(Said::Own, Said::Now);
    let text = loop {
        let error = |code: i32| format!("error {code}\n");
        // The codes are those of glibc's netdb.h.
        break match answer {
            Said::Own => "own\n".to_owned(),
            Said::Now(Answer::Addresses(addresses)) => {
                addresses.iter().map(|address| format!("{address}\n")).collect()
            }
            Said::Now(Answer::NotFound) => error(-2),
            Said::Now(Answer::TryAgain) => error(-3),
            Said::Now(Answer::Fail) => error(-4),
            Said::Now(Answer::NoAddress) => error(-5),
            Said::Now(Answer::Silent) => {
                sleep(SILENCE).await;
                error(-3)
            }
            Said::Now(Answer::After(wait, then)) => {
                sleep(wait).await;
                answer = Said::Now(*then);
                continue;
            }
        };
    };
    let _ = asker.write_all(text.as_bytes()).await;
}

/// What is said to a question.
enum Said {
    /// The system may know.
    Own,
    /// This.
    Now(Answer),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that is half done is left by a panic elsewhere.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

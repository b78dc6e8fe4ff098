//! Asks the system's resolver for the addresses of a name, again and again until it answers.
//!
//! `getaddrinfo` asks each name server twice, five seconds apart (`resolv.conf(5)`), and its failures
//! say little about a name: a resolver that is busy, restarts or drops a packet answers the next
//! question. Only that there is no such name is an answer. Each question occupies a thread until the
//! resolver gives up, so they are few.

use dns_lookup::{AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use std::future::ready;
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tokio::select;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use crate::loggable;
use crate::said::Loggable;

/// The longest wait before a question that failed is asked again. The first time it is at once.
const FAILED_CAP: Duration = Duration::from_secs(2);
/// The longest wait for an answer before the question is asked again beside the first.
const SILENT_CAP: Duration = Duration::from_secs(4);
const NO_ADDRESS: &str = "the name exists, but has neither an IPv4 nor an IPv6 address";
/// How many questions may be open at once.
const MAX_OPEN: usize = 16;

/// An answer of the resolver.
type Answer = Result<Vec<IpAddr>, Failure>;

/// Why the resolver has no addresses.
#[derive(Debug)]
struct Failure {
    why: Loggable,
    /// Whether there is no such name.
    is_certain: bool,
}

/// There is no such name, by the resolver's word.
#[derive(Debug)]
pub(crate) struct Unknown(pub(crate) Loggable);

/// The question for the addresses of a name, which is asked until it is answered.
pub(crate) struct Question {
    ask: Box<dyn Fn() -> BoxFuture<'static, Answer> + Send + Sync>,
    open: FuturesUnordered<BoxFuture<'static, Answer>>,
    since: Instant,
    /// When it is asked next, unless it is answered before.
    next: Instant,
    /// How often it was asked.
    asked: u32,
    /// How often the resolver failed.
    failed: u32,
    /// Why it failed the last time.
    failure: Option<Loggable>,
}

impl Question {
    /// The question for `host`, a name or an address.
    pub(crate) fn new(host: &str) -> Question {
        let host = host.to_owned();
        if let Ok(address) = host.parse::<IpAddr>() {
            return Question::with(move || Box::pin(ready(Ok(vec![address]))));
        }
        Question::with(move || {
            let host = host.clone();
            Box::pin(async move {
                let answer = spawn_blocking(move || look_up(&host)).await;
                answer.unwrap_or_else(|error| Err(Failure::passing(Loggable::of_login(error))))
            })
        })
    }

    fn with(ask: impl Fn() -> BoxFuture<'static, Answer> + Send + Sync + 'static) -> Question {
        let now = Instant::now();
        Question {
            ask: Box::new(ask),
            open: FuturesUnordered::new(),
            since: now,
            next: now,
            asked: 0,
            failed: 0,
            failure: None,
        }
    }

    /// The addresses. After a failure the question is asked again, and if there is no answer in
    /// time, too: the first answer counts. May be dropped and called again.
    ///
    /// # Errors
    /// There is no such name.
    pub(crate) async fn answer(&mut self) -> Result<Vec<IpAddr>, Unknown> {
        loop {
            let may_ask = self.open.len() < MAX_OPEN;
            if may_ask && Instant::now() >= self.next {
                self.open.push((self.ask)());
                self.next = Instant::now() + patience(self.asked);
                self.asked += 1;
            }
            select! {
                biased;
                Some(answer) = self.open.next() => match answer {
                    Ok(addresses) => {
                        self.start_anew();
                        return Ok(addresses);
                    }
                    Err(Failure { why, is_certain: true }) => {
                        self.start_anew();
                        return Err(Unknown(why));
                    }
                    Err(Failure { why, .. }) => {
                        tracing::debug!(why = why.as_str(), "the resolver failed; asking again");
                        self.next = self.next.min(Instant::now() + pause(self.failed));
                        self.failed += 1;
                        self.failure = Some(why);
                    }
                },
                () = sleep_until(self.next), if may_ask => {}
            }
        }
    }

    /// Why there is no answer yet.
    pub(crate) fn failure(&self) -> Loggable {
        let (asked, seconds) = (self.asked, self.since.elapsed().as_secs_f64());
        match &self.failure {
            Some(why) => loggable!("{why} (asked {asked} times in {seconds:.1} s)"),
            None => loggable!("no answer for {seconds:.1} s (asked {asked} times)"),
        }
    }

    /// Begins again: what was asked before is no longer waited for.
    fn start_anew(&mut self) {
        let now = Instant::now();
        self.open.clear();
        (self.since, self.next) = (now, now);
        (self.asked, self.failed, self.failure) = (0, 0, None);
    }
}

/// How long question number `asked`, from 0, is waited for before it is asked again: 1 s, 2 s, 4 s.
fn patience(asked: u32) -> Duration {
    doubled(Duration::from_secs(1), asked).min(SILENT_CAP)
}

/// The wait after failure number `failed`, from 0: nothing, 0.2 s, 0.4 s and so on.
fn pause(failed: u32) -> Duration {
    match failed.checked_sub(1) {
        None => Duration::ZERO,
        Some(again) => doubled(Duration::from_millis(200), again).min(FAILED_CAP),
    }
}

fn doubled(base: Duration, times: u32) -> Duration {
    base.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX))
}

impl Failure {
    fn passing(why: Loggable) -> Failure {
        Failure { why, is_certain: false }
    }
}

impl From<LookupError> for Failure {
    /// Only `EAI_NONAME` is an answer about the name. `EAI_NODATA` is not: the name exists, and gets
    /// an address again, as while RDS replaces the record of an instance, or a resolver has lost one
    /// of the two answers.
    fn from(error: LookupError) -> Failure {
        match error.kind() {
            LookupErrorKind::NoData => Failure::passing(NO_ADDRESS.into()),
            kind => Failure {
                is_certain: matches!(kind, LookupErrorKind::NoName),
                why: Loggable::of_login(io::Error::from(error)),
            },
        }
    }
}

/// Asks the system's resolver for addresses of both families, in the order of RFC 6724.
fn look_up(host: &str) -> Answer {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let mut addresses = vec![];
    for found in getaddrinfo(Some(host), None, Some(hints))? {
        let ip = found.map_err(|error| Failure::passing(Loggable::of_login(error)))?.sockaddr.ip();
        if !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    if addresses.is_empty() {
        return Err(Failure::passing(NO_ADDRESS.into()));
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::time::timeout;

    const LOCAL: [IpAddr; 1] = [IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)];

    fn busy() -> Failure {
        Failure::passing("Temporary failure in name resolution".into())
    }

    /// A question whose `n`-th asking is answered by `answer(n)` after the returned time, or never.
    fn question(
        answer: impl Fn(u32) -> Option<(u64, Answer)> + Send + Sync + 'static,
    ) -> (Question, Arc<AtomicU32>) {
        let asked = Arc::new(AtomicU32::new(0));
        let count = asked.clone();
        let question = Question::with(move || {
            let answer = answer(count.fetch_add(1, Ordering::Relaxed));
            Box::pin(async move {
                let Some((after, answer)) = answer else { return std::future::pending().await };
                tokio::time::sleep(Duration::from_millis(after)).await;
                answer
            })
        });
        (question, asked)
    }

    #[tokio::test]
    async fn the_systems_resolver_is_asked() {
        let found = Question::new("localhost").answer().await.unwrap();
        assert!(found.iter().all(IpAddr::is_loopback), "{found:?}");
        let Unknown(why) = Question::new("no-such-host.invalid").answer().await.unwrap_err();
        assert!(why.as_str().contains("not known"), "{why}");
        let mut literal = Question::new("::1");
        assert_eq!(literal.answer().await.unwrap(), ["::1".parse::<IpAddr>().unwrap()]);
        assert_eq!(literal.answer().await.unwrap().len(), 1, "it can be asked again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_asked_again_at_once_and_then_less_often() {
        let (mut question, asked) = question(|n| {
            let answer = if n < 5 { Err(busy()) } else { Ok(LOCAL.to_vec()) };
            Some((0, answer))
        });
        let start = Instant::now();
        assert_eq!(question.answer().await.unwrap(), LOCAL);
        assert_eq!(asked.load(Ordering::Relaxed), 6);
        let took = start.elapsed().as_millis();
        assert!((3000..3010).contains(&took), "0 + 200 + 400 + 800 + 1600 ms: {took}");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_asked_again_and_the_first_answer_counts() {
        // Asked at 0, 1 and 3 s; the second is answered after 2.5 s, the third would be at 4 s.
        let (mut question, asked) = question(|n| match n {
            0 => None,
            1 => Some((2500, Ok(LOCAL.to_vec()))),
            _ => Some((1000, Ok(vec![]))),
        });
        let start = Instant::now();
        assert_eq!(question.answer().await.unwrap(), LOCAL);
        assert_eq!(start.elapsed().as_millis(), 3500);
        assert_eq!(asked.load(Ordering::Relaxed), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn questions_that_nobody_answers_are_few_and_told() {
        let (mut question, asked) = question(|_| None);
        assert!(timeout(Duration::from_secs(600), question.answer()).await.is_err());
        assert_eq!(asked.load(Ordering::Relaxed) as usize, MAX_OPEN);
        let why = question.failure();
        assert_eq!(why.as_str(), "no answer for 600.0 s (asked 16 times)");
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_does_not_exist_ends_it_and_a_dropped_wait_does_not() {
        let (mut question, asked) = question(|n| match n {
            0 => Some((700, Err(busy()))),
            _ => Some((0, Err(Failure { why: "unknown".into(), is_certain: true }))),
        });
        assert!(timeout(Duration::from_millis(300), question.answer()).await.is_err());
        assert!(timeout(Duration::from_millis(300), question.answer()).await.is_err());
        let Unknown(why) = question.answer().await.unwrap_err();
        assert_eq!((why.as_str(), asked.load(Ordering::Relaxed)), ("unknown", 2));
    }
}

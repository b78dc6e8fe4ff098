//! Names: a resolver that fails for a moment, is silent or slow, or knows nothing, and names that move.

use engine::Engine;
use fault_proxy::{Condition, Ending, Proxy};
use function_harness::faults::{self, Ledger, Outcome, Report};
use function_harness::names::{Answer, ENDPOINT, Names};
use function_harness::{Deployed, Harness, until};
use local_rds::Server;
use std::ops::Range;
use std::time::Duration;
use tokio::time::{Instant, sleep};

use crate::families::scout;

/// The functions' time-out.
const TIMEOUT: Duration = Duration::from_secs(20);
/// That of functions whose resolver never answers.
const SHORT: Duration = Duration::from_secs(6);

/// The server, and the writes of the test.
type Rig<'a> = (&'a Harness, &'a Ledger);

/// A server behind a proxy, a resolver of its own, and a function that asks it.
struct Site<'a> {
    ledger: &'a Ledger,
    names: Names,
    proxy: Proxy,
    function: Deployed<'a>,
}

impl<'a> Site<'a> {
    /// The name leads to the proxy, unless `at_first` are the answers to the first questions.
    async fn new((harness, ledger): Rig<'a>, timeout: Duration, at_first: &[Answer]) -> Site<'a> {
        let (names, proxy) = (Names::start(), faults::proxy_on(harness, None).await);
        names.set(ENDPOINT, proxy.address().ip());
        names.next(ENDPOINT, at_first.iter().cloned());
        let function = faults::deploy_named(harness, &names, timeout, &[]).await;
        Site { ledger, names, proxy, function }
    }

    /// Ends the connection, and waits until the function would check it before use.
    async fn disconnect(&self) {
        self.proxy.sever(Ending::Close);
        sleep(Duration::from_millis(1500)).await;
    }

    /// Writes, which must succeed. Returns how long it took.
    async fn works(&self, fault: &str) -> Duration {
        let start = Instant::now();
        let ending = self.ledger.write(&self.function).await;
        let took = start.elapsed();
        assert!(ending.is_ok(), "{fault}: {ending:?} after {took:?}\n{}", self.function.logs());
        took
    }

    /// Has the function read, which must fail as a name that is not resolved, within `seconds`. Returns the
    /// message, and how often the resolver was asked.
    async fn fails(&self, fault: &str, seconds: Range<u64>) -> (String, usize) {
        let mut late = vec![];
        loop {
            let (start, asked) = (Instant::now(), self.names.asked(ENDPOINT));
            let (kind, message) = faults::echo_fails(&self.function).await;
            let (took, asked) = (start.elapsed(), self.names.asked(ENDPOINT) - asked);
            assert_eq!(kind, "Connect.Dns", "{fault}: {message}");
            assert!(message.contains(ENDPOINT), "{fault}: {message}");
            if seconds.contains(&took.as_secs()) {
                return (message, asked);
            }
            // A machine that is very busy may have been slow.
            late.push((took, message));
            assert!(late.len() < 5, "{fault}: not within {seconds:?} s: {late:?}");
        }
    }
}

/// A resolver that fails is asked again until time is up, unless it knows that there is no such name, and
/// each new connection asks anew.
pub async fn resolver(engine: Engine, bootstrap: &str) {
    let server = Server::builder(engine).dialled_as(ENDPOINT);
    let harness = faults::start(server, bootstrap).await;
    let mut report = Report::new(engine, "names");
    let ledger = Ledger::default();
    let rig = (&harness, &ledger);
    let (again, silent, late, unknown, moved, dead) = tokio::join!(
        again(rig),
        silent(rig),
        late(rig),
        unknown(rig),
        moved(rig),
        dead_at_first(rig),
    );
    let (at_first, refused, fails, none, mute) = tokio::join!(
        unknown_at_first(rig),
        never(rig, Answer::TryAgain, "Temporary failure"),
        never(rig, Answer::Fail, "Non-recoverable failure"),
        never(rig, Answer::NoAddress, "the name exists, but has neither"),
        never(rig, Answer::Silent, "no answer for"),
    );
    for (fault, ending) in [
        ("name server fails twice", again),
        ("name server silent for 4 s", silent),
        ("name server 3 s late", late),
        ("name unknown", unknown),
        ("name unknown at the first start", at_first),
        ("name server fails until the end", refused),
        ("name server cannot tell until the end", fails),
        ("name without an address until the end", none),
        ("name server silent until the end", mute),
        ("name moved between logins", moved),
        ("name moved from a dead address during a login", dead),
    ] {
        report.count(fault, &ending);
    }
    ledger.assert_balanced(&harness.server);
    report.write(bootstrap);
}

/// Whether it has asked as often as `expected`, or a little more often because a busy machine was slow to
/// answer.
fn about(expected: usize, asked: usize) -> bool {
    (expected..=expected + 2).contains(&asked)
}

/// EAI_AGAIN twice and then an answer, at the first start and at a later login.
async fn again(rig: Rig<'_>) -> Outcome {
    let twice = [Answer::TryAgain, Answer::TryAgain];
    let site = Site::new(rig, TIMEOUT, &twice).await;
    site.works("EAI_AGAIN at the start").await;
    assert!(about(3, site.names.asked(ENDPOINT)), "asked {}", site.names.asked(ENDPOINT));
    let asked = site.names.asked(ENDPOINT);
    site.disconnect().await;
    site.names.next(ENDPOINT, twice);
    let took = site.works("EAI_AGAIN").await;
    assert!(took < Duration::from_secs(5), "it waited {took:?} for two questions");
    let asked = site.names.asked(ENDPOINT) - asked;
    assert!(about(3, asked), "asked {asked}");
    assert_eq!(site.proxy.accepted(), 2);
    Ok(())
}

/// No answer for 4 seconds, at the first start and at a later login. What was asked meanwhile gets none.
async fn silent(rig: Rig<'_>) -> Outcome {
    let for_a_while = async |site: &Site<'_>, fault: &str| {
        site.names.set(ENDPOINT, Answer::Silent);
        let speak = async {
            sleep(Duration::from_secs(4)).await;
            site.names.set(ENDPOINT, site.proxy.address().ip());
        };
        let (took, ()) = tokio::join!(site.works(fault), speak);
        assert!(took.as_secs() >= 4, "{fault}: the answer came after {took:?}");
        took
    };
    let mut late = vec![];
    loop {
        let site = Site::new(rig, TIMEOUT, &[]).await;
        let at_first = for_a_while(&site, "silence at the start").await;
        site.disconnect().await;
        let asked = site.names.asked(ENDPOINT);
        let later = for_a_while(&site, "silence").await;
        // At once, and after 1, 2 and 4 s of silence, more or less.
        let asked = site.names.asked(ENDPOINT) - asked;
        assert!((2..=8).contains(&asked), "it asked {asked} times within 4 s");
        assert_eq!(site.proxy.accepted(), 2);
        // Sooner than glibc says that its first question was not answered.
        if at_first.max(later) < Duration::from_secs(9) {
            return Ok(());
        }
        // A machine that is very busy may have been slow.
        late.push((at_first, later));
        assert!(late.len() < 5, "the answers came after {late:?}");
    }
}

/// The first question is answered after 3 seconds, and no other one is.
async fn late(rig: Rig<'_>) -> Outcome {
    let site = Site::new(rig, TIMEOUT, &[]).await;
    site.works("no fault").await;
    site.disconnect().await;
    let answer = Answer::from(site.proxy.address().ip());
    site.names.next(ENDPOINT, [Answer::After(Duration::from_secs(3), Box::new(answer))]);
    site.names.set(ENDPOINT, Answer::Silent);
    let took = site.works("a late answer").await;
    assert!((3..9).contains(&took.as_secs()), "the answer came after {took:?}");
    Ok(())
}

/// A name that does not exist is asked for once, and is not waited for.
async fn unknown(rig: Rig<'_>) -> Outcome {
    let site = Site::new(rig, TIMEOUT, &[]).await;
    site.works("no fault").await;
    site.disconnect().await;
    site.names.set(ENDPOINT, Answer::NotFound);
    let (message, asked) = site.fails("an unknown name", 0..3).await;
    assert!(about(1, asked), "it asked {asked} times: {message}");
    // The name is made again.
    site.names.set(ENDPOINT, site.proxy.address().ip());
    site.works("the name is back").await;
    Err("Connect.Dns".into())
}

/// The name does not exist yet when the function first starts.
async fn unknown_at_first(rig: Rig<'_>) -> Outcome {
    let site = Site::new(rig, TIMEOUT, &[]).await;
    site.names.set(ENDPOINT, Answer::NotFound);
    site.fails("a name that was never known", 0..3).await;
    assert_eq!(site.proxy.accepted(), 0, "it connected before its first event");
    site.names.set(ENDPOINT, site.proxy.address().ip());
    site.works("the name is made").await;
    Err("Connect.Dns".into())
}

/// A resolver that never knows: the error `says` what it told, and how often it was asked.
async fn never(rig: Rig<'_>, answer: Answer, says: &str) -> Outcome {
    let site = Site::new(rig, SHORT, &[]).await;
    site.works("no fault").await;
    site.disconnect().await;
    site.names.set(ENDPOINT, answer.clone());
    let (message, asked) = site.fails(&format!("{answer:?}"), 3..7).await;
    assert!(message.contains(says), "{answer:?}: {message}");
    assert!((3..=20).contains(&asked), "{answer:?}: it asked {asked} times: {message}");
    let says = message.split("asked ").nth(1).and_then(|text| text.split(' ').next()?.parse().ok());
    // It may begin a question in the moment in which it gives up.
    let is_told = says.is_some_and(|says: usize| says.abs_diff(asked) <= 1);
    assert!(is_told, "{answer:?}: it asked {asked} times: {message}");
    Err("Connect.Dns".into())
}

/// The name has moved: the new connection is at the new address, and the one that is open stays.
async fn moved(rig: Rig<'_>) -> Outcome {
    let site = Site::new(rig, TIMEOUT, &[]).await;
    site.works("no fault").await;
    let asked = site.names.asked(ENDPOINT);
    let new = faults::proxy_on(rig.0, None).await;
    site.names.set(ENDPOINT, new.address().ip());
    site.works("the name has moved").await;
    let counts = || (site.proxy.accepted(), new.accepted());
    assert_eq!(counts(), (1, 0));
    assert_eq!(site.names.asked(ENDPOINT), asked, "an open connection needs no look-up");
    site.disconnect().await;
    site.works("the name has moved, and the connection is gone").await;
    assert_eq!(counts(), (1, 1));
    assert!(site.names.asked(ENDPOINT) > asked, "it did not ask anew");
    Ok(())
}

/// The name leads to an address that does not answer, and 3 seconds later to another: the login that has
/// begun gets there.
async fn dead_at_first(rig: Rig<'_>) -> Outcome {
    let site = Site::new(rig, TIMEOUT, &[]).await;
    site.works("no fault").await;
    let new = faults::proxy_on(rig.0, None).await;
    site.disconnect().await;
    site.proxy.set(Condition::Unanswered);
    let move_away = async {
        sleep(Duration::from_secs(3)).await;
        site.names.set(ENDPOINT, new.address().ip());
    };
    let (took, ()) = tokio::join!(site.works("a dead address at first"), move_away);
    assert!((3..12).contains(&took.as_secs()), "it took {took:?}");
    assert_eq!((site.proxy.accepted(), new.accepted()), (1, 1 + scout(rig.0.server.engine())));
    until("the server has its connection alone", async || new.open() == 1).await;
    Ok(())
}

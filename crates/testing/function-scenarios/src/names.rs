//! Names: a resolver that fails for a moment, is silent or slow, or knows nothing, and names that move.

use engine::Engine;
use fault_proxy::{Condition, Ending, Proxy};
use function_harness::faults::{self, Outcome, Report};
use function_harness::names::{Answer, ENDPOINT, Names};
use function_harness::{Deployed, Harness, until};
use local_rds::Server;
use std::time::Duration;
use tokio::time::{Instant, sleep};

use crate::families::scout;

/// The functions' time-out.
const TIMEOUT: Duration = Duration::from_secs(20);
/// That of functions whose resolver never answers.
const SHORT: Duration = Duration::from_secs(6);

/// A server behind a proxy, a resolver of its own, and a function that asks it.
struct Site<'a> {
    names: Names,
    proxy: Proxy,
    function: Deployed<'a>,
}

impl<'a> Site<'a> {
    /// The name leads to the proxy, unless `at_first` are the answers to the first questions.
    async fn new(harness: &'a Harness, timeout: Duration, at_first: &[Answer]) -> Site<'a> {
        let (names, proxy) = (Names::start(), faults::proxy_on(harness, None).await);
        names.set(ENDPOINT, proxy.address().ip());
        names.next(ENDPOINT, at_first.iter().cloned());
        let function = faults::deploy_named(harness, &names, timeout, &[]).await;
        Site { names, proxy, function }
    }

    /// Ends the connection, and waits until the function would check it before use.
    async fn disconnect(&self) {
        self.proxy.sever(Ending::Close);
        sleep(Duration::from_millis(1500)).await;
    }

    /// Reads, which must succeed. Returns how long it took.
    async fn reads(&self, fault: &str) -> Duration {
        let start = Instant::now();
        let ending = faults::echo(&self.function, 1).await;
        let took = start.elapsed();
        assert!(ending.is_ok(), "{fault}: {ending:?} after {took:?}\n{}", self.function.logs());
        took
    }

    /// Reads, which must fail. Returns the error type and message, and how long it took.
    async fn fails(&self) -> (String, String, Duration) {
        let start = Instant::now();
        let event = r#"{"statement":"echo","params":[1]}"#;
        let (kind, message) = self.function.invoke(event).await.unwrap_err();
        (kind, message, start.elapsed())
    }
}

/// A resolver that fails is asked again until time is up, unless it knows that there is no such name, and
/// each new connection asks anew.
pub async fn resolver(engine: Engine, bootstrap: &str) {
    let server = Server::builder(engine).dialled_as(ENDPOINT);
    let harness = faults::start(server, bootstrap).await;
    let mut report = Report::new(engine, "names");
    let (again, silent, late, unknown, refused, mute, moved, dead) = tokio::join!(
        again(&harness),
        silent(&harness),
        late(&harness),
        unknown(&harness),
        never(&harness, Answer::TryAgain),
        never(&harness, Answer::Silent),
        moved(&harness),
        dead_at_first(&harness),
    );
    for (fault, ending) in [
        ("name server fails twice", again),
        ("name server silent for 4 s", silent),
        ("name server 3 s late", late),
        ("name unknown", unknown),
        ("name server fails until the end", refused),
        ("name server silent until the end", mute),
        ("name moved between logins", moved),
        ("name moved from a dead address during a login", dead),
    ] {
        report.count(fault, &ending);
    }
    report.write(bootstrap);
}

/// EAI_AGAIN twice and then an answer, at the first start and at a later login.
async fn again(harness: &Harness) -> Outcome {
    let twice = [Answer::TryAgain, Answer::TryAgain];
    let site = Site::new(harness, TIMEOUT, &twice).await;
    site.reads("EAI_AGAIN at the start").await;
    assert_eq!((site.names.asked(ENDPOINT), site.proxy.accepted()), (3, 1));
    site.disconnect().await;
    site.names.next(ENDPOINT, twice);
    let took = site.reads("EAI_AGAIN").await;
    assert!(took < Duration::from_secs(5), "it waited {took:?} for two questions");
    assert_eq!((site.names.asked(ENDPOINT), site.proxy.accepted()), (6, 2));
    Ok(())
}

/// No answer for 4 seconds, at the first start and at a later login. What was asked meanwhile gets none.
async fn silent(harness: &Harness) -> Outcome {
    let site = Site::new(harness, TIMEOUT, &[]).await;
    let address = site.proxy.address().ip();
    let for_a_while = async |fault: &str| {
        site.names.set(ENDPOINT, Answer::Silent);
        let speak = async {
            sleep(Duration::from_secs(4)).await;
            site.names.set(ENDPOINT, address);
        };
        let (took, ()) = tokio::join!(site.reads(fault), speak);
        assert!((4..9).contains(&took.as_secs()), "{fault}: the answer came after {took:?}");
    };
    for_a_while("silence at the start").await;
    site.disconnect().await;
    let asked = site.names.asked(ENDPOINT);
    for_a_while("silence").await;
    // At once, and after 1, 2 and 4 s of silence, more or less.
    let asked = site.names.asked(ENDPOINT) - asked;
    assert!((2..=8).contains(&asked), "it asked {asked} times within 4 s");
    assert_eq!(site.proxy.accepted(), 2);
    Ok(())
}

/// The first question is answered after 3 seconds, and no other one is.
async fn late(harness: &Harness) -> Outcome {
    let site = Site::new(harness, TIMEOUT, &[]).await;
    site.reads("no fault").await;
    site.disconnect().await;
    let answer = Answer::from(site.proxy.address().ip());
    site.names.next(ENDPOINT, [Answer::After(Duration::from_secs(3), Box::new(answer))]);
    site.names.set(ENDPOINT, Answer::Silent);
    let took = site.reads("a late answer").await;
    assert!((3..9).contains(&took.as_secs()), "the answer came after {took:?}");
    Ok(())
}

/// A name that does not exist is asked for once, and a name without addresses is not waited for either.
async fn unknown(harness: &Harness) -> Outcome {
    let site = Site::new(harness, TIMEOUT, &[]).await;
    site.reads("no fault").await;
    site.disconnect().await;
    let asked = site.names.asked(ENDPOINT);
    site.names.set(ENDPOINT, Answer::NotFound);
    let (kind, message, took) = site.fails().await;
    assert_eq!(kind, "Connect.Dns", "{message}");
    assert!(message.contains(ENDPOINT), "{message}");
    assert!(took < Duration::from_secs(3), "it took {took:?} to say {message}");
    assert_eq!(site.names.asked(ENDPOINT) - asked, 1, "{message}");
    // The name is made again.
    site.names.set(ENDPOINT, site.proxy.address().ip());
    site.reads("the name is back").await;
    Err(kind)
}

/// A resolver that never knows: the error says how often it was asked.
async fn never(harness: &Harness, answer: Answer) -> Outcome {
    let site = Site::new(harness, SHORT, &[]).await;
    site.reads("no fault").await;
    site.disconnect().await;
    let asked = site.names.asked(ENDPOINT);
    site.names.set(ENDPOINT, answer.clone());
    let (kind, message, took) = site.fails().await;
    assert_eq!(kind, "Connect.Dns", "{answer:?}: {message}");
    assert!((3..7).contains(&took.as_secs()), "{answer:?}: it gave up after {took:?}: {message}");
    let asked = site.names.asked(ENDPOINT) - asked;
    assert!((3..=20).contains(&asked), "{answer:?}: it asked {asked} times: {message}");
    let says = format!("{asked} times");
    assert!(message.contains(&says), "{answer:?}: it asked {says}: {message}");
    Err(kind)
}

/// The name has moved: the new connection is at the new address, and the one that is open stays.
async fn moved(harness: &Harness) -> Outcome {
    let site = Site::new(harness, TIMEOUT, &[]).await;
    site.reads("no fault").await;
    let new = faults::proxy_on(harness, None).await;
    site.names.set(ENDPOINT, new.address().ip());
    site.reads("the name has moved").await;
    let counts = || (site.proxy.accepted(), new.accepted(), site.names.asked(ENDPOINT));
    assert_eq!(counts(), (1, 0, 1), "an open connection needs no look-up");
    site.disconnect().await;
    site.reads("the name has moved, and the connection is gone").await;
    assert_eq!(counts(), (1, 1, 2));
    Ok(())
}

/// The name leads to an address that does not answer, and 3 seconds later to another: the login that has
/// begun gets there.
async fn dead_at_first(harness: &Harness) -> Outcome {
    let site = Site::new(harness, TIMEOUT, &[]).await;
    site.reads("no fault").await;
    let new = faults::proxy_on(harness, None).await;
    site.disconnect().await;
    site.proxy.set(Condition::Unanswered);
    let move_away = async {
        sleep(Duration::from_secs(3)).await;
        site.names.set(ENDPOINT, new.address().ip());
    };
    let (took, ()) = tokio::join!(site.reads("a dead address at first"), move_away);
    assert!((3..12).contains(&took.as_secs()), "it took {took:?}");
    assert_eq!((site.proxy.accepted(), new.accepted()), (1, 1 + scout(harness.server.engine())));
    until("the server has its connection alone", async || new.open() == 1).await;
    Ok(())
}

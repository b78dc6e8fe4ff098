//! A server that is paused, as Aurora Serverless v2 at 0 ACU is after an idle time: it resumes when
//! somebody connects, after 15 seconds, or after 30 and more if it was paused for long
//! (<https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html>).
//!
//! Whatever form the pause takes on the way there, the rows come in the invocation that woke the server,
//! if its time-out allows it, and a write runs once.

use engine::Engine;
use fault_proxy::{Condition, Ending, Proxy};
use function_harness::faults::{self, Ledger, Outcome, Report};
use function_harness::{Deployed, Harness, borrowed};
use futures_util::future::join_all;
use local_rds::Server;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The time-out of the functions that wait.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The time-out of those that cannot.
const TOO_SHORT: Duration = Duration::from_secs(5);

/// The form that a pause takes for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Nothing answers a SYN.
    Unanswered,
    /// TCP is established, and the connection leads nowhere, even afterwards.
    Ignored,
    /// TCP is established, nothing is said, and the conversation goes on afterwards. A connection that
    /// was open stays so.
    Frozen,
    /// TLS is established, and the login is answered afterwards.
    LoginHeld,
}

impl Form {
    const ALL: [Form; 4] = [Form::Unanswered, Form::Ignored, Form::Frozen, Form::LoginHeld];

    fn condition(self) -> Condition {
        match self {
            Form::Unanswered => Condition::Unanswered,
            Form::Ignored => Condition::BlackHole,
            Form::Frozen => Condition::Freeze,
            Form::LoginHeld => Condition::HoldLogins,
        }
    }

    /// Pauses what is behind the proxy.
    fn begin(self, proxy: &Proxy) {
        proxy.set(self.condition());
        if self != Form::Frozen {
            proxy.sever(Ending::Close);
        }
    }

    fn words(self) -> &'static str {
        match self {
            Form::Unanswered => "no SYN answered",
            Form::Ignored => "connections accepted and ignored",
            Form::Frozen => "connections accepted and held",
            Form::LoginHeld => "logins held after TLS",
        }
    }

    /// The step that hangs, as an error that gives up tells it: its type, and a part of its message.
    fn step(self) -> (&'static str, &'static str) {
        match self {
            Form::Unanswered => ("Connect.Tcp", "TCP"),
            Form::Ignored | Form::Frozen => ("Timeout", "during TLS"),
            // MySQL's driver does both in one call.
            Form::LoginHeld => ("Timeout", "login"),
        }
    }
}

/// What the invocation does that meets the pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Read,
    Write,
    Transaction,
}

/// A function, and the pause that its invocation meets.
#[derive(Clone, Copy, Debug)]
struct Case {
    form: Form,
    length: Duration,
    /// Whether it has a connection when the pause begins.
    is_warm: bool,
    work: Work,
}

/// Every form of a pause, of 15 and of 40 seconds, at a first start and with a warm function: the
/// invocation succeeds, with one connection at the server in the end, and each write once. With too short
/// a time-out the error names the step that hangs, and how long it was tried.
pub async fn resumed(engine: Engine, bootstrap: &str) {
    let server = Server::builder(engine);
    let server = match engine {
        Engine::Postgres => server,
        // A server that is paused does not give up on a login meanwhile.
        Engine::MySql | Engine::MariaDb => server.setting("connect_timeout", "300"),
    };
    let harness = faults::start(server, bootstrap).await;
    let ledger = Ledger::default();
    let mut report = Report::new(engine, "pauses");

    let of_form = |form| {
        let case = |seconds, is_warm, work| Case {
            form,
            length: Duration::from_secs(seconds),
            is_warm,
            work,
        };
        [
            case(15, false, Work::Read),
            case(15, true, Work::Write),
            case(40, false, Work::Write),
            case(40, true, Work::Transaction),
        ]
    };
    let cases: Vec<Case> = Form::ALL.into_iter().flat_map(of_form).collect();
    let mut sites = vec![];
    for case in &cases {
        sites.push(site(&harness, TIMEOUT, case.is_warm).await);
    }
    let resumed = cases.iter().zip(&sites).map(|(case, site)| case.run(site, &ledger));
    let resumed = join_all(resumed);
    let mut hasty = vec![];
    for form in Form::ALL {
        hasty.push((form, site(&harness, TOO_SHORT, true).await));
    }
    let given_up = join_all(hasty.iter().map(|(form, site)| gives_up(*form, site)));
    let (resumed, given_up) = tokio::join!(resumed, given_up);
    for (case, ending) in cases.iter().zip(&resumed) {
        let seconds = case.length.as_secs();
        report.count(&format!("paused for {seconds} s, {}", case.form.words()), ending);
    }
    for (form, ending) in Form::ALL.iter().zip(&given_up) {
        report.count(&format!("paused for longer than the time-out, {}", form.words()), ending);
    }
    // What was given up ends with its proxy. Those that waited have one connection each.
    drop(hasty);
    faults::settled(&harness.server, cases.len()).await;
    assert_eq!(faults::connections(&harness.server), cases.len());
    drop(sites);
    faults::settled(&harness.server, 0).await;
    ledger.assert_balanced(&harness.server);
    report.write(bootstrap);
}

impl Case {
    /// Returns the ending. The connection stays open.
    async fn run(&self, (function, proxy): &(Deployed<'_>, Proxy), ledger: &Ledger) -> Outcome {
        // Longer than a connection is used without a check: a server is paused after minutes.
        sleep(Duration::from_millis(1500)).await;
        self.form.begin(proxy);
        let start = Instant::now();
        let resume = async {
            sleep(self.length).await;
            proxy.set(Condition::Clear);
        };
        let work = async {
            let ending = match self.work {
                Work::Read => faults::echo(function, 1).await,
                Work::Write => ledger.write(function).await,
                Work::Transaction => ledger.transaction(function).await,
            };
            (ending, start.elapsed())
        };
        let ((ending, took), ()) = tokio::join!(work, resume);
        assert!(ending.is_ok(), "{self:?}: {ending:?} after {took:?}\n{}", function.logs());
        assert!(took > self.length, "{self:?}: it was not paused: {took:?}");
        ending
    }
}

/// A function and its proxy, before the pause.
async fn site(harness: &Harness, timeout: Duration, is_warm: bool) -> (Deployed<'_>, Proxy) {
    let proxy = faults::proxy(harness).await;
    // Many log in at once, which takes a busy machine a while.
    let untimed = faults::own_statements(harness.server.engine());
    let function = faults::deploy(harness, proxy.address(), timeout, &borrowed(&untimed)).await;
    if is_warm {
        faults::echo(&function, 0).await.unwrap();
    }
    (function, proxy)
}

/// An invocation that ends before the pause does.
async fn gives_up(form: Form, (function, proxy): &(Deployed<'_>, Proxy)) -> Outcome {
    sleep(Duration::from_millis(1500)).await;
    form.begin(proxy);
    let (kind, message) = faults::echo_fails(function).await;
    let (expected, step) = form.step();
    assert_eq!(kind, expected, "{form:?}: {message}");
    assert!(message.contains(step), "{form:?}: {message}");
    let tried = seconds(&message).unwrap_or_else(|| panic!("{form:?}: for how long? {message}"));
    assert!((2.0..8.0).contains(&tried), "{form:?}: {message}");
    proxy.set(Condition::Clear);
    faults::echo(function, 2).await.unwrap();
    Err(kind)
}

/// The first number of seconds in a message.
fn seconds(message: &str) -> Option<f64> {
    let words: Vec<_> = message.split([' ', '(', ')', ',', ':', ';']).collect();
    let is_unit = |word: &str| word.trim_end_matches('.') == "s";
    words.windows(2).filter(|pair| is_unit(pair[1])).find_map(|pair| pair[0].parse().ok())
}

//! Logins that are denied for a while, as when the check of IAM itself fails on RDS's side, or for ever.

use engine::Engine;
use fault_proxy::{Ending, Proxy};
use function_harness::event::ITEMS;
use function_harness::faults::{self, Outcome, Report};
use function_harness::{Deployed, Harness, until};
use local_rds::iam::AccessKey;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A function with an access key of its own, which the server may deny while it accepts others.
struct Site<'a> {
    key: AccessKey,
    proxy: Proxy,
    function: Deployed<'a>,
    harness: &'a Harness,
}

impl<'a> Site<'a> {
    async fn new(harness: &'a Harness) -> Site<'a> {
        let (key, proxy) = (AccessKey::random(), faults::proxy(harness).await);
        let address = proxy.address().to_string();
        let changes = [("DB_CONNECT_TO", &*address)];
        let function = harness.deploy_signed_by(key.clone(), &changes).await;
        Site { key, proxy, function, harness }
    }

    /// How often the server has denied its logins. It names the access keys that it does not know.
    fn denied(&self) -> usize {
        let refusals = self.harness.server.iam().refusals();
        refusals.iter().filter(|refusal| refusal.contains(&self.key.id)).count()
    }

    async fn read(&self) -> (Result<(), (String, String)>, Duration) {
        let start = Instant::now();
        (self.function.invoke(ITEMS).await.map(drop), start.elapsed())
    }
}

/// A denied login is tried as often as time and RDS's rate allow, and the error says how often and for how
/// long.
pub async fn tried_again(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let mut report = Report::new(engine, "denied");
    let (later, never, accepted_before) =
        (Site::new(&harness).await, Site::new(&harness).await, Site::new(&harness).await);
    let iam = harness.server.iam();
    let accept = |sites: &[&Site<'_>]| {
        let keys = sites.iter().map(|site| site.key.clone());
        iam.set_keys(keys.chain([harness.server.access_key()]).collect());
    };

    accept(&[&accepted_before]);
    accepted_before.function.ok(ITEMS).await;
    let changes = async {
        accept(&[]);
        accepted_before.proxy.sever(Ending::Close);
        sleep(Duration::from_secs(6)).await;
        accept(&[&later]);
        sleep(Duration::from_secs(6)).await;
        accept(&[&later, &accepted_before]);
    };
    let again = async {
        // Longer than a connection is used without a check.
        sleep(Duration::from_millis(1500)).await;
        accepted_before.read().await
    };
    let (later_ended, never_ended, again_ended, ()) =
        tokio::join!(later.read(), never.read(), again, changes);
    let logs = later.function.logs();

    let (ending, took) = later_ended;
    assert!(ending.is_ok(), "denied for 6 s: {ending:?} after {took:?}\n{logs}");
    assert!((5..16).contains(&took.as_secs()), "denied for 6 s: {took:?}");
    // At the start, and after 0, 1 and 3 s, more or less.
    assert!((2..=5).contains(&later.denied()), "denied {} times", later.denied());
    report.count("denied for 6 s", &Ok(()));

    let (ending, took) = never_ended;
    let (kind, message) = ending.unwrap_err();
    assert_eq!(kind, "Login.Denied", "{message}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    // Not during the initialisation.
    let tries = never.denied() - 1;
    assert!((3..=5).contains(&tries), "tried {tries} times in {took:?}: {message}");
    assert!(message.contains(&format!("{tries} times")), "tried {tries} times: {message}");
    for says in ["rds-db:connect", " s"] {
        assert!(message.contains(says), "{says}: {message}");
    }
    never.function.assert_discreet(&message);
    report.count("denied for ever", &Err(kind));

    let (ending, took) = again_ended;
    let logs = accepted_before.function.logs();
    assert!(ending.is_ok(), "accepted before: {ending:?} after {took:?}\n{logs}");
    let denied = accepted_before.denied();
    assert!((3..=8).contains(&denied), "denied {denied} times within 10 s");
    report.count("accepted before, then denied for 10 s", &Ok(()));

    by_policy(&harness, &mut report).await;
    report.write(bootstrap);
}

/// The policy is changed while a login is tried.
async fn by_policy(harness: &Harness, report: &mut Report) {
    let iam = harness.server.iam();
    let policy = |effect: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}",
                "Action":"rds-db:connect","Resource":"*"}}]}}"#
        )
    };
    iam.set_policy(&policy("Deny")).unwrap();
    let denied = || {
        let refusals = iam.refusals();
        refusals.iter().filter(|refusal| refusal.contains("denies rds-db:connect")).count()
    };
    let before = denied();
    let function = harness.deploy(&[]).await;
    let allow = async {
        until("a login is denied", async || denied() > before).await;
        sleep(Duration::from_secs(2)).await;
        iam.set_policy(&policy("Allow")).unwrap();
    };
    let (ending, ()) = tokio::join!(function.invoke(ITEMS), allow);
    let ending: Outcome = ending.map(drop).map_err(|(kind, message)| {
        panic!("a policy that is changed after 2 s: {kind}: {message}\n{}", function.logs())
    });
    // During the initialisation, and by the event at least once.
    assert!(denied() >= before + 2, "{:?}\n{}", iam.refusals(), function.logs());
    report.count("denied by a policy for 2 s", &ending);
}

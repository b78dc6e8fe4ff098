//! A login that worked and no longer does, though no setting changed: what did is at AWS.

use diagnosis::Cause;
use engine::Engine;
use function_harness::Harness;
use function_harness::event::ITEMS;
use serde_json::Value;

use super::denied::lists;
use super::{allow, is_healthy, named, names};

/// After the switchover of a blue/green deployment the policy names the resource id of another
/// database. An environment that logged in before says so first, also in an ordinary error; a new one
/// cannot know, and lists it after a policy that was never right.
pub async fn resource_id(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    function.ok(ITEMS).await;
    let arn = harness.server.resource_arn("*");
    let id = harness.server.iam().resource().resource_id.clone();
    allow(&harness, &arn.replace(&id, "db-THEBLUEONE"));

    let diagnosis = names(&function, "login", Cause::ResourceIdChanged).await;
    lists(&diagnosis, &[Cause::PolicyMissing, Cause::PolicyWrongResource]);
    let suspect = &diagnosis["causes"][0];
    assert!(suspect["fix"].as_str().unwrap().contains("cargo xtask deploy --db-instance"));
    let confirm = suspect["confirm"].as_str().unwrap();
    assert!(confirm.contains("describe-blue-green-deployments"), "{confirm}");

    // Its connections are gone, as after a switchover.
    harness.server.kill().unwrap();
    tokio::task::block_in_place(|| harness.server.restart()).expect("the server starts again");
    let message = function.fails(ITEMS, "Login.Denied").await;
    for cause in ["another resource id than before", "RDS throttles", "policies were changed"] {
        assert!(message.contains(cause), "{message}");
    }

    let diagnosis = named(&harness, &[], "login", Cause::PolicyMissing).await;
    let at = |cause: Cause| position(&diagnosis, cause);
    assert!(at(Cause::ResourceIdChanged) > at(Cause::PolicyWrongResource), "{diagnosis:#}");

    // Without a redeployment, everything is right again when the policy names both.
    allow(&harness, &arn);
    function.ok(ITEMS).await;
    is_healthy(&function).await;
}

fn position(diagnosis: &Value, cause: Cause) -> usize {
    let causes = diagnosis["causes"].as_array().unwrap();
    causes.iter().position(|one| one["cause"] == cause.id()).expect("the cause is listed")
}

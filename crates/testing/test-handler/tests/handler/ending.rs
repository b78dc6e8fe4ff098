//! Handlers that are late, hang, panic, use the driver's own client, or leave a task behind.

use engine::Engine;
use function_harness::{Deployed, Harness, until};
use std::time::Duration;

use crate::sent::{count, last, pid, sleeping, steps};

async fn limited<'a>(harness: &'a Harness) -> Deployed<'a> {
    harness.deploy_limited(Duration::from_millis(2700), &[], &[]).await
}

/// A slow statement is canceled on the server before Lambda's deadline, in a transaction too.
pub(crate) async fn deadline(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = limited(&harness).await;
    for taken in [&["sleep 600"][..], &["begin", "add 4", "sleep 600", "commit"]] {
        let message = function.fails(&steps(taken), "Timeout").await;
        assert!(message.contains("timed out during statement \"SELECT"), "{message}");
        let text = sleeping(engine);
        until("the server has ended it", async || harness.asleep(text).await == 0).await;
        assert_eq!(count(&function).await, 3, "after {taken:?}");
    }
}

/// A handler that never returns: an error in time that says what it has changed, and nothing is left
/// open.
pub(crate) async fn hangs(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = limited(&harness).await;
    let message = function.fails(&steps(&["count", "hang"]), "Timeout").await;
    assert!(message.contains("timed out during the handler"), "{message}");
    let message = function.fails(&steps(&["begin", "add 4", "hang"]), "Timeout").await;
    assert!(message.contains("the open transaction was rolled back"), "{message}");
    let message = function.fails(&steps(&["add 4", "hang"]), "OutcomeUnknown").await;
    assert!(message.contains("an earlier write was carried out: timed out"), "{message}");
    assert_eq!(count(&function).await, 4);
    assert_eq!(last(&function, &["begin", "add 5", "commit", "count"]).await, 5, "no lock is left");
}

/// A panic is an error of its event. The connection is used again, because nothing ran on it.
pub(crate) async fn panics(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    let before = pid(&function).await;
    let message = function.fails(&steps(&["begin", "add 4", "panic 3"]), "Internal").await;
    assert!(message.contains("at step 3"), "{message}");
    assert!(message.contains("the open transaction was rolled back"), "{message}");
    assert_eq!(count(&function).await, 3);
    assert_eq!(pid(&function).await, before);
    assert!(!function.logs().contains("at step 3"), "the message of a panic is for the caller");
}

/// The driver's own client costs the connection, and is canceled when the time is up.
pub(crate) async fn drivers_client(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = limited(&harness).await;
    let before = pid(&function).await;
    assert_eq!(last(&function, &["driver", "count"]).await, 4);
    assert_ne!(pid(&function).await, before, "its connection is not used again");
    until("it is closed", async || harness.connections().await == 1).await;

    let outcome = function.invoke(&steps(&["driver 1"])).await;
    let (error_type, message) = outcome.unwrap_err();
    assert!(message.contains("an earlier write may have been carried out"), "{message}");
    assert!(matches!(&*error_type, "Driver" | "OutcomeUnknown"), "{error_type}: {message}");
    let text = sleeping(engine);
    until("the server has ended it", async || harness.asleep(text).await == 0).await;
    assert_eq!(count(&function).await, 4);
}

/// A task that outlives its handler: it is not waited for, its connection is closed, and it can do
/// nothing more.
pub(crate) async fn spawned(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    let message = function.fails(&steps(&["spawn", "sleep 2"]), "OutcomeUnknown").await;
    assert!(message.contains("a task of it still used the database"), "{message}");
    assert_eq!(count(&function).await, 3);
    // One that waits is refused when it wants to begin.
    function.ok(&steps(&["spawn", "late"])).await;
    let spawned = last(&function, &["wait 1000", "spawned"]).await;
    assert_eq!(spawned["error"], "Internal", "{spawned:#}");
    assert!(spawned["message"].as_str().unwrap().contains("its handler has returned"));
    assert_eq!(count(&function).await, 3);
}

/// A call that the handler itself gives up: its connection is closed, and the next call has another.
pub(crate) async fn canceled(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    let before = pid(&function).await;
    let answers = function.ok(&steps(&["canceled 500", "pid", "count"])).await;
    assert_eq!((&answers[0], &answers[2]), (&true.into(), &3.into()));
    assert_ne!(answers[1], before);
    let message = function.fails(&steps(&["canceled 500", "own 1"]), "OutOfStock").await;
    assert!(message.contains("an earlier write may have been carried out"), "{message}");
}

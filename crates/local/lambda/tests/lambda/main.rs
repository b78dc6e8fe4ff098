//! Local Lambda with a real function process: every test has its own Lambda, on free ports.

#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod environment;
mod initialization;
mod invocation;
mod invoke_api;
mod processes;
mod side_by_side;
mod strangers;

#[path = "../programs/client.rs"]
mod client;

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    time::{Duration, Instant},
};

use local_lambda::{Function, Invocation, Lambda};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long an expected state may take on a busy machine.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// A folder with the test function as its `bootstrap`.
fn task_root() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    symlink(env!("CARGO_BIN_EXE_local-lambda-test-function"), folder.path().join("bootstrap"))
        .unwrap();
    folder
}

/// A Lambda with one function, named `test`, of these settings.
async fn start(settings: impl FnOnce(Function) -> Function) -> (Lambda, TempDir) {
    let folder = task_root();
    let lambda = Lambda::start().await.unwrap();
    let function = Function::new("test", folder.path()).timeout(TEST_TIMEOUT);
    lambda.create_function(settings(function)).await.unwrap();
    (lambda, folder)
}

async fn invoke(lambda: &Lambda, event: Value) -> Invocation {
    lambda.invoke("test", event.to_string()).await.unwrap()
}

/// The response of an invocation that must succeed.
async fn respond(lambda: &Lambda, event: Value) -> Value {
    let invocation = invoke(lambda, event).await;
    assert_eq!(invocation.function_error, None, "{invocation:?}");
    payload(&invocation)
}

/// The id of the current process.
async fn pid(lambda: &Lambda) -> u64 {
    respond(lambda, json!({ "do": "surroundings" })).await["pid"].as_u64().unwrap()
}

fn payload(invocation: &Invocation) -> Value {
    serde_json::from_slice(&invocation.payload).unwrap()
}

/// Waits for a state.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < TEST_TIMEOUT, "not reached: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The state letter of a process in proc(5), `None` when there is no such process.
fn process_state(pid: u64) -> Option<char> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Whether there is no process of that id, not even a zombie.
fn is_gone(pid: u64) -> bool {
    process_state(pid).is_none()
}

//! No process is left, however Lambda ends.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use local_lambda::Lambda;
use serde_json::json;

use crate::{is_gone, pid, process_state, respond, start, task_root, wait_until};

/// A harness, killed with SIGKILL when dropped.
struct Harness(Child);

impl Drop for Harness {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Whether a process has ended that is not ours to reap: it is a zombie until init has done so.
fn is_dead(pid: u64) -> bool {
    matches!(process_state(pid), None | Some('Z' | 'X'))
}

#[tokio::test]
async fn a_dropped_lambda_leaves_no_process() {
    for freeze in [true, false] {
        let (lambda, _folder) = start(|function| function.freeze(freeze)).await;
        let pid = pid(&lambda).await;
        drop(lambda);
        assert!(is_gone(pid), "killed and reaped when drop returns");
    }
}

#[tokio::test]
async fn a_busy_process_ends_as_well() {
    let (lambda, _folder) = start(|function| function.concurrency(1)).await;
    let pid = pid(&lambda).await;
    let event = r#"{"do":"sleep","ms":60000}"#;
    let call = lambda.invoke("test", event);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(20), call).await.is_err());
    drop(lambda);
    assert!(is_gone(pid));
}

#[tokio::test]
async fn what_a_function_prints_is_kept_up_to_a_limit() {
    let (lambda, _folder) = start(|function| function).await;
    respond(&lambda, json!({ "do": "chatter", "mb": 40 })).await;
    let logs = lambda.logs("test");
    assert!(logs.len() <= 16 * 1024 * 1024, "{} bytes are kept", logs.len());
    assert!(logs.lines().all(|line| line.len() < 300 * 1024), "an endless line");
    let last: Vec<&str> = logs.lines().rev().take(3).collect();
    assert!(last[0].starts_with("REPORT") && last[2].ends_with("the end"), "the newest is there");
}

#[test]
fn it_ends_with_its_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (lambda, _folder, pid) = runtime.block_on(async {
        let (lambda, folder) = start(|function| function).await;
        let pid = pid(&lambda).await;
        (lambda, folder, pid)
    });
    drop(runtime);
    drop(lambda);
    assert!(is_gone(pid));
}

#[tokio::test]
async fn the_children_of_a_function_end_with_it() {
    let (lambda, _folder) = start(|function| function).await;
    let start_child = async || {
        let child = respond(&lambda, json!({ "do": "start-child" })).await.as_u64().unwrap();
        assert!(!is_dead(child));
        child
    };
    let child = start_child().await;
    lambda.invoke("test", r#"{"do":"exit","code":1}"#).await.unwrap();
    wait_until("the child is dead", || is_dead(child));

    let child = start_child().await;
    drop(lambda);
    wait_until("the child is dead", || is_dead(child));
}

#[test]
fn processes_die_with_a_harness_that_is_killed() {
    let folder = task_root();
    let program = env!("CARGO_BIN_EXE_local-lambda-test-harness");
    let mut command = Command::new(program);
    let child = command.arg(folder.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut harness = Harness(child);
    let lines = BufReader::new(harness.0.stdout.take().unwrap()).lines();
    let pids: Vec<u64> = lines.take(2).map(|line| line.unwrap().parse().unwrap()).collect();
    assert_eq!(pids.len(), 2);
    assert!(pids.iter().all(|&pid| !is_dead(pid)));
    drop(harness);
    for pid in pids {
        wait_until("the process is dead", || is_dead(pid));
    }
}

#[tokio::test]
async fn a_port_can_be_asked_for() {
    let taken = Lambda::start().await.unwrap();
    let port = taken.endpoint_url().rsplit_once(':').unwrap().1.parse().unwrap();
    let error = Lambda::builder().port(port).start().await.unwrap_err();
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
    drop(taken);
    // The port is free as soon as the aborted server task has been dropped.
    let mut again = Lambda::builder().port(port).start().await;
    while again.is_err() {
        tokio::task::yield_now().await;
        again = Lambda::builder().port(port).start().await;
    }
    assert_eq!(again.unwrap().endpoint_url(), format!("http://127.0.0.1:{port}"));
}

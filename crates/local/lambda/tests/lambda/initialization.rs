//! The init phase: its limit, its errors, and the second attempt within the first invocation.

use std::time::Duration;

use local_lambda::LogFormat;
use serde_json::{Value, json};

use crate::{invoke, payload, pid, respond, start};

#[tokio::test]
async fn an_initialization_beyond_its_limit_runs_again_in_the_invocation() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("was here").display().to_string();
    let (lambda, _folder) = start(|function| {
        function
            .env("INIT", "sleep-once")
            .env("INIT_SECONDS", "60")
            .env("INIT_MARK", mark)
            .init_timeout(Duration::from_millis(300))
    })
    .await;
    let invocation = invoke(&lambda, json!({ "hello": 1 })).await;
    assert_eq!(payload(&invocation), json!({ "hello": 1 }));
    assert_eq!(invocation.init, None, "the second initialisation is part of the duration");
    let lines: Vec<&str> = invocation.log.lines().collect();
    let report = lines[0].strip_prefix("INIT_REPORT Init Duration: ").unwrap();
    let milliseconds = report.strip_suffix(" ms\tPhase: init\tStatus: timeout").unwrap();
    assert!(milliseconds.parse::<f64>().unwrap() >= 300.0, "{lines:?}");
    assert!(lines[1].starts_with("START RequestId: "), "{lines:?}");
    assert_eq!(lines.len(), 4, "{lines:?}");
}

#[tokio::test]
async fn the_second_initialization_has_the_functions_timeout() {
    let (lambda, _folder) = start(|function| {
        function
            .env("INIT", "sleep")
            .env("INIT_SECONDS", "60")
            .init_timeout(Duration::from_millis(200))
            .timeout(Duration::from_millis(400))
    })
    .await;
    let invocation = invoke(&lambda, json!({})).await;
    assert_eq!(payload(&invocation)["errorType"], "Sandbox.Timedout");
    assert!(invocation.duration >= Duration::from_millis(400), "{invocation:?}");
    assert!(invocation.log.contains(" ms\tPhase: init\tStatus: timeout\n"), "{}", invocation.log);
    assert!(invocation.log.contains(" ms\tPhase: invoke\tStatus: timeout\n"), "{}", invocation.log);
}

#[tokio::test]
async fn an_init_error_is_the_answer_to_the_event() {
    let (lambda, _folder) = start(|function| function.env("INIT", "error")).await;
    for _ in 0..2 {
        let invocation = invoke(&lambda, json!({})).await;
        assert_eq!(invocation.function_error.as_deref(), Some("Unhandled"));
        let expected = json!({ "errorType": "Settings", "errorMessage": "DB_HOST is not set" });
        assert_eq!(payload(&invocation), expected);
        for phase in ["init", "invoke"] {
            let line = format!("Phase: {phase}\tStatus: error\tError Type: Settings\n");
            assert!(invocation.log.contains(&line), "{}", invocation.log);
        }
        assert_eq!(invocation.log.matches("last words\n").count(), 2, "{}", invocation.log);
    }
}

#[tokio::test]
async fn a_process_that_exits_while_it_initializes_is_reported() {
    let (lambda, _folder) =
        start(|function| function.env("INIT", "exit").log_format(LogFormat::Json)).await;
    let invocation = invoke(&lambda, json!({})).await;
    let message = format!(
        "RequestId: {} Error: Runtime exited with error: exit status 7",
        invocation.request_id
    );
    let expected = json!({ "errorType": "Runtime.ExitError", "errorMessage": message });
    assert_eq!(payload(&invocation), expected);
    let first: Value = serde_json::from_str(invocation.log.lines().next().unwrap()).unwrap();
    assert_eq!(first["type"], "platform.initReport");
    assert_eq!(first["record"]["phase"], "init");
    assert_eq!(first["record"]["errorType"], "Runtime.ExitError");
}

#[tokio::test]
async fn a_bootstrap_that_is_no_program_is_reported() {
    let (lambda, folder) = start(|function| function).await;
    let bootstrap = folder.path().join("bootstrap");
    std::fs::remove_file(&bootstrap).unwrap();
    let invocation = invoke(&lambda, json!({})).await;
    assert_eq!(payload(&invocation)["errorType"], "Runtime.InvalidEntrypoint");
    assert_eq!(invocation.max_memory_mb, 0);
}

#[tokio::test]
async fn an_environment_can_be_warmed_ahead() {
    let (lambda, _folder) = start(|function| function.env("INIT", "print")).await;
    lambda.warm("test").await.unwrap();
    assert_eq!(lambda.logs("test"), "initialising\n");
    let first = invoke(&lambda, json!({})).await;
    assert!(first.init.is_some(), "the first event carries the initialisation");
    assert_eq!(lambda.logs("test").matches("initialising").count(), 1);
    assert!(lambda.warm("another").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn an_internal_extension_registers_and_is_told_to_end() {
    let (lambda, _folder) = start(|function| function.env("INIT", "extension")).await;
    let pid = pid(&lambda).await;
    assert_eq!(respond(&lambda, json!([1])).await, json!([1]));
    lambda.shut_down().await;
    assert!(crate::is_gone(pid));
    assert!(lambda.logs("test").ends_with("SIGTERM received\n"), "{}", lambda.logs("test"));
}

//! A function's environment: its variables, other environments, the freeze between events.

use std::{collections::BTreeMap, time::Duration};

use local_lambda::{Function, Lambda};
use serde_json::{Value, json};

use crate::{
    TEST_TIMEOUT, invoke, payload, pid, process_state, respond, start, task_root, wait_until,
};

#[tokio::test]
async fn a_function_has_lambdas_variables_and_its_own_and_no_others() {
    let (lambda, folder) = start(|function| {
        function
            .env("DB_HOST", "db.example")
            .env("TZ", "Europe/Zurich")
            .memory_mb(256)
            .handler("handler.name")
            .credentials("AKIDEXAMPLE", "a secret", "a session token")
            .region("eu-west-1")
            .log_level("DEBUG")
    })
    .await;
    let seen = respond(&lambda, json!({ "do": "surroundings" })).await;
    let root = folder.path().display().to_string();
    assert_eq!(seen["folder"], root);
    assert_eq!(seen["arguments"], json!([format!("{root}/bootstrap")]));

    let mut variables: BTreeMap<String, String> =
        serde_json::from_value(seen["variables"].clone()).unwrap();
    let address = variables.remove("AWS_LAMBDA_RUNTIME_API").unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let stream = variables.remove("AWS_LAMBDA_LOG_STREAM_NAME").unwrap();
    let (date, id) = stream.split_once("/[$LATEST]").unwrap();
    assert_eq!((date.len(), id.len()), ("2026/11/21".len(), 32), "{stream}");
    let library_path =
        format!("/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:{root}:{root}/lib:/opt/lib");
    let expected = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_NAME", "test"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/test"),
        ("AWS_LAMBDA_LOG_LEVEL", "DEBUG"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_SECRET_ACCESS_KEY", "a secret"),
        ("AWS_SESSION_TOKEN", "a session token"),
        ("DB_HOST", "db.example"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("LAMBDA_TASK_ROOT", &root),
        ("LANG", "en_US.UTF-8"),
        ("LD_LIBRARY_PATH", &library_path),
        ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin"),
        ("TZ", "Europe/Zurich"),
        ("_HANDLER", "handler.name"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(variables, BTreeMap::from(expected));
}

#[tokio::test]
async fn settings_that_lambda_refuses_are_refused() {
    let folder = task_root();
    let lambda = Lambda::start().await.unwrap();
    let function = || Function::new("test", folder.path());
    for (function, words) in [
        (function().env("AWS_REGION", "x").env("_HANDLER", "y"), "AWS_REGION, _HANDLER"),
        (function().env("9LIVES", ""), "\"9LIVES\""),
        (function().env("A=B", ""), "\"A=B\""),
        (function().memory_mb(64), "memory of 64 MB"),
        (function().timeout(Duration::from_secs(901)), "timeout of 901s"),
        (function().region("eu west"), "region \"eu west\""),
        (Function::new("a b", folder.path()), "function name \"a b\""),
        (Function::new("test", folder.path().join("nowhere")), "nowhere/bootstrap"),
    ] {
        let error = lambda.create_function(function).await.unwrap_err();
        assert_eq!(error.code(), "InvalidParameterValueException");
        assert!(error.to_string().contains(words), "{error}");
    }
    lambda.create_function(function()).await.unwrap();
    let error = lambda.create_function(function()).await.unwrap_err();
    assert_eq!(error.code(), "ResourceConflictException");
}

#[test]
fn a_function_shows_no_secret_in_debug() {
    let function = Function::new("test", ".").env("PASSWORD", "opensesame").credentials(
        "AKIDEXAMPLE",
        "opensesame",
        "opensesame",
    );
    let debug = format!("{function:?}");
    assert!(debug.contains("PASSWORD") && !debug.contains("opensesame"), "{debug}");
}

#[tokio::test]
async fn an_environment_is_frozen_between_events() {
    let (lambda, _folder) = start(|function| function).await;
    let pid = pid(&lambda).await;
    wait_until("the process is stopped", || process_state(pid) == Some('T'));
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(process_state(pid), Some('T'), "it stays stopped until the next event");
    }
    for number in 0..50 {
        assert_eq!(respond(&lambda, json!([number])).await, json!([number]), "it thaws");
    }
}

#[tokio::test]
async fn an_environment_need_not_be_frozen() {
    let (lambda, _folder) = start(|function| function.freeze(false)).await;
    let pid = pid(&lambda).await;
    let count = || async { respond(&lambda, json!({ "do": "ticks" })).await.as_u64().unwrap() };
    let ticks = count().await;
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    while count().await < ticks + 100 {
        assert!(tokio::time::Instant::now() < deadline, "its thread does not run");
        assert_ne!(process_state(pid), Some('T'));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_process_that_dies_in_the_freeze_is_replaced() {
    let (lambda, _folder) = start(|function| function).await;
    let before = pid(&lambda).await;
    // The shell's own `kill`: not every system has the program.
    let kill = format!("kill -KILL {before}");
    let killed = std::process::Command::new("sh").args(["-c", &kill]).status();
    assert!(killed.unwrap().success());
    wait_until("the process is gone", || process_state(before).is_none());
    let next = invoke(&lambda, json!({ "do": "surroundings" })).await;
    assert_eq!(next.function_error, None, "{next:?}");
    assert_ne!(payload(&next)["pid"], before);
}

#[tokio::test]
async fn two_functions_live_side_by_side() {
    let folder = task_root();
    let lambda = Lambda::start().await.unwrap();
    for name in ["one", "two"] {
        let function = Function::new(name, folder.path()).env("NAME", name);
        lambda.create_function(function).await.unwrap();
    }
    let event = r#"{"do":"surroundings"}"#;
    let (one, two) = tokio::join!(lambda.invoke("one", event), lambda.invoke("two", event));
    let (one, two) = (payload(&one.unwrap()), payload(&two.unwrap()));
    assert_eq!(one["variables"]["NAME"], "one");
    assert_eq!(two["variables"]["NAME"], "two");
    assert_ne!(one["pid"], two["pid"]);
    lambda.invoke("one", r#"{"do":"print"}"#).await.unwrap();
    assert!(lambda.logs("one").contains("to stdout"));
    assert!(!lambda.logs("two").contains("to stdout"));
    assert_eq!(lambda.logs("three"), "");
}

#[tokio::test]
async fn events_at_once_take_an_environment_each_and_are_throttled_beyond() {
    let (lambda, _folder) = start(|function| function.concurrency(2)).await;
    let slow = || lambda.invoke("test", r#"{"do":"sleep","ms":300}"#);
    let (one, two, three) = tokio::join!(slow(), slow(), slow());
    assert_eq!(payload(&one.unwrap()), "slept");
    assert_eq!(payload(&two.unwrap()), "slept");
    let error = three.unwrap_err();
    assert!(error.is_throttled() && error.code() == "TooManyRequestsException", "{error}");

    // Both are kept; the last used is used first.
    let first: Value = respond(&lambda, json!({ "do": "surroundings" })).await["pid"].clone();
    assert_eq!(respond(&lambda, json!({ "do": "surroundings" })).await["pid"], first);
    let (one, two) = tokio::join!(slow(), slow());
    assert_eq!((one.unwrap().init, two.unwrap().init), (None, None));
}

#[tokio::test]
async fn a_replaced_function_has_new_environments_and_settings() {
    let (lambda, folder) = start(|function| function.env("VERSION", "1")).await;
    let old = pid(&lambda).await;
    let function = Function::new("test", folder.path()).timeout(TEST_TIMEOUT);
    lambda.replace_function(function.env("VERSION", "2")).await.unwrap();
    assert!(process_state(old).is_none(), "the old environment runs");
    let seen = respond(&lambda, json!({ "do": "surroundings" })).await;
    assert_eq!(seen["variables"]["VERSION"], "2");

    let new = Function::new("new", folder.path()).timeout(TEST_TIMEOUT);
    lambda.replace_function(new).await.unwrap();
    assert_eq!(lambda.invoke("new", "{}").await.unwrap().function_error, None);
    let missing = Function::new("test", folder.path().join("none"));
    lambda.replace_function(missing).await.unwrap_err();
    respond(&lambda, json!({})).await;
}

//! Invocations: responses, errors, limits, and the log.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use local_lambda::LogFormat;
use serde_json::{Value, json};

use crate::{invoke, payload, pid, respond, start};

#[tokio::test]
async fn a_response_comes_back() {
    let (lambda, _folder) = start(|function| function).await;
    let event = json!({ "statement": "items", "params": [1, "ä", null] });
    let cold = invoke(&lambda, event.clone()).await;
    assert_eq!(payload(&cold), event);
    assert_eq!(cold.function_error, None);
    let init = cold.init.unwrap();
    assert!(cold.billed >= cold.duration + init, "{cold:?}");
    assert!(cold.billed < cold.duration + init + Duration::from_millis(1), "{cold:?}");
    assert!((1..128).contains(&cold.max_memory_mb), "{cold:?}");

    let warm = invoke(&lambda, event.clone()).await;
    assert_eq!(payload(&warm), event);
    assert_eq!(warm.init, None);
    assert_ne!(warm.request_id, cold.request_id);
}

#[tokio::test]
async fn no_payload_is_an_empty_object() {
    let (lambda, _folder) = start(|function| function).await;
    let invocation = lambda.invoke("test", "").await.unwrap();
    assert_eq!(payload(&invocation), json!({}));
}

#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "a deadline is compared with the clock")]
async fn an_event_has_its_headers() {
    let timeout = Duration::from_secs(20);
    let (lambda, _folder) = start(|function| function.region("eu-west-1").timeout(timeout)).await;
    let epoch_ms = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    pid(&lambda).await; // so that no cold start lies between the two readings of the clock

    let before = epoch_ms() + timeout.as_millis();
    let invocation = invoke(&lambda, json!({ "do": "headers" })).await;
    let after = epoch_ms() + timeout.as_millis();
    let headers = payload(&invocation);
    let header = |name: &str| headers[name].as_str().unwrap();

    assert_eq!(header("lambda-runtime-aws-request-id"), invocation.request_id);
    assert_eq!(
        header("lambda-runtime-invoked-function-arn"),
        "arn:aws:lambda:eu-west-1:123456789012:function:test"
    );
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(headers.get("lambda-runtime-client-context"), None);
    let deadline: u128 = header("lambda-runtime-deadline-ms").parse().unwrap();
    assert!((before..=after).contains(&deadline), "{before} {deadline} {after}");

    let trace: Vec<&str> = header("lambda-runtime-trace-id").split(';').collect();
    let [root, parent, "Sampled=0"] = trace[..] else { panic!("{trace:?}") };
    let root: Vec<&str> = root.strip_prefix("Root=").unwrap().split('-').collect();
    assert_eq!(root.iter().map(|part| part.len()).collect::<Vec<_>>(), [1, 8, 24], "{root:?}");
    let began = u128::from_str_radix(root[1], 16).unwrap();
    assert!(began.abs_diff(epoch_ms() / 1000) < 60, "{root:?}");
    let parent = parent.strip_prefix("Parent=").unwrap();
    assert!(parent.len() == 16 && u64::from_str_radix(parent, 16).is_ok(), "{parent}");
}

#[tokio::test]
async fn an_error_is_the_payload_that_the_runtime_sent() {
    let (lambda, _folder) = start(|function| function).await;
    let first = pid(&lambda).await;
    let invocation = invoke(&lambda, json!({ "do": "fail" })).await;
    assert_eq!(invocation.function_error.as_deref(), Some("Unhandled"));
    let expected = json!({ "errorType": "Query", "errorMessage": "no such table" });
    assert_eq!(payload(&invocation), expected);
    let id = &invocation.request_id;
    let lines = format!("START RequestId: {id} Version: $LATEST\nEND RequestId: {id}\nREPORT ");
    assert!(invocation.log.starts_with(&lines), "{}", invocation.log);
    assert!(!invocation.log.contains("Status"), "{}", invocation.log);
    assert_eq!(pid(&lambda).await, first, "an error does not end the environment");
}

#[tokio::test]
async fn a_crash_is_reported_and_the_next_event_starts_anew() {
    let (lambda, _folder) = start(|function| function).await;
    for (event, reason) in [
        (json!({ "do": "exit", "code": 1 }), "Runtime exited with error: exit status 1"),
        (json!({ "do": "exit", "code": 0 }), "Runtime exited without providing a reason"),
        (json!({ "do": "abort" }), "Runtime exited with error: signal: aborted"),
    ] {
        let before = pid(&lambda).await;
        let invocation = invoke(&lambda, event).await;
        let id = &invocation.request_id;
        assert_eq!(invocation.function_error.as_deref(), Some("Unhandled"));
        let expected = json!({
            "errorType": "Runtime.ExitError",
            "errorMessage": format!("RequestId: {id} Error: {reason}"),
        });
        assert_eq!(payload(&invocation), expected);
        let lines =
            format!("RequestId: {id} Error: {reason}\nRuntime.ExitError\nEND RequestId: {id}\n");
        assert!(invocation.log.contains(&lines), "{}", invocation.log);
        let columns = "Status: error\tError Type: Runtime.ExitError\n";
        assert!(invocation.log.ends_with(columns), "{}", invocation.log);

        let next = invoke(&lambda, json!({})).await;
        assert!(next.init.is_some(), "{next:?}");
        assert_ne!(pid(&lambda).await, before);
    }
}

#[tokio::test]
async fn a_response_stands_even_if_the_process_ends_after_it() {
    let (lambda, _folder) = start(|function| function).await;
    let invocation = invoke(&lambda, json!({ "do": "respond-and-exit" })).await;
    assert_eq!(invocation.function_error, None, "{invocation:?}");
    assert_eq!(payload(&invocation), "the last response");
    assert!(invocation.log.contains("Runtime exited with error: exit status 3\n"));
    assert!(invoke(&lambda, json!({})).await.init.is_some());
}

#[tokio::test]
async fn a_task_that_takes_too_long_is_killed() {
    let (lambda, _folder) = start(|function| function.timeout(Duration::from_millis(500))).await;
    let before = pid(&lambda).await;
    let invocation = invoke(&lambda, json!({ "do": "sleep", "ms": 60_000 })).await;
    let id = &invocation.request_id;
    assert_eq!(invocation.function_error.as_deref(), Some("Unhandled"));
    let message = format!("RequestId: {id} Error: Task timed out after 0.50 seconds");
    let expected = json!({ "errorType": "Sandbox.Timedout", "errorMessage": message });
    assert_eq!(payload(&invocation), expected);
    assert!(invocation.duration >= Duration::from_millis(500), "{invocation:?}");
    let line = format!("Z {id} Task timed out after 0.50 seconds\n\nEND RequestId: {id}\n");
    assert!(invocation.log.contains(&line), "{}", invocation.log);
    assert!(invocation.log.ends_with("\tStatus: timeout\n"), "{}", invocation.log);
    assert!(crate::is_gone(before));
    assert!(invoke(&lambda, json!({})).await.init.is_some());
}

#[tokio::test]
async fn a_process_beyond_its_memory_is_killed() {
    let (lambda, _folder) = start(|function| function.memory_mb(128)).await;
    let within = invoke(&lambda, json!({ "do": "allocate", "mb": 60, "ms": 0 })).await;
    assert_eq!(within.function_error, None, "{within:?}");
    assert!((60..=128).contains(&within.max_memory_mb), "{within:?}");

    // Far beyond for long, or a little for a moment.
    for (mb, ms) in [(300, 60_000), (130, 0)] {
        let beyond = invoke(&lambda, json!({ "do": "allocate", "mb": mb, "ms": ms })).await;
        assert_eq!(beyond.function_error.as_deref(), Some("Unhandled"), "{beyond:?}");
        let id = &beyond.request_id;
        let message = format!("RequestId: {id} Error: Runtime exited with error: signal: killed");
        let expected = json!({ "errorType": "Runtime.OutOfMemory", "errorMessage": message });
        assert_eq!(payload(&beyond), expected);
        assert_eq!(beyond.max_memory_mb, 128);
        assert!(invoke(&lambda, json!({})).await.init.is_some());
    }
}

#[tokio::test]
async fn a_response_may_be_six_mebibytes_and_a_little() {
    let (lambda, _folder) = start(|function| function).await;
    let limit = 6_291_556;
    let largest = invoke(&lambda, json!({ "do": "large-response", "bytes": limit })).await;
    assert_eq!(largest.function_error, None, "{}", largest.log);
    assert_eq!(largest.payload.len(), limit);
    assert!(largest.log.contains("\nstatus 202\n"), "{}", largest.log);

    // Far beyond as well, the runtime gets to read the answer.
    for bytes in [limit + 1, 4 * limit] {
        let beyond = invoke(&lambda, json!({ "do": "large-response", "bytes": bytes })).await;
        assert_eq!(beyond.function_error.as_deref(), Some("Unhandled"));
        let expected = json!({
            "errorType": "Function.ResponseSizeTooLarge",
            "errorMessage":
                "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        });
        assert_eq!(payload(&beyond), expected);
        assert!(beyond.log.contains("\nstatus 413\n"), "{}", beyond.log);
    }
    assert_eq!(invoke(&lambda, json!({})).await.init, None, "the environment lives on");
}

#[tokio::test]
async fn calls_out_of_turn_are_refused() {
    let (lambda, _folder) = start(|function| function).await;
    let invocation = invoke(&lambda, json!({ "do": "wrong-calls" })).await;
    let expected = json!([
        [400, "InvalidRequestID"],
        [400, "InvalidRequestID"],
        [403, "InvalidStateTransition"],
        [403, "InvalidStateTransition"],
        [404, "NotFound"],
    ]);
    assert_eq!(payload(&invocation), expected);
    assert!(invocation.log.contains("\nagain 400\n"), "{}", invocation.log);
}

#[tokio::test]
async fn the_log_reads_as_lambdas() {
    let (lambda, _folder) = start(|function| function.env("INIT", "print")).await;
    let cold = invoke(&lambda, json!({ "do": "print" })).await;
    let warm = invoke(&lambda, json!({ "do": "print" })).await;
    for (invocation, first) in [(&cold, "initialising\n"), (&warm, "")] {
        let id = &invocation.request_id;
        let ms = |duration: Duration| format!("{:.2}", duration.as_secs_f64() * 1000.0);
        let init = invocation
            .init
            .map_or_else(String::new, |init| format!("Init Duration: {} ms\t", ms(init)));
        let expected = format!(
            "{first}START RequestId: {id} Version: $LATEST\n\
             to stdout\nto stderr\nwithout an end\nEND RequestId: {id}\n\
             REPORT RequestId: {id}\tDuration: {} ms\tBilled Duration: {} ms\t\
             Memory Size: 128 MB\tMax Memory Used: {} MB\t{init}\n",
            ms(invocation.duration),
            invocation.billed.as_millis(),
            invocation.max_memory_mb,
        );
        assert_eq!(invocation.log, expected);
    }
    assert_eq!(lambda.logs("test"), cold.log + &warm.log);
}

#[tokio::test]
async fn the_log_can_be_json() {
    let (lambda, _folder) = start(|function| function.log_format(LogFormat::Json)).await;
    let invocation = invoke(&lambda, json!({ "do": "exit", "code": 1 })).await;
    let records: Vec<Value> =
        invocation.log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [start, report] = &records[..] else { panic!("{records:?}") };
    assert_eq!(start["type"], "platform.start");
    let expected = json!({ "requestId": invocation.request_id, "version": "$LATEST" });
    assert_eq!(start["record"], expected);
    assert_eq!(report["type"], "platform.report");
    assert_eq!(report["record"]["status"], "error");
    assert_eq!(report["record"]["errorType"], "Runtime.ExitError");
    assert_eq!(report["record"]["metrics"]["memorySizeMB"], 128);
    let billed = report["record"]["metrics"]["billedDurationMs"].as_u64().unwrap();
    assert_eq!(u128::from(billed), invocation.billed.as_millis());
    assert!(report["record"]["metrics"]["initDurationMs"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_end_the_invocation() {
    let (lambda, _folder) = start(|function| function).await;
    let before = pid(&lambda).await;
    let call = lambda.invoke("test", r#"{"do":"sleep","ms":100}"#);
    assert!(tokio::time::timeout(Duration::from_millis(20), call).await.is_err());
    let ends = |lambda: &local_lambda::Lambda| lambda.logs("test").matches("REPORT ").count();
    let deadline = tokio::time::Instant::now() + crate::TEST_TIMEOUT;
    while ends(&lambda) < 2 {
        assert!(tokio::time::Instant::now() < deadline, "{}", lambda.logs("test"));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(respond(&lambda, json!({ "do": "surroundings" })).await["pid"], before);
}

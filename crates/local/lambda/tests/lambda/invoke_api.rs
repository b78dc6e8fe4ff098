//! The Invoke API over HTTP, as the AWS CLI and SDKs see it.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use local_lambda::{Function, Lambda};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

use crate::{
    TEST_TIMEOUT,
    client::{self, Answer},
    invoke, start, task_root, wait_until,
};

const INVOCATIONS: &str = "/2015-03-31/functions/test/invocations";

/// Sends a request from another thread, because the client blocks.
async fn call(lambda: &Lambda, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let address = lambda.endpoint_url().replace("http://", "");
    let headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let (path, body) = (path.to_owned(), body.to_owned());
    let task = tokio::task::spawn_blocking(move || {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        client::request(&address, "POST", &path, &headers, &body)
    });
    task.await.unwrap().unwrap()
}

fn json_body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn a_synchronous_invocation() {
    let (lambda, _folder) = start(|function| function).await;
    let answer = call(&lambda, INVOCATIONS, &[], br#"{"a":1}"#).await;
    assert_eq!(answer.status, 200);
    assert_eq!(json_body(&answer), json!({ "a": 1 }));
    assert_eq!(answer.header("x-amz-executed-version"), Some("$LATEST"));
    assert_eq!(answer.header("x-amz-function-error"), None);
    assert_eq!(answer.header("x-amz-log-result"), None);
    assert!(lambda.logs("test").contains(answer.header("x-amzn-requestid").unwrap()));

    let answer = call(&lambda, INVOCATIONS, &[], br#"{"do":"fail"}"#).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-amz-function-error"), Some("Unhandled"));
    assert_eq!(json_body(&answer)["errorType"], "Query");
}

#[tokio::test]
async fn a_function_has_many_names() {
    let (lambda, _folder) = start(|function| function.region("eu-west-1")).await;
    for (name, query, status) in [
        ("test", "", 200),
        ("test", "?Qualifier=%24LATEST", 200),
        ("test:$LATEST", "", 200),
        ("123456789012:function:test", "", 200),
        ("arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Atest", "", 200),
        ("arn:aws:lambda:eu-west-1:123456789012:function:test:$LATEST", "", 200),
        ("arn:aws:lambda:eu-west-2:123456789012:function:test", "", 404),
        ("210987654321:function:test", "", 404),
        ("9012:function:test", "", 404),
        ("test", "?Qualifier=live", 404),
        ("test:live", "", 404),
        ("another", "", 404),
    ] {
        let path = format!("/2015-03-31/functions/{name}/invocations{query}");
        let answer = call(&lambda, &path, &[], b"{}").await;
        assert_eq!(answer.status, status, "{path}: {:?}", json_body(&answer));
    }
}

#[tokio::test]
async fn the_tail_of_the_log_on_request() {
    let (lambda, _folder) = start(|function| function).await;
    let tail = [("X-Amz-Log-Type", "Tail")];
    let answer = call(&lambda, INVOCATIONS, &tail, br#"{"do":"print"}"#).await;
    let log = BASE64.decode(answer.header("x-amz-log-result").unwrap()).unwrap();
    let log = String::from_utf8(log).unwrap();
    assert!(log.starts_with("START RequestId: "), "{log}");
    assert!(log.contains("\nto stdout\n") && log.contains("\nREPORT RequestId: "), "{log}");

    let answer = call(&lambda, INVOCATIONS, &tail, br#"{"do":"print","lines":500}"#).await;
    let tail = BASE64.decode(answer.header("x-amz-log-result").unwrap()).unwrap();
    assert_eq!(tail.len(), 4096);
    assert!(lambda.logs("test").as_bytes().ends_with(&tail));
}

#[tokio::test]
async fn the_client_context_is_passed_on() {
    let (lambda, _folder) = start(|function| function).await;
    let context = BASE64.encode(r#"{ "custom": { "who": "me" } }"#);
    let headers = [("X-Amz-Client-Context", context.as_str())];
    let answer = call(&lambda, INVOCATIONS, &headers, br#"{"do":"headers"}"#).await;
    let seen = &json_body(&answer)["lambda-runtime-client-context"];
    assert_eq!(seen, r#"{"custom":{"who":"me"}}"#);

    let headers = [("X-Amz-Client-Context", "no base64!")];
    let answer = call(&lambda, INVOCATIONS, &headers, b"{}").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("x-amzn-errortype"), Some("InvalidRequestContentException"));
}

#[tokio::test]
async fn an_asynchronous_invocation_waits_for_its_turn() {
    let (lambda, _folder) = start(|function| function.concurrency(1)).await;
    let event = [("X-Amz-Invocation-Type", "Event")];
    for _ in 0..2 {
        let answer = call(&lambda, INVOCATIONS, &event, br#"{"do":"sleep","ms":50}"#).await;
        assert_eq!((answer.status, answer.body.len()), (202, 0));
        assert!(answer.header("x-amzn-requestid").is_some());
    }
    let deadline = tokio::time::Instant::now() + crate::TEST_TIMEOUT;
    while lambda.logs("test").matches("REPORT ").count() < 2 {
        assert!(tokio::time::Instant::now() < deadline, "{}", lambda.logs("test"));
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let log = lambda.logs("test");
    assert_eq!(log.matches("Init Duration").count(), 1, "one environment served both: {log}");
}

#[tokio::test]
async fn a_dry_run_runs_nothing() {
    let (lambda, _folder) = start(|function| function).await;
    let dry_run = [("X-Amz-Invocation-Type", "DryRun")];
    let answer = call(&lambda, INVOCATIONS, &dry_run, b"{}").await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(lambda.logs("test"), "");
    let missing = "/2015-03-31/functions/another/invocations";
    assert_eq!(call(&lambda, missing, &dry_run, b"{}").await.status, 404);
}

#[tokio::test]
async fn refusals_are_aws_exceptions() {
    let (lambda, _folder) = start(|function| function.concurrency(1)).await;
    let too_large = vec![b' '; 6 * 1024 * 1024 + 1];
    let too_large_event = vec![b' '; 1024 * 1024 + 1];
    let event = [("X-Amz-Invocation-Type", "Event")];
    let odd = [("X-Amz-Invocation-Type", "Odd")];
    let missing = "/2015-03-31/functions/another/invocations";
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8], u16, &'a str, &'a str);
    let cases: [Case<'_>; 6] = [
        (missing, &[], b"{}", 404, "ResourceNotFoundException", "Function not found: another"),
        (
            INVOCATIONS,
            &[],
            b"{no json",
            400,
            "InvalidRequestContentException",
            "Could not parse request body into json: ",
        ),
        (
            INVOCATIONS,
            &[],
            &too_large,
            413,
            "RequestTooLargeException",
            "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
        ),
        (
            INVOCATIONS,
            &event,
            &too_large_event,
            413,
            "RequestTooLargeException",
            "Request must be smaller than 1048576 bytes",
        ),
        (INVOCATIONS, &odd, b"{}", 400, "InvalidParameterValueException", "\"Odd\""),
        ("/2015-03-31/elsewhere", &[], b"", 404, "UnknownOperationException", "it serves Invoke"),
    ];
    for (path, headers, body, status, code, words) in cases {
        let answer = call(&lambda, path, headers, body).await;
        let seen = json_body(&answer);
        assert_eq!(answer.status, status, "{seen}");
        assert_eq!(answer.header("x-amzn-errortype"), Some(code));
        assert_eq!(seen["Type"], "User");
        let key = if status == 404 { "Message" } else { "message" };
        let message = seen[key].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(lambda.logs("test"), "", "no refused request reached the function");
}

#[tokio::test]
async fn beyond_the_concurrency_is_too_many_requests() {
    let (lambda, _folder) = start(|function| function.concurrency(1)).await;
    let slow = call(&lambda, INVOCATIONS, &[], br#"{"do":"sleep","ms":500}"#);
    let refused = async {
        let deadline = tokio::time::Instant::now() + crate::TEST_TIMEOUT;
        while !lambda.logs("test").contains("START") {
            assert!(tokio::time::Instant::now() < deadline);
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        call(&lambda, INVOCATIONS, &[], b"{}").await
    };
    let (slow, refused) = tokio::join!(slow, refused);
    assert_eq!(slow.status, 200);
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("x-amzn-errortype"), Some("TooManyRequestsException"));
    let expected = json!({
        "Type": "User",
        "message": "Rate Exceeded.",
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
    });
    assert_eq!(json_body(&refused), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_is_told_of_each_invocation() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let teller = told.clone();
    let builder = Lambda::builder().observer(move |invoked| {
        let event = String::from_utf8_lossy(invoked.event).into_owned();
        let failed = invoked.outcome.map(|invocation| invocation.function_error.clone());
        teller.lock().unwrap().push(format!("{} {event} {failed:?}", invoked.function));
    });
    let (lambda, folder) = (builder.start().await.unwrap(), task_root());
    let function = Function::new("test", folder.path()).timeout(TEST_TIMEOUT).concurrency(1);
    lambda.create_function(function).await.unwrap();

    invoke(&lambda, json!({})).await;
    call(&lambda, INVOCATIONS, &[], br#"{"a":1}"#).await;
    call(&lambda, INVOCATIONS, &[], br#"{"do":"fail"}"#).await;
    call(&lambda, INVOCATIONS, &[("X-Amz-Invocation-Type", "DryRun")], b"{}").await;
    call(&lambda, INVOCATIONS, &[("X-Amz-Invocation-Type", "Event")], br#"{"a":2}"#).await;
    wait_until("the event has run", || told.lock().unwrap().len() == 3);
    let expected = [
        r#"test {"a":1} Ok(None)"#,
        r#"test {"do":"fail"} Ok(Some("Unhandled"))"#,
        r#"test {"a":2} Ok(None)"#,
    ];
    assert_eq!(*told.lock().unwrap(), expected);
}

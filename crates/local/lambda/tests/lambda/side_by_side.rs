//! Lambda Managed Instances: one process serves several events at once.

use serde_json::json;

use std::time::{Duration, Instant};

use crate::{invoke, is_gone, payload, pid, respond, start, wait_until};

#[tokio::test]
async fn one_process_serves_events_side_by_side() {
    let (lambda, _folder) = start(|function| function.max_concurrency(3)).await;
    let surroundings = respond(&lambda, json!({ "do": "surroundings" })).await;
    let variable = |name: &str| surroundings["variables"][name].as_str().map(str::to_owned);
    assert_eq!(variable("AWS_LAMBDA_MAX_CONCURRENCY").as_deref(), Some("3"));
    let kind = variable("AWS_LAMBDA_INITIALIZATION_TYPE");
    assert_eq!(kind.as_deref(), Some("lambda-managed-instances"));

    // Each of them ends when all three are there.
    let meet = || respond(&lambda, json!({ "do": "meet", "others": 3 }));
    let (one, two, three) = tokio::join!(meet(), meet(), meet());
    assert_eq!([one, two, three], ["met", "met", "met"]);
    assert_eq!(pid(&lambda).await, surroundings["pid"]);
}

#[tokio::test]
async fn an_event_beyond_is_throttled_and_each_gets_its_own_answer() {
    let (lambda, _folder) = start(|function| function.max_concurrency(2)).await;
    let busy = json!({ "do": "meet", "others": 3 });
    let (one, two, third) = tokio::join!(
        invoke(&lambda, json!({ "do": "sleep", "ms": 200 })),
        invoke(&lambda, json!({ "do": "fail" })),
        lambda.invoke("test", busy.to_string()),
    );
    assert_eq!(payload(&one), "slept");
    assert_eq!(payload(&two)["errorType"], "Query");
    assert!(third.unwrap_err().to_string().contains("Rate Exceeded"));
}

#[tokio::test]
async fn a_crash_fails_every_event_and_the_next_has_a_new_process() {
    let (lambda, _folder) = start(|function| function.max_concurrency(2)).await;
    let first = pid(&lambda).await;
    let (waiting, crash) = tokio::join!(
        invoke(&lambda, json!({ "do": "meet", "others": 2 })),
        invoke(&lambda, json!({ "do": "exit", "code": 1 })),
    );
    for failed in [waiting, crash] {
        assert_eq!(payload(&failed)["errorType"], "Runtime.ExitError", "{failed:?}");
    }
    assert_ne!(pid(&lambda).await, first);
    let last = pid(&lambda).await;
    lambda.shut_down().await;
    wait_until("the process is gone", || is_gone(last));
}

/// Lambda ends a busy Managed Instance with SIGTERM: answers within the grace period reach their callers,
/// other events fail, and no more are delivered.
#[tokio::test]
async fn a_busy_instance_may_answer_after_sigterm() {
    let settings = |function: local_lambda::Function| {
        function.max_concurrency(3).env("INIT", "stubborn-extension")
    };
    let (lambda, _folder) = start(settings).await;
    let last = pid(&lambda).await;
    let event = |ms: u64| json!({ "do": "sleep", "ms": ms });
    let end = async {
        let asleep = || lambda.logs("test").matches("going to sleep").count();
        let started = Instant::now();
        while asleep() < 2 {
            assert!(started.elapsed() < crate::TEST_TIMEOUT, "{}", lambda.logs("test"));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let sigterm = Instant::now();
        let ((), refused) = tokio::join!(lambda.shut_down(), lambda.invoke("test", "{}"));
        assert_eq!(refused.unwrap_err().code(), "ServiceException");
        sigterm.elapsed()
    };
    let (quick, slow, took) =
        tokio::join!(invoke(&lambda, event(300)), invoke(&lambda, event(60_000)), end);
    assert_eq!(payload(&quick), "slept");
    assert_eq!(payload(&slow)["errorType"], "Runtime.ExitError", "{slow:?}");
    assert!(took >= Duration::from_millis(600), "it had 600 ms, not {took:?}");
    assert!(is_gone(last));
    let logs = lambda.logs("test");
    assert!(logs.contains("SIGTERM received"), "{logs}");
    assert!(logs.contains("asked for another event after SIGTERM"), "{logs}");
}

//! Lambda Managed Instances: one process serves several events at once.

use serde_json::json;

use crate::{invoke, is_gone, payload, pid, respond, start, wait_until};

#[tokio::test]
async fn one_process_serves_events_side_by_side() {
    let (lambda, _folder) = start(|function| function.at_once(3)).await;
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
    let (lambda, _folder) = start(|function| function.at_once(2)).await;
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
    let (lambda, _folder) = start(|function| function.at_once(2)).await;
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

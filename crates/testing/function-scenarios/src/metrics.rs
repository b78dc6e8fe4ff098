//! The metrics in the log line of an invocation, in CloudWatch's embedded metric format.

use engine::Engine;
use function_harness::event::ITEMS;
use function_harness::{Deployed, Harness};
use local_rds::iam::AccessKey;
use serde_json::{Value, json};

/// AWS's schema: its folder tells where it is from.
const SCHEMA: &str = include_str!("../../../sql-function/tests/emf/schema.json");
const ON: (&str, &str) = ("POWERTOOLS_METRICS_NAMESPACE", "Shop");

/// The line of each invocation, in order.
fn lines(function: &Deployed<'_>) -> Vec<Value> {
    let logs = function.logs();
    let lines = logs.lines().filter(|line| line.contains(r#""message":"invocation""#));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The metrics of a line that CloudWatch accepts, for the dimensions of the directive.
fn metrics(line: &Value, directive: usize) -> Value {
    let schema = jsonschema::draft7::new(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    schema.validate(line).unwrap_or_else(|error| panic!("{error}\n{line}"));
    let directive = &line["_aws"]["CloudWatchMetrics"][directive];
    assert_eq!(directive["Namespace"], "Shop", "{line}");
    let names = directive["Metrics"].as_array().unwrap().iter();
    let values = names.map(|metric| {
        let name = metric["Name"].as_str().unwrap();
        assert!(line[name].is_number(), "{name} in {line}");
        (name.to_owned(), line[name].clone())
    });
    values.collect()
}

/// A cold start, a warm one and an error; a denied login; and no metrics unless they are asked for.
pub async fn embedded(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let broken = [("broken", "SELECT * FROM no_such_table")];
    let function = harness.deploy_with(&[ON], &broken).await;
    function.ok(ITEMS).await;
    function.ok(ITEMS).await;
    function.fails(r#"{"statement":"broken"}"#, "Query").await;
    let lines_of_three = lines(&function);
    let [cold, warm, failed] = &*lines_of_three else { panic!("{}", function.logs()) };
    let counts = |line: &Value| {
        ["ColdStart", "Logins", "LoginRetries", "Retries", "Errors", "Rows"]
            .map(|name| metrics(line, 0)[name].clone())
    };
    assert_eq!(counts(cold), [1, 1, 0, 0, 0, 3].map(|count| json!(count)), "{cold}");
    assert_eq!(counts(warm), [0, 0, 0, 0, 0, 3].map(|count| json!(count)), "{warm}");
    assert_eq!(counts(failed)[..5], [0, 0, 0, 0, 1].map(|count| json!(count)), "{failed}");
    assert_eq!(metrics(cold, 0)["ConnectDuration"], cold["connect_ms"]);
    assert!(cold["connect_ms"].as_f64().unwrap() > 0.0, "{cold}");
    for line in [cold, warm] {
        assert_eq!(metrics(line, 0)["Duration"], line["total_ms"]);
        assert_eq!(metrics(line, 0)["QueryDuration"], line["query_ms"]);
        assert!(line["span"]["requestId"].is_string() && line["service"].is_string(), "{line}");
    }
    assert_eq!(metrics(warm, 0)["ConnectDuration"], Value::Null);
    assert_eq!(metrics(failed, 1), json!({"Errors": 1}));
    assert_eq!(failed["ErrorType"], "Query");
    function.assert_discreet("");

    let (iam, key) = (harness.server.iam(), harness.server.access_key());
    iam.set_keys(vec![AccessKey { secret: "another".into(), ..key.clone() }]);
    let denied = harness.deploy(&[ON]).await;
    denied.fails(ITEMS, "Login.Denied").await;
    iam.set_keys(vec![key]);
    let line = lines(&denied).pop().unwrap();
    assert_eq!(counts(&line)[..3], [1, 0, 3].map(|count| json!(count)), "{line}");
    assert_eq!(line["ErrorType"], "Login.Denied");

    let quiet = harness.deploy_as(&[], |function| function.log_level("WARN").env(ON.0, ON.1)).await;
    quiet.ok(ITEMS).await;
    assert_eq!(lines(&quiet)[0]["level"], "WARN", "{}", quiet.logs());
    assert_eq!(metrics(&lines(&quiet)[0], 0)["Rows"], 3);

    let off = harness.deploy(&[]).await;
    off.ok(ITEMS).await;
    assert!(!off.logs().contains("_aws") && lines(&off).len() == 1, "{}", off.logs());
}

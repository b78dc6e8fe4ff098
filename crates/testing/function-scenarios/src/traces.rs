//! The spans of invocations, as an OpenTelemetry collector beside the function gets them.

use engine::Engine;
use function_harness::event::ITEMS;
use function_harness::{Collector, Deployed, Harness, closed_port};
use local_rds::iam::AccessKey;
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpListener;

/// A schema of what a collector takes: its folder tells where it is from.
const SCHEMA: &str = include_str!("../../../sql-function/tests/otlp/schema.json");
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// The limit of src/otlp.rs.
const LIMIT: Duration = Duration::from_millis(100);

/// The spans of each request, in order, which fit the schema.
fn spans_of(requests: &[String]) -> Vec<Vec<Value>> {
    let schema = jsonschema::draft7::new(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let spans = requests.iter().map(|request| {
        let document: Value = serde_json::from_str(request).unwrap();
        schema.validate(&document).unwrap_or_else(|error| panic!("{error}\n{document:#}"));
        document["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone()
    });
    spans.collect()
}

fn attribute<'a>(span: &'a Value, key: &str) -> &'a Value {
    let attributes = span["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|attribute| attribute["key"] == key);
    found.map_or(&Value::Null, |found| found["value"].as_object().unwrap().values().next().unwrap())
}

fn names(spans: &[Value]) -> Vec<&str> {
    spans.iter().map(|span| span["name"].as_str().unwrap()).collect()
}

fn time(span: &Value, key: &str) -> u64 {
    span[key].as_str().unwrap().parse().unwrap()
}

/// Fails unless `span` is a part of `whole`, in its time.
fn assert_within(span: &Value, whole: &Value) {
    assert_eq!(span["parentSpanId"], whole["spanId"], "{span}");
    let (start, end) = ("startTimeUnixNano", "endTimeUnixNano");
    assert!(time(whole, start) <= time(span, start), "{span} in {whole}");
    assert!(time(span, start) <= time(span, end), "{span}");
    assert!(time(span, end) <= time(whole, end), "{span} in {whole}");
}

/// The warnings about the collector in the function's log.
fn warnings(function: &Deployed<'_>) -> usize {
    function.logs().matches("cannot send the spans").count()
}

/// A cold start, a warm one, an error and a denied login; nothing that is not sampled, and no event that
/// waits for a collector.
pub async fn spans(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let collector = Collector::start().await;
    let url = collector.url.clone();
    let statements = [
        ("broken", "SELECT * FROM no_such_table"),
        ("secretive", "SELECT 'a value in the text' AS answer"),
    ];
    let on = |url: &str| {
        let url = url.to_owned();
        move |function: local_lambda::Function| function.active_tracing().env(ENDPOINT, url)
    };
    let function = harness.deploy_as(&statements, on(&url)).await;
    function.ok(ITEMS).await;
    function.ok(ITEMS).await;
    function.fails(r#"{"statement":"broken"}"#, "Query").await;
    let sent = spans_of(&collector.take(3).await);
    let [cold, warm, failed] = &*sent else { panic!("{sent:#?}") };

    let dialled = engine == Engine::Postgres;
    let steps: &[&str] = if dialled { &["login", "dial", "tls"] } else { &["login"] };
    let name = cold[0]["name"].as_str().unwrap();
    assert_eq!(names(cold), [&[name], steps, &["items"]].concat(), "{cold:#?}");
    assert_eq!(names(warm), [name, "items"], "{warm:#?}");
    assert_eq!(names(failed), [name, "broken"], "{failed:#?}");
    for (spans, is_cold) in [(cold, true), (warm, false), (failed, false)] {
        let (invocation, query) = (&spans[0], spans.last().unwrap());
        assert_eq!(attribute(invocation, "faas.coldstart"), is_cold);
        assert_eq!(attribute(invocation, "faas.invocation_id").as_str().map(str::len), Some(36));
        assert_eq!((&invocation["kind"], &query["kind"]), (&2.into(), &3.into()));
        assert_eq!(invocation["parentSpanId"].as_str().map(str::len), Some(16), "Lambda's");
        assert_within(query, invocation);
        let system = if dialled { "postgresql" } else { "mysql" };
        assert_eq!(attribute(query, "db.system.name"), system);
        assert_eq!(attribute(query, "db.query.summary"), &query["name"]);
        assert_eq!(attribute(query, "server.port"), &harness.server.port().to_string());
        assert!(spans.iter().all(|span| span["traceId"] == invocation["traceId"]), "{spans:#?}");
    }
    assert_ne!(cold[0]["traceId"], warm[0]["traceId"]);
    let login = &cold[1];
    assert_eq!(login["parentSpanId"], cold[0]["spanId"]);
    let initialized = time(login, "endTimeUnixNano") <= time(&cold[0], "startTimeUnixNano");
    assert!(initialized, "the login of the initialization: {cold:#?}");
    for step in &cold[2..cold.len() - 1] {
        assert_within(step, login);
    }
    for span in failed {
        assert_eq!(
            (attribute(span, "error.type"), &span["status"]["code"]),
            (&"Query".into(), &2.into())
        );
    }
    let errors = [cold, warm].into_iter().flatten().filter(|span| !span["status"].is_null());
    assert_eq!(errors.count(), 0);

    function.ok(r#"{"statement":"secretive"}"#).await;
    function.ok(r#"{"statement":"add-item","params":[4,"a value of a parameter"]}"#).await;
    let (iam, key) = (harness.server.iam(), harness.server.access_key());
    iam.set_keys(vec![AccessKey { secret: "another".into(), ..key.clone() }]);
    let denied = harness.deploy_as(&[], on(&url)).await;
    denied.fails(ITEMS, "Login.Denied").await;
    iam.set_keys(vec![key.clone()]);
    let requests = collector.take(3).await;
    let sent = requests.join("\n");
    let session = key.session_token.as_deref().unwrap_or("no session token");
    for secret in [&key.secret, session, "X-Amz-", "Action=", "a value", "SELECT", "INSERT"] {
        assert!(!sent.contains(secret), "{secret:?} in {sent}");
    }
    let denied = spans_of(&requests).pop().unwrap();
    let logins: Vec<_> = denied.iter().filter(|span| span["name"] == "login").collect();
    assert_eq!(logins.len(), 5, "one of the initialization and four of the event: {denied:#?}");
    for login in &logins {
        assert_eq!(attribute(login, "error.type"), "Login.Denied");
    }
    for login in &logins[1..] {
        assert_within(login, &denied[0]);
    }
    assert_eq!(attribute(&denied[0], "error.type"), "Login.Denied");

    let unsampled = harness.deploy_as(&[], |function| function.env(ENDPOINT, &url)).await;
    let off = harness.deploy_as(&[], |function| function.active_tracing()).await;
    unsampled.ok(ITEMS).await;
    off.ok(ITEMS).await;
    function.ok(ITEMS).await;
    assert_eq!(collector.take(1).await.len(), 1, "nothing of those before");

    let closed = closed_port();
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for (address, least) in
        [(closed.local_addr().unwrap(), Duration::ZERO), (hanging.local_addr().unwrap(), LIMIT)]
    {
        let function = harness.deploy_as(&[], on(&format!("http://{address}"))).await;
        function.ok(ITEMS).await;
        let warm = function.send(ITEMS).await;
        assert_eq!(warm.function_error, None);
        let limit = least..least + Duration::from_millis(900);
        assert!(limit.contains(&warm.duration), "{address}: {:?}", warm.duration);
        assert_eq!(warnings(&function), 1, "{}", function.logs());
    }
    assert_eq!(warnings(&function), 0);
    function.assert_discreet("");
}

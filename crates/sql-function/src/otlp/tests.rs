//! What is sent, held to a schema of OTLP's JSON, and to what it cannot say.

use super::*;
use std::pin::pin;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::yield_now;

use crate::record::{Record, within};
use crate::span::Database;
use crate::trace::step;

const SCHEMA: &str = include_str!("../../tests/otlp/schema.json");
const HEADER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
const SECOND: Duration = Duration::from_secs(1);

fn read(variables: &[(&str, &str)]) -> Result<Option<Collector>, Error> {
    let find = |name: &str| variables.iter().find(|(found, _)| *found == name);
    let now = || UNIX_EPOCH + Duration::from_secs(1_796_000_000);
    Collector::read(|name| find(name).map(|(_, value)| (*value).to_owned()), now)
}

fn collector(url: &str) -> Collector {
    read(&[(ENDPOINT, url), ("AWS_LAMBDA_FUNCTION_NAME", "orders")]).unwrap().unwrap()
}

fn traced(error_type: Option<&'static str>, spans: Vec<Span>) -> Traced {
    let context = Context::read(Some(HEADER), || 0).unwrap();
    let began = Instant::now() - SECOND;
    Traced { context, request_id: "id".into(), is_cold: true, began, error_type, spans }
}

/// The spans that are sent, which fit the schema.
fn sent(traced: &Traced, first_id: u64) -> Vec<Value> {
    let document = collector("http://localhost:4318").document(traced, first_id);
    let schema = jsonschema::draft7::new(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    schema.validate(&document).unwrap_or_else(|error| panic!("{error}\n{document:#}"));
    document["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone()
}

fn attribute<'a>(span: &'a Value, key: &str) -> Option<&'a Value> {
    let attributes = span["attributes"].as_array().unwrap();
    attributes.iter().find(|attribute| attribute["key"] == key).map(|found| &found["value"])
}

fn record(is_sampled: bool) -> Arc<Record> {
    let record = Arc::<Record>::default();
    record.spans.restart(is_sampled);
    record
}

fn fails() -> Error {
    Error::new(Kind::ConnectTls, "no")
}

/// A login, whose second step fails.
async fn login() -> Result<(), Error> {
    let login = pin!(async {
        let dial = pin!(async {
            yield_now().await;
            Ok(())
        });
        step("dial", Error::error_type, dial).await?;
        step("tls", Error::error_type, pin!(async { Err::<(), _>(fails()) })).await
    });
    step("login", Error::error_type, login).await
}

#[test]
fn only_a_collector_of_the_environment_turns_them_on() {
    for off in [
        &[][..],
        &[(ENDPOINT, "")],
        &[(ENDPOINT, "http://localhost:1"), ("OTEL_SDK_DISABLED", "TRUE")],
    ] {
        assert!(read(off).unwrap().is_none(), "{off:?}");
    }
    let all = "http://localhost:4318";
    for (variables, host, path) in [
        (&[(ENDPOINT, all)][..], "localhost:4318", "/v1/traces"),
        (&[(ENDPOINT, "http://127.0.0.1:1/otlp/")], "127.0.0.1:1", "/otlp/v1/traces"),
        (&[(ENDPOINT, all), (TRACES_ENDPOINT, "http://[::1]:2/x")], "[::1]:2", "/x"),
        (&[(TRACES_ENDPOINT, all), (PROTOCOLS[1], "http/json")], "localhost:4318", "/"),
    ] {
        let collector = read(variables).unwrap().unwrap();
        assert_eq!((&*collector.authority, &*collector.path), (host, path), "{variables:?}");
    }
    let grpc = (PROTOCOLS[1], "grpc");
    for (variables, named) in [
        (&[(ENDPOINT, "https://localhost:4318")][..], ENDPOINT),
        (&[(ENDPOINT, "http://collector.example.com:4318")], ENDPOINT),
        (&[(ENDPOINT, "http://10.0.0.1:4318")], ENDPOINT),
        (&[(ENDPOINT, "http://localhost")], ENDPOINT),
        (&[(TRACES_ENDPOINT, "http://localhost:1/a\r\nb")], TRACES_ENDPOINT),
        (&[(ENDPOINT, all), grpc], PROTOCOLS[1]),
        (&[(ENDPOINT, all), (PROTOCOLS[0], "http/protobuf")], PROTOCOLS[0]),
    ] {
        let error = read(variables).err().unwrap();
        assert_eq!(error.kind(), Kind::Settings);
        assert!(error.report().starts_with(named), "{}", error.report());
    }
}

#[tokio::test]
async fn spans_are_nested_and_tell_their_errors() {
    let record = record(true);
    let login = pin!(login());
    within(Some(record.clone()), login).await.unwrap_err();
    let mut spans = record.spans.take().unwrap();
    let database =
        Database { system: "mysql", name: "app".into(), host: "db.example.com".into(), port: 3306 };
    let (began, ended) = (Instant::now(), Some(Instant::now()));
    let query = Span {
        name: "items".into(),
        database: Some(database),
        is_statement: true,
        parent: None,
        began,
        ended,
        error_type: None,
    };
    spans.push(query);
    let sent = sent(&traced(Some("Connect.Tls"), spans), u64::MAX);
    let [invocation, login, dial, tls, query] = &*sent else { panic!("{sent:#?}") };
    assert_eq!(invocation["parentSpanId"], "53995c3f42cd8ad8");
    assert_eq!((&invocation["name"], &invocation["kind"]), (&json!("orders"), &json!(SERVER)));
    assert_eq!(attribute(invocation, "faas.coldstart").unwrap()["boolValue"], true);
    assert_eq!(attribute(invocation, "faas.invocation_id").unwrap()["stringValue"], "id");
    assert_eq!(invocation["endTimeUnixNano"], "1796000000000000000");
    for (span, name, parent, kind, error) in [
        (login, "login", invocation, INTERNAL, Some("Connect.Tls")),
        (dial, "dial", login, INTERNAL, None),
        (tls, "tls", login, INTERNAL, Some("Connect.Tls")),
        (query, "items", invocation, CLIENT, None),
    ] {
        assert_eq!((&span["name"], &span["kind"]), (&json!(name), &json!(kind)));
        assert_eq!(span["parentSpanId"], parent["spanId"], "{name}");
        assert_eq!(span["traceId"], "5759e988bd862e3fe1be46a994272793");
        let told =
            attribute(span, "error.type").map(|value| value["stringValue"].as_str().unwrap());
        assert_eq!((told, span["status"]["code"].as_u64()), (error, error.map(|_| 2)), "{name}");
        let time = |key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
        assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"), "{span}");
    }
    for (key, value) in [
        ("db.system.name", json!({"stringValue": "mysql"})),
        ("db.namespace", json!({"stringValue": "app"})),
        ("db.query.summary", json!({"stringValue": "items"})),
        ("server.address", json!({"stringValue": "db.example.com"})),
        ("server.port", json!({"intValue": "3306"})),
    ] {
        assert_eq!(attribute(query, key), Some(&value));
    }
}

#[tokio::test]
async fn invocations_at_once_have_their_own_spans_and_those_not_sampled_none() {
    let [one, other, unsampled] = [true, true, false].map(record);
    let work = |record: &Arc<Record>, times| {
        let record = record.clone();
        async move {
            let logins = pin!(async {
                for _ in 0..times {
                    login().await.unwrap_err();
                }
            });
            within(Some(record), logins).await;
        }
    };
    tokio::join!(work(&one, 1), work(&other, 2), work(&unsampled, 1));
    let names = |record: &Record| {
        let spans = record.spans.take()?.into_iter();
        Some(spans.map(|span| (span.name, span.parent)).collect::<Vec<_>>())
    };
    let login = |at| [("login", None), ("dial", Some(at)), ("tls", Some(at))];
    let named = |all: Vec<(&str, _)>| all.into_iter().map(|(n, p)| (n.to_owned(), p)).collect();
    assert_eq!(names(&one), Some(named(login(0).to_vec())));
    assert_eq!(names(&other), Some(named([login(0), login(3)].concat())));
    assert_eq!(names(&unsampled), None);
}

#[tokio::test]
async fn what_is_given_up_has_an_end_and_an_error() {
    let record = record(true);
    for is_dropped in [false, true] {
        let spans = {
            let never = pin!(std::future::pending::<Result<(), Error>>());
            let dial = pin!(step("dial", Error::error_type, never));
            let mut work = Box::pin(async { timeout(SECOND / 100, dial).await });
            assert!(within(Some(record.clone()), &mut work).await.is_err());
            if is_dropped { None } else { record.spans.take() }
        };
        let spans = spans.or_else(|| record.spans.take()).unwrap();
        assert_eq!((spans.len(), spans[0].error_type), (1, Some("Canceled")));
        assert_eq!(spans[0].ended.is_some(), is_dropped, "the other is still there");
        record.spans.restart(true);
    }
}

/// What a collector that answers `answer` gets of a request.
async fn post(answer: &'static str) -> (String, io::Result<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collector = collector(&format!("http://{}", listener.local_addr().unwrap()));
    let take = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let mut length = 0;
        while !request[..length].ends_with(b"{}") {
            length += stream.read(&mut request[length..]).await.unwrap();
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    };
    tokio::join!(take, collector.post("{}"))
}

#[tokio::test]
async fn the_collector_has_to_accept_them() {
    let (request, outcome) = post("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    outcome.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1:"), "{head}");
    assert!(head.contains("\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"), "{head}");
    assert_eq!(body, "{}");
    for refusal in ["HTTP/1.1 404 Not Found\r\n\r\n", "HTTP/1.1 2", "SSH-2.0-OpenSSH_9"] {
        assert!(post(refusal).await.1.is_err(), "{refusal}");
    }
}

#[tokio::test]
async fn a_collector_that_is_away_or_hangs_is_not_waited_for() {
    let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hanging = hangs.local_addr().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (address, at_least) in [(hanging, LIMIT), (closed, Duration::ZERO)] {
        let collector = collector(&format!("http://{address}"));
        let start = Instant::now();
        collector.send(&traced(None, vec![]), 1, LIMIT).await;
        let took = start.elapsed();
        assert!(took >= at_least && took < LIMIT + SECOND, "{took:?}");
        assert!(collector.has_failed.load(Ordering::Relaxed));
    }
}

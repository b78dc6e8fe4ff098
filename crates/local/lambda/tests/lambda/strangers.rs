//! Refused clients: pages in a browser, and on the Runtime API every process except the function's.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use local_lambda::Lambda;
use serde_json::json;
use tokio::task::spawn_blocking;

use crate::{invoke, payload, respond, start};

const INVOCATIONS: &str = "/2015-03-31/functions/test/invocations";

/// Sends a request as it is, and returns the answer until the connection is closed.
async fn exchange(address: &str, request: String) -> String {
    let address = address.to_owned();
    let talk = move || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        std::io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    spawn_blocking(talk).await.unwrap().unwrap()
}

fn address(lambda: &Lambda) -> String {
    lambda.endpoint_url().replace("http://", "")
}

fn post(host: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {INVOCATIONS} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n{headers}\r\n{body}"
    )
}

#[tokio::test]
async fn no_page_in_a_browser_invokes() {
    let (lambda, _folder) = start(|function| function).await;
    let own = address(&lambda);
    let port = own.rsplit(':').next().unwrap();
    let rebound = format!("evil.example:{port}");
    let cases = [
        // A name that was made to lead to loopback, with a request that needs no leave.
        (rebound.as_str(), String::new(), 403),
        ("127.0.0.1:1", String::new(), 403),
        // What a page sends without asking first, and what it sends when it may.
        (&own, "Origin: https://evil.example\r\nContent-Type: text/plain\r\n".into(), 403),
        (&own, "Origin: null\r\n".into(), 403),
        (&own, format!("Origin: http://{rebound}\r\nContent-Type: application/json\r\n"), 403),
        (&own, "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n".into(), 403),
        // A browser that said nothing of itself would still name a form's type.
        (&own, "Content-Type: text/plain\r\n".into(), 415),
        (&own, "Content-Type: text/plain;charset=UTF-8\r\n".into(), 415),
        (&own, "Content-Type: application/x-www-form-urlencoded\r\n".into(), 415),
        (&own, "Content-Type: multipart/form-data; boundary=application/json\r\n".into(), 415),
        (&own, "Content-Type: application/octet-stream\r\n".into(), 415),
        (&own, "Content-Type: \r\n".into(), 415),
    ];
    for (host, headers, status) in cases {
        let answer = exchange(&own, post(host, &headers, "{}")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{host} {headers}: {answer}");
        assert!(!answer.to_ascii_lowercase().contains("access-control-"), "{answer}");
    }
    let preflight = format!(
        "OPTIONS {INVOCATIONS} HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n\
         Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n"
    );
    let answer = exchange(&own, preflight).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(!answer.to_ascii_lowercase().contains("access-control-"), "{answer}");
    assert_eq!(lambda.logs("test"), "", "none of them reached the function");
}

#[tokio::test]
async fn programs_and_aws_clients_invoke() {
    let (lambda, _folder) = start(|function| function).await;
    let own = address(&lambda);
    let port = own.rsplit(':').next().unwrap();
    let sdk = "amz-sdk-invocation-id: 9f8335a6\r\nContent-Type: application/octet-stream\r\n";
    let cases = [
        (own.clone(), "Content-Type: application/json\r\n"),
        (format!("localhost:{port}"), "Content-Type: Application/JSON; charset=utf-8\r\n"),
        (format!("[::1]:{port}"), "Authorization: AWS4-HMAC-SHA256 Credential=a\r\n"),
        (own.clone(), sdk),
    ];
    for (host, headers) in cases {
        let answer = exchange(&own, post(&host, headers, r#"{"a":1}"#)).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{host} {headers}: {answer}");
        assert!(answer.ends_with(r#"{"a":1}"#), "{answer}");
    }
}

#[tokio::test]
async fn a_request_that_does_not_come_is_not_waited_for() {
    let (lambda, _folder) = start(|function| function).await;
    let answer = exchange(&address(&lambda), format!("POST {INVOCATIONS} HTTP/1.1\r\nHost:")).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn the_runtime_api_answers_its_own_process_alone() {
    let (lambda, _folder) = start(|function| function.freeze(false)).await;
    let surroundings = respond(&lambda, json!({ "do": "surroundings" })).await;
    let api = surroundings["variables"]["AWS_LAMBDA_RUNTIME_API"].as_str().unwrap().to_owned();
    let id = "00000000-0000-4000-8000-000000000000";
    for (method, path) in [
        ("GET", "/2018-06-01/runtime/invocation/next".to_owned()),
        ("POST", format!("/2018-06-01/runtime/invocation/{id}/response")),
        ("POST", "/2018-06-01/runtime/init/error".to_owned()),
        ("POST", "/2020-01-01/extension/register".to_owned()),
    ] {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {api}\r\nConnection: close\r\n");
        let answer = exchange(&api, format!("{head}Content-Length: 2\r\n\r\n{{}}")).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{method} {path}: {answer}");
    }
    // The function answers the next event, and no other process took it.
    assert_eq!(payload(&invoke(&lambda, json!({ "a": 1 })).await), json!({ "a": 1 }));
    // A process that the function started is of the environment.
    let of_child = respond(&lambda, json!({ "do": "ask-by-child" })).await;
    assert!(of_child.as_str().unwrap().starts_with("HTTP/1.1 404 "), "{of_child}");
}

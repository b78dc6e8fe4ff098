//! The Invoke API: what the AWS CLI and SDKs call.
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>
//!
//! Signatures are neither required nor checked: every program that reaches loopback may invoke. A page
//! in a browser may not ([`foreign`](crate::foreign)), whatever media type it declares.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use hyper::{
    Method, Request as HttpRequest, StatusCode,
    body::{Bytes, Incoming},
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::{
    error::{Error, Kind},
    functions::Functions,
    http::{self, Answer, Received},
    identity,
    invocation::{ASYNCHRONOUS_LIMIT, Invocation, Request, SYNCHRONOUS_LIMIT},
    pool::Pool,
};

/// How much of a log `X-Amz-Log-Type: Tail` returns, in bytes.
const TAIL: usize = 4096;

/// Answers one request.
pub(crate) async fn handle(functions: Arc<Functions>, request: HttpRequest<Incoming>) -> Answer {
    match route(&functions, request).await {
        Ok(answer) => answer,
        Err(error) => refusal(&error),
    }
}

async fn route(
    functions: &Arc<Functions>,
    request: HttpRequest<Incoming>,
) -> Result<Answer, Error> {
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (request.method(), segments.as_slice()) {
        (&Method::POST, ["2015-03-31", "functions", name, "invocations"]) => {
            invoke(functions, name, request).await
        }
        (method, _) => {
            let message = format!(
                "local Lambda does not support {method} {path}: it serves Invoke, \
                 POST /2015-03-31/functions/NAME/invocations"
            );
            let mut answer =
                http::json(StatusCode::NOT_FOUND, &json!({ "Type": "User", "Message": message }));
            http::set_header(&mut answer, "x-amzn-errortype", "UnknownOperationException");
            Ok(answer)
        }
    }
}

async fn invoke(
    functions: &Arc<Functions>,
    name: &str,
    http_request: HttpRequest<Incoming>,
) -> Result<Answer, Error> {
    let name = percent_decode_str(name).decode_utf8_lossy().into_owned();
    check_content_type(&http_request)?;
    let pool = functions.find(&name, qualifier(&http_request).as_deref())?;
    let wants_tail = http::header(&http_request, "x-amz-log-type") == Some("Tail");
    let invocation_type = http::header(&http_request, "x-amz-invocation-type")
        .unwrap_or("RequestResponse")
        .to_owned();
    let client_context = http::header(&http_request, "x-amz-client-context")
        .map(decode_client_context)
        .transpose()?;
    let limit = match invocation_type.as_str() {
        "RequestResponse" | "DryRun" => SYNCHRONOUS_LIMIT,
        "Event" => ASYNCHRONOUS_LIMIT,
        other => {
            let reason =
                format!("X-Amz-Invocation-Type {other:?}: RequestResponse, Event or DryRun");
            return Err(Kind::InvalidParameter(reason).into());
        }
    };
    let request = Request::new(read(http_request, limit).await?, limit)?;

    match invocation_type.as_str() {
        "DryRun" => Ok(accepted(StatusCode::NO_CONTENT)),
        "Event" => {
            // An asynchronous event is queued, and carries no client context.
            let functions = functions.clone();
            tokio::spawn(async move {
                let event = request.payload.clone();
                let outcome = pool.invoke_in_turn(request).await;
                tell(&functions, &pool, &event, &outcome);
            });
            Ok(accepted(StatusCode::ACCEPTED))
        }
        _ => {
            let event = request.payload.clone();
            let outcome = pool.invoke(Request { client_context, ..request }).await;
            tell(functions, &pool, &event, &outcome);
            Ok(answer(outcome?, wants_tail))
        }
    }
}

fn tell(functions: &Functions, pool: &Pool, event: &Bytes, outcome: &Result<Invocation, Error>) {
    if let Some(observer) = functions.observer() {
        observer.tell(&pool.function().name, event, outcome);
    }
}

async fn read(request: HttpRequest<Incoming>, limit: usize) -> Result<Bytes, Error> {
    match http::receive(request.into_body(), limit).await {
        Received::Whole(payload) => Ok(payload),
        Received::TooLarge => Err(Kind::TooLarge { limit }.into()),
        Received::Truncated => {
            Err(Kind::InvalidContent("the body is incomplete".to_owned()).into())
        }
    }
}

/// Refuses a body whose declared media type is not JSON. AWS's clients declare none (botocore) or
/// `application/octet-stream` (the other SDKs, which also identify themselves); a form in a page can do
/// neither.
fn check_content_type(request: &HttpRequest<Incoming>) -> Result<(), Error> {
    let headers = request.headers();
    let Some(given) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let given = String::from_utf8_lossy(given.as_bytes());
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let of_sdk =
        headers.contains_key(AUTHORIZATION) || headers.contains_key("amz-sdk-invocation-id");
    match essence.as_str() {
        "application/json" => Ok(()),
        "application/octet-stream" if of_sdk => Ok(()),
        _ => Err(Kind::NotJson(given.chars().take(100).collect()).into()),
    }
}

fn qualifier(request: &HttpRequest<Incoming>) -> Option<String> {
    let parameters = request.uri().query()?.split('&');
    let value = parameters.filter_map(|pair| pair.strip_prefix("Qualifier=")).next()?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

/// Decodes the client context, base64 of JSON, to JSON on one line.
fn decode_client_context(header: &str) -> Result<String, Error> {
    let decoded = BASE64.decode(header).ok();
    decoded
        .and_then(|json| serde_json::from_slice::<Value>(&json).ok())
        .map(|context| context.to_string())
        .ok_or_else(|| {
            Kind::InvalidContent("X-Amz-Client-Context is not base64 of JSON".to_owned()).into()
        })
}

fn answer(invocation: Invocation, wants_tail: bool) -> Answer {
    let mut answer = http::with_payload(StatusCode::OK, invocation.payload);
    http::set_header(&mut answer, "x-amzn-requestid", &invocation.request_id);
    http::set_header(&mut answer, "x-amz-executed-version", "$LATEST");
    if let Some(error) = &invocation.function_error {
        http::set_header(&mut answer, "x-amz-function-error", error);
    }
    if wants_tail {
        let log = invocation.log.as_bytes();
        let tail = &log[log.len().saturating_sub(TAIL)..];
        http::set_header(&mut answer, "x-amz-log-result", &BASE64.encode(tail));
    }
    answer
}

fn accepted(status: StatusCode) -> Answer {
    let mut answer = http::empty(status);
    http::set_header(&mut answer, "x-amzn-requestid", &identity::request_id());
    answer
}

/// An error as every AWS SDK reads it: the exception's name in a header, its message in the body.
fn refusal(error: &Error) -> Answer {
    let status = error.status();
    // Only this exception has a capital letter in the name of its message.
    let message = if error.is_not_found() { "Message" } else { "message" };
    let kind = if status < 500 { "User" } else { "Service" };
    let mut body = json!({ "Type": kind, message: error.to_string() });
    if error.is_throttled() {
        body["Reason"] = "ReservedFunctionConcurrentInvocationLimitExceeded".into();
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = http::json(status, &body);
    http::set_header(&mut answer, "x-amzn-errortype", error.code());
    http::set_header(&mut answer, "x-amzn-requestid", &identity::request_id());
    answer
}

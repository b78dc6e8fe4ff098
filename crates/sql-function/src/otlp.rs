//! Sends the spans of an invocation to an OpenTelemetry collector in the same execution environment, a
//! Lambda extension: OTLP over HTTP, as JSON (<https://opentelemetry.io/docs/specs/otlp/>).
//!
//! Lambda freezes the process after the answer, so they are sent before it. The collector has
//! [a tenth of a second](LIMIT) to take them.

use diagnosis::Cause;
use serde_json::{Value, json};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::error::{Error, Kind};
use crate::loggable;
use crate::login::Clock;
use crate::span::Span;
use crate::trace::Context;

/// What turns traces on: the first is used as it is, the second with [`PATH`] after it.
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const PATH: &str = "/v1/traces";
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];

/// How long the collector may take. The event waits for it.
pub(crate) const LIMIT: Duration = Duration::from_millis(100);

/// SPAN_KIND_… and STATUS_CODE_ERROR of OpenTelemetry's trace.proto.
const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const ERROR: u8 = 2;

/// Where the spans of a function go.
pub(crate) struct Collector {
    addresses: Vec<SocketAddr>,
    /// The host and the port, as the setting has them.
    authority: String,
    path: String,
    /// The attributes of the function.
    resource: Value,
    /// Its name, which is that of an invocation's span.
    function: String,
    clock: Clock,
    /// Whether it was told that spans were lost.
    has_failed: AtomicBool,
}

/// An invocation whose spans are sent.
pub(crate) struct Traced {
    pub(crate) context: Context,
    pub(crate) request_id: String,
    pub(crate) is_cold: bool,
    pub(crate) began: Instant,
    pub(crate) error_type: Option<&'static str>,
    pub(crate) spans: Vec<Span>,
}

impl Collector {
    /// Reads the settings of a function's traces; `None` if they are off.
    ///
    /// # Errors
    /// [`Kind::Settings`]: spans cannot be sent there, or not in this format.
    pub(crate) fn read(
        variable: impl Fn(&str) -> Option<String>,
        clock: Clock,
    ) -> Result<Option<Collector>, Error> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let of_all = || given(ENDPOINT).map(|url| (ENDPOINT, url));
        let endpoint = given(TRACES_ENDPOINT).map(|url| (TRACES_ENDPOINT, url)).or_else(of_all);
        let disabled = given("OTEL_SDK_DISABLED").is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let Some((name, url)) = endpoint.filter(|_| !disabled) else { return Ok(None) };
        let protocol = PROTOCOLS.iter().find_map(|name| Some((name, given(name)?)));
        if let Some((name, protocol)) = protocol.filter(|(_, protocol)| protocol != "http/json") {
            let advice = loggable!("set {name} to http/json, or omit it");
            return Err(refused(name, &protocol).advice(advice));
        }
        let advice = "use a collector in the execution environment, over HTTP without TLS: \
                      http://localhost:4318";
        let place = place(&url).ok_or_else(|| refused(name, &url).advice(advice))?;
        let (authority, addresses, path) = place;
        let path = match name {
            ENDPOINT => format!("{}{PATH}", path.trim_end_matches('/')),
            _ if path.is_empty() => "/".to_owned(),
            _ => path,
        };
        let function = given("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "function".to_owned());
        let attributes = [
            ("service.name", given("OTEL_SERVICE_NAME").or_else(|| Some(function.clone()))),
            ("cloud.provider", Some("aws".to_owned())),
            ("cloud.platform", Some("aws_lambda".to_owned())),
            ("cloud.region", given("AWS_REGION")),
            ("faas.name", Some(function.clone())),
            ("faas.version", given("AWS_LAMBDA_FUNCTION_VERSION")),
        ];
        let attributes = attributes.into_iter().filter_map(|(key, text)| Some(string(key, &text?)));
        let resource = json!({"attributes": attributes.collect::<Vec<_>>()});
        let has_failed = AtomicBool::new(false);
        Ok(Some(Collector { addresses, authority, path, resource, function, clock, has_failed }))
    }

    /// Sends the spans of an invocation, within `limit`. That they are lost is told once; the event has
    /// its answer in any case. `first_id` is random.
    pub(crate) async fn send(&self, traced: &Traced, first_id: u64, limit: Duration) {
        let request = self.document(traced, first_id).to_string();
        let late = |_| Err(io::ErrorKind::TimedOut.into());
        let sent = timeout(limit, self.post(&request)).await.unwrap_or_else(late);
        if let Err(error) = sent
            && !self.has_failed.swap(true, Ordering::Relaxed)
        {
            let collector = &self.authority;
            tracing::warn!(
                %error,
                collector,
                "cannot send the spans to the collector; this is not told again"
            );
        }
    }

    async fn post(&self, body: &str) -> io::Result<()> {
        let mut stream = TcpStream::connect(&*self.addresses).await?;
        let (path, host, length) = (&self.path, &self.authority, body.len());
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut status = [0; "HTTP/1.1 200".len()];
        stream.read_exact(&mut status).await?;
        match status.strip_prefix(b"HTTP/1.1 ") {
            Some([b'2', ..]) => Ok(()),
            _ => Err(io::Error::other(format!("it answered {}", status.escape_ascii()))),
        }
    }

    /// An ExportTraceServiceRequest.
    fn document(&self, traced: &Traced, first_id: u64) -> Value {
        let Traced { context, request_id, is_cold, began, error_type, spans } = traced;
        let (now, today) = (Instant::now(), (self.clock)());
        // The invocation's is the first, and the others follow. Zero is no identifier.
        let id = |place: u64| format!("{:016x}", first_id.wrapping_add(place).max(1));
        let id_of = |place: usize| id(u64::try_from(place).map_or(0, |place| place + 1));
        let written = |name: &str, began: Instant, ended: Instant, error: Option<&str>| {
            let at = |instant: Instant| nanoseconds(today, now.saturating_duration_since(instant));
            let mut span = json!({
                "traceId": context.trace_id,
                "name": name,
                "startTimeUnixNano": at(began),
                "endTimeUnixNano": at(ended),
            });
            if error.is_some() {
                span["status"] = json!({"code": ERROR});
            }
            span
        };
        let error = |error: Option<&str>| error.map(|error| string("error.type", error));
        let mut all = vec![written(&self.function, *began, now, *error_type)];
        let mut attributes = vec![string("faas.invocation_id", request_id)];
        attributes.push(json!({"key": "faas.coldstart", "value": {"boolValue": is_cold}}));
        attributes.extend(error(*error_type));
        all[0]["spanId"] = json!(id(0));
        all[0]["kind"] = json!(SERVER);
        all[0]["attributes"] = attributes.into();
        if let Some(parent) = &context.parent_id {
            all[0]["parentSpanId"] = json!(parent);
        }
        for (place, span) in spans.iter().enumerate() {
            let mut attributes = vec![];
            if let Some(database) = &span.database {
                let port = database.port.to_string(); // 64-bit integers are strings
                attributes.push(string("db.system.name", database.system));
                attributes.push(string("db.namespace", &database.name));
                attributes.push(string("server.address", &database.host));
                attributes.push(json!({"key": "server.port", "value": {"intValue": port}}));
            }
            if span.is_statement {
                attributes.push(string("db.query.summary", &span.name));
            }
            attributes.extend(error(span.error_type));
            let mut written =
                written(&span.name, span.began, span.ended.unwrap_or(now), span.error_type);
            written["spanId"] = json!(id_of(place));
            written["parentSpanId"] = json!(span.parent.map_or_else(|| id(0), id_of));
            written["kind"] = json!(if span.database.is_some() { CLIENT } else { INTERNAL });
            written["attributes"] = attributes.into();
            all.push(written);
        }
        let scope = json!({"name": "rds-iam-lambda", "version": env!("CARGO_PKG_VERSION")});
        json!({"resourceSpans": [{
            "resource": self.resource,
            "scopeSpans": [{"scope": scope, "spans": all}],
        }]})
    }
}

/// An attribute whose value is a string.
fn string(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// The time `ago`, in nanoseconds since 1970.
fn nanoseconds(today: SystemTime, ago: Duration) -> String {
    let since = today.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.saturating_sub(ago).as_nanos().to_string()
}

/// The host and port, the addresses and the path of a URL that leads to a port of this machine.
fn place(url: &str) -> Option<(String, Vec<SocketAddr>, String)> {
    let rest = url.strip_prefix("http://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let addresses = match authority.strip_prefix("localhost:") {
        Some(port) => {
            let hosts = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
            let port = port.parse().ok()?;
            hosts.map(|host| SocketAddr::new(host, port)).to_vec()
        }
        None => vec![authority.parse().ok()?],
    };
    let is_here = addresses.iter().all(|to: &SocketAddr| to.ip().is_loopback() && to.port() > 0);
    let is_header = rest.bytes().all(|byte| byte.is_ascii_graphic());
    (is_here && is_header).then(|| (authority.to_owned(), addresses, path.to_owned()))
}

fn refused(name: &str, value: &str) -> Error {
    let message = loggable!("{name} is {value:?}, where or in which format no spans are sent");
    Error::new(Kind::Settings, message).with_cause(Cause::SettingMalformed)
}

#[cfg(test)]
mod tests;

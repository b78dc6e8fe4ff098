//! Metrics of an invocation for CloudWatch, in the log line that it writes anyway.
//!
//! The line then has the members of the embedded metric format (EMF), from which CloudWatch Logs makes
//! metrics:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
//! The variables that turn them on, the dimension `service` and the names are those of
//! [Powertools for AWS Lambda](https://docs.powertools.aws.dev/lambda/python/latest/core/metrics/).

use diagnosis::Cause;
use serde_json::{Map, Value, json};
use std::cell::Cell;
use std::time::UNIX_EPOCH;

use crate::error::{Error, Kind};
use crate::line::Line;
use crate::loggable;
use crate::login::Clock;
use crate::record::Record;

/// What turns the metrics on.
const NAMESPACE: &str = "POWERTOOLS_METRICS_NAMESPACE";
const SERVICE: &str = "POWERTOOLS_SERVICE_NAME";
const DISABLED: &str = "POWERTOOLS_METRICS_DISABLED";

/// The most characters of a namespace and of a dimension's value.
const LONGEST_NAMESPACE: usize = 255;
const LONGEST_SERVICE: usize = 1024;

const COUNT: &str = "Count";
const MILLISECONDS: &str = "Milliseconds";

/// Where the metrics of a function go.
pub(crate) struct Metrics {
    namespace: String,
    /// The value of the dimension `service`.
    service: String,
    clock: Clock,
}

impl Metrics {
    /// Reads the settings of a function's metrics; `None` if they are off.
    ///
    /// # Errors
    /// [`Kind::Settings`]: CloudWatch would ignore metrics with this namespace or service.
    pub(crate) fn read(
        variable: impl Fn(&str) -> Option<String>,
        clock: Clock,
    ) -> Result<Option<Metrics>, Error> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let Some(namespace) = given(NAMESPACE) else { return Ok(None) };
        if given(DISABLED).is_some_and(|value| is_true(&value)) {
            return Ok(None);
        }
        if !is_namespace(&namespace) {
            return Err(invalid(NAMESPACE, &namespace).advice(
                "use letters, digits and . - _ / # : and blanks, at most 255 characters, and not \
                 AWS/ at the start, which belongs to AWS",
            ));
        }
        let service = given(SERVICE).or_else(|| given("AWS_LAMBDA_FUNCTION_NAME"));
        let service = service.unwrap_or_else(|| "service_undefined".to_owned());
        if !is_dimension(&service) {
            return Err(invalid(SERVICE, &service).advice(
                "use ASCII characters, at most 1024, no control characters, and no colon at the start",
            ));
        }
        Ok(Some(Metrics { namespace, service, clock }))
    }

    /// The members that make `line` a document in the embedded metric format, as JSON without the
    /// braces around it.
    pub(crate) fn members(&self, line: &Line<'_>, record: &Record) -> String {
        let counts = record.counts();
        let opened = line.connect_ms.filter(|_| line.reused == Some(false));
        let values = [
            ("ColdStart", COUNT, Some(json!(u8::from(record.is_cold)))),
            ("Duration", MILLISECONDS, Some(json!(line.total_ms))),
            ("ConnectDuration", MILLISECONDS, opened.map(Value::from)),
            ("QueryDuration", MILLISECONDS, line.query_ms.map(Value::from)),
            ("Rows", COUNT, line.rows.map(Value::from)),
            ("Logins", COUNT, Some(json!(counts.logins))),
            ("LoginRetries", COUNT, Some(json!(counts.login_retries))),
            ("Retries", COUNT, Some(json!(counts.retries))),
            ("Errors", COUNT, Some(json!(u8::from(line.error_type.is_some())))),
        ];
        let (mut members, mut metrics) = (Map::new(), vec![]);
        for (name, unit, value) in values {
            if let Some(value) = value {
                metrics.push(json!({"Name": name, "Unit": unit}));
                members.insert(name.into(), value);
            }
        }
        let directive = |dimensions: &[&str], metrics: Value| json!({"Namespace": self.namespace, "Dimensions": [dimensions], "Metrics": metrics});
        let mut directives = vec![directive(&["service"], metrics.into())];
        members.insert("service".into(), json!(self.service));
        if let Some(error_type) = line.error_type {
            // Only this metric has the second dimension: each value of it is billed as one more metric.
            let errors = json!([{"Name": "Errors", "Unit": COUNT}]);
            directives.push(directive(&["service", "ErrorType"], errors));
            members.insert("ErrorType".into(), json!(error_type));
        }
        let since = (self.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
        let timestamp = u64::try_from(since.as_millis()).unwrap_or_default();
        let metadata = json!({"Timestamp": timestamp, "CloudWatchMetrics": directives});
        members.insert("_aws".into(), metadata);
        let json = Value::Object(members).to_string();
        let inside = json.strip_prefix('{').and_then(|json| json.strip_suffix('}'));
        inside.unwrap_or_default().to_owned()
    }
}

thread_local! {
    /// The members that the next log line of this thread gets.
    static NEXT: Cell<Option<String>> = const { Cell::new(None) };
}

/// Has the log line that `write` writes begin with these members: `tracing` has no fields that are JSON
/// objects.
pub(crate) fn on_line_of(members: String, write: impl FnOnce()) {
    NEXT.set(Some(members));
    write();
    NEXT.take();
}

/// The members of the line that is being written.
pub(crate) fn take_members() -> Option<String> {
    NEXT.take()
}

/// As Powertools reads it.
fn is_true(value: &str) -> bool {
    ["1", "y", "yes", "t", "true", "on"].contains(&&*value.to_ascii_lowercase())
}

/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html>
fn is_namespace(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_/#: ".contains(c);
    text.len() <= LONGEST_NAMESPACE
        && text.chars().all(fits)
        && !text.trim().is_empty()
        && !text.starts_with("AWS/")
        && !text.starts_with(':')
}

/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html>
fn is_dimension(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_graphic() || c == ' ';
    text.len() <= LONGEST_SERVICE
        && text.chars().all(fits)
        && !text.trim().is_empty()
        && !text.starts_with(':')
}

fn invalid(name: &'static str, value: &str) -> Error {
    Error::new(Kind::Settings, loggable!("{name} is {value:?}, which CloudWatch does not take"))
        .with_cause(Cause::SettingMalformed)
}

#[cfg(test)]
mod tests;

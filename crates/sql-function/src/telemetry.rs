//! Logs of this project's crates, in the format of Lambda's log settings.
//!
//! Lambda passes these settings in two environment variables:
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html>. Lines
//! are JSON unless the function is set to `Text`.
//!
//! Dependencies log values: `lambda_runtime` logs events and errors, `tokio-postgres` parameters,
//! statements and notices. So of other crates only warnings of the AWS SDK are shown, which handles
//! no statements. Records of the `log` crate are not shown.

use std::fmt;
use std::io;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;

use crate::{metrics, panics};

/// The crates whose log lines are shown.
const OWN: [&str; 4] = ["iam_auth", "sql_function", "mysql_function", "postgres_function"];

/// Starts logging to standard output, as set by `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL`,
/// including panics. Later calls in the same process have no effect.
/// Lines of the crate `program` are shown too.
pub(crate) fn start(variable: impl Fn(&str) -> Option<String>, program: &'static str) {
    panics::hook();
    // Fails only if there is a subscriber already, after a second start in a test.
    let _ = tracing::dispatcher::set_global_default(lines(variable, program, io::stdout));
}

/// The subscriber that writes the log lines.
fn lines<W>(variable: impl Fn(&str) -> Option<String>, program: &'static str, writer: W) -> Dispatch
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let program = program.split("::").next().unwrap_or_default();
    let is_shown = move |metadata: &Metadata<'_>| is_shown(metadata, program);
    let level = level(variable("AWS_LAMBDA_LOG_LEVEL").as_deref());
    let lines = tracing_subscriber::fmt().with_max_level(level).with_target(false);
    let lines = lines.with_writer(writer);
    let json = format().json().with_target(false).flatten_event(true).with_span_list(false);
    let text = variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|v| v.eq_ignore_ascii_case("text"));
    if text {
        // CloudWatch adds the time, and shows colour codes as noise.
        let lines = lines.with_ansi(false).without_time();
        // The fields of the span are text there.
        let json = json.with_current_span(false);
        let lines = lines.map_event_format(|line| Lines { line, json }).finish();
        Dispatch::new(lines.with(filter_fn(is_shown)))
    } else {
        let lines = lines.json().event_format(Lines { line: json.clone(), json }).finish();
        Dispatch::new(lines.with(filter_fn(is_shown)))
    }
}

/// The format of log lines. One that has metrics is JSON in any case, and begins with them.
struct Lines<F, J> {
    line: F,
    json: J,
}

impl<S, N, F, J> FormatEvent<S, N> for Lines<F, J>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
    J: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(members) = metrics::take_members() else {
            return self.line.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.json.format_event(context, Writer::new(&mut line), event)?;
        let rest = line.strip_prefix('{').unwrap_or_default();
        write!(writer, "{{{members},{rest}")
    }
}

fn is_shown(metadata: &Metadata<'_>, program: &str) -> bool {
    let of = metadata.target().split("::").next().unwrap_or_default();
    OWN.contains(&of)
        || of == program
        || (of.starts_with("aws_") && *metadata.level() <= Level::WARN)
}

fn level(name: Option<&str>) -> LevelFilter {
    match name.map(str::to_ascii_uppercase).as_deref() {
        Some("TRACE") => LevelFilter::TRACE,
        Some("DEBUG") => LevelFilter::DEBUG,
        Some("WARN") => LevelFilter::WARN,
        Some("ERROR" | "FATAL") => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    }
}

#[cfg(test)]
pub(crate) mod tests;

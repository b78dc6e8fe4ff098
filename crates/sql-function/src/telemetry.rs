//! Logs in the form that Lambda's log settings ask for.
//!
//! Lambda tells a function how to log by two variables:
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html>. Lines are
//! JSON unless the function is set to `Text`.

use tracing_subscriber::filter::LevelFilter;

/// Starts logging to standard output, as `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL` say.
/// Later calls in one process do nothing.
pub fn start(variable: impl Fn(&str) -> Option<String>) {
    let level = level(variable("AWS_LAMBDA_LOG_LEVEL").as_deref());
    let lines = tracing_subscriber::fmt().with_max_level(level).with_target(false);
    let text = variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|v| v.eq_ignore_ascii_case("text"));
    // The only error is that a subscriber is there already, which a second start in a test meets.
    let _ = if text {
        // CloudWatch adds the time, and shows colour codes as noise.
        lines.with_ansi(false).without_time().try_init()
    } else {
        lines.json().flatten_event(true).with_span_list(false).try_init()
    };
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
mod tests {
    use super::*;

    #[test]
    fn lambdas_levels_are_known() {
        assert_eq!(level(None), LevelFilter::INFO);
        assert_eq!(level(Some("trace")), LevelFilter::TRACE);
        assert_eq!(level(Some("FATAL")), LevelFilter::ERROR);
    }
}

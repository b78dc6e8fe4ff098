//! Which log lines are shown, and what they contain after a panic.

use super::*;
use std::process::Command;
use std::sync::{Arc, Mutex};

/// Set where this program runs as a process that panics.
const PANICS: &str = "RDS_IAM_LAMBDA_TEST_PANICS";
const VALUE: &str = "4111-1111";

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written at TRACE in `format`.
pub(crate) fn written(format: &str, log: impl FnOnce()) -> String {
    written_at("TRACE", format, log)
}

/// What is written at `level` in `format`.
pub(crate) fn written_at(level: &str, format: &str, log: impl FnOnce()) -> String {
    let output = Output::default();
    let variable = |name: &str| match name {
        "AWS_LAMBDA_LOG_LEVEL" => Some(level.to_owned()),
        _ => Some(format.to_owned()),
    };
    let writer = output.clone();
    let lines = lines(variable, "own_function", move || writer.clone());
    tracing::dispatcher::with_default(&lines, log);
    let bytes = output.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn lambdas_levels_are_known() {
    assert_eq!(level(None), LevelFilter::INFO);
    assert_eq!(level(Some("trace")), LevelFilter::TRACE);
    assert_eq!(level(Some("FATAL")), LevelFilter::ERROR);
}

#[test]
fn dependencies_lines_are_not_shown_at_any_level() {
    for format in ["JSON", "Text"] {
        let written = written(format, || {
            tracing::error!(target: "lambda_runtime::layers::panic", "{VALUE}");
            tracing::error!(target: "lambda_runtime", VALUE);
            tracing::info!(target: "tokio_postgres::connection", "NOTICE: {VALUE}");
            tracing::warn!(target: "log", "{VALUE}");
            tracing::trace!(target: "hyper::proto::h1", "{VALUE}");
            tracing::info!(target: "aws_config::profile", "{VALUE}");
            tracing::error!(target: "sql_functions", "{VALUE}");
            tracing::warn!(target: "aws_config::profile", "a profile is not there");
            tracing::trace!(target: "sql_function::handle", "ours");
            tracing::debug!(target: "postgres_function", "ours too");
        });
        assert!(!written.contains(VALUE), "{written}");
        assert_eq!(written.lines().count(), 3, "{written}");
        assert!(written.contains("is not there") && written.contains("ours too"), "{written}");
    }
}

#[test]
fn a_panic_leaves_its_place_and_not_its_message() {
    if std::env::var_os(PANICS).is_some() {
        start(|_| None, "own_function");
        let _ = std::panic::catch_unwind(|| panic!("{VALUE}"));
        std::process::exit(0);
    }
    let name = "telemetry::tests::a_panic_leaves_its_place_and_not_its_message";
    let program = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(PANICS, "1")
        .output()
        .unwrap();
    let output = [program.stdout, program.stderr].concat();
    let output = String::from_utf8_lossy(&output);
    assert!(!output.contains(VALUE), "{output}");
    let place = format!("\"place\":\"{}:", file!());
    assert_eq!(output.matches(&*place).count(), 1, "{output}");
}

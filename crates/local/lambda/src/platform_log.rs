//! The lines that Lambda itself adds to a log: START, END, REPORT and INIT_REPORT as text, or the
//! `platform.*` records of the JSON format
//! (<https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html>).
//!
//! The text format has no `INIT_START`: it names a runtime version, and there is none here.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{clock::Timestamp, fault::Fault, function::LogFormat, log::LogStream};

/// When an initialisation runs: before the first invocation, or again within it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum InitPhase {
    Init,
    Invoke,
}

impl InitPhase {
    fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Invoke => "invoke",
        }
    }
}

/// The values of an invocation's REPORT line.
#[derive(Debug)]
pub(crate) struct Usage {
    pub(crate) duration: Duration,
    pub(crate) billed: Duration,
    pub(crate) memory_mb: u32,
    pub(crate) max_memory_mb: u64,
    pub(crate) init: Option<Duration>,
}

impl LogStream {
    /// An invocation begins.
    pub(crate) fn start(&self, request_id: &str) {
        match self.format() {
            LogFormat::Text => {
                self.push(&format!("START RequestId: {request_id} Version: $LATEST"))
            }
            LogFormat::Json => self
                .record("platform.start", json!({ "requestId": request_id, "version": "$LATEST" })),
        }
    }

    /// An invocation ended. The text format shows only faults that Lambda itself detected: the function
    /// has logged the errors that its runtime reports.
    pub(crate) fn end(
        &self,
        request_id: &str,
        usage: &Usage,
        fault: Option<&Fault>,
        limit: Duration,
    ) {
        match self.format() {
            LogFormat::Text => {
                let fault = fault.filter(|fault| !matches!(fault, Fault::Reported(_)));
                if let Some(fault) = fault {
                    self.push(&fault_line(request_id, fault, limit));
                }
                self.push(&format!("END RequestId: {request_id}"));
                self.push(&report_line(request_id, usage, fault));
            }
            LogFormat::Json => {
                self.record("platform.report", report_record(request_id, usage, fault))
            }
        }
    }

    /// An initialisation failed.
    pub(crate) fn init_failed(&self, phase: InitPhase, duration: Duration, fault: &Fault) {
        let (duration, phase) = (milliseconds(duration), phase.name());
        match self.format() {
            LogFormat::Text => self.push(&format!(
                "INIT_REPORT Init Duration: {duration:.2} ms\tPhase: {phase}{}",
                status_columns(fault)
            )),
            LogFormat::Json => {
                let mut record = json!({
                    "initializationType": "on-demand",
                    "phase": phase,
                    "metrics": { "durationMs": duration },
                });
                set_status(&mut record, Some(fault));
                self.record("platform.initReport", record);
            }
        }
    }

    fn record(&self, kind: &str, record: Value) {
        let time = Timestamp::now().to_string();
        self.push(&json!({ "time": time, "type": kind, "record": record }).to_string());
    }
}

fn fault_line(request_id: &str, fault: &Fault, limit: Duration) -> String {
    let reason = fault.reason(limit);
    match fault {
        Fault::TimedOut => format!("{} {request_id} {reason}\n", Timestamp::now()),
        _ => format!("RequestId: {request_id} Error: {reason}\n{}", fault.error_type()),
    }
}

fn report_line(request_id: &str, usage: &Usage, fault: Option<&Fault>) -> String {
    let init = usage
        .init
        .map_or_else(String::new, |init| format!("Init Duration: {:.2} ms\t", milliseconds(init)));
    format!(
        "REPORT RequestId: {request_id}\tDuration: {:.2} ms\tBilled Duration: {} ms\t\
         Memory Size: {} MB\tMax Memory Used: {} MB\t{init}{}",
        milliseconds(usage.duration),
        usage.billed.as_millis(),
        usage.memory_mb,
        usage.max_memory_mb,
        fault.map(status_columns).unwrap_or_default().trim_start(),
    )
}

fn report_record(request_id: &str, usage: &Usage, fault: Option<&Fault>) -> Value {
    let mut metrics = json!({
        "durationMs": milliseconds(usage.duration),
        "billedDurationMs": usage.billed.as_millis() as u64,
        "memorySizeMB": usage.memory_mb,
        "maxMemoryUsedMB": usage.max_memory_mb,
    });
    if let Some(init) = usage.init {
        metrics["initDurationMs"] = milliseconds(init).into();
    }
    let mut record = json!({ "requestId": request_id, "metrics": metrics });
    set_status(&mut record, fault);
    record
}

fn status_columns(fault: &Fault) -> String {
    match fault {
        Fault::TimedOut => "\tStatus: timeout".to_owned(),
        _ => format!("\tStatus: error\tError Type: {}", fault.error_type()),
    }
}

fn set_status(record: &mut Value, fault: Option<&Fault>) {
    let status = match fault {
        None => "success",
        Some(Fault::TimedOut) => "timeout",
        Some(fault) => {
            record["errorType"] = fault.error_type().into();
            "error"
        }
    };
    record["status"] = status.into();
}

/// Milliseconds to two places, as Lambda prints them.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

//! Why there is no diagnosis: the function failed first, or it is not one of this project's.

use serde::Deserialize;
use std::error::Error;
use std::fmt;

use crate::visible::visible;

/// A function returned no diagnosis: what it returned, and what to do.
#[derive(Debug)]
pub struct NoDiagnosis {
    what: String,
    /// What to do, unless `what` says it.
    advice: Option<&'static str>,
}

/// Lambda's form of a function's error:
/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Failure {
    error_type: String,
    error_message: String,
}

impl NoDiagnosis {
    pub(crate) fn failed(payload: &[u8]) -> NoDiagnosis {
        let failure: Failure = serde_json::from_slice(payload).unwrap_or_default();
        let Failure { error_type, error_message } = &failure;
        if error_message.is_empty() {
            let what = format!("the function failed and returned {}", excerpt(payload));
            return NoDiagnosis { what, advice: Some(advice("")) };
        }
        let timed_out = error_message.contains("Task timed out");
        NoDiagnosis {
            what: match (timed_out, error_type.is_empty()) {
                // Lambda's message begins with the time and the request id.
                (true, _) => format!("the function timed out: {}", visible(error_message)),
                (false, true) => visible(error_message),
                (false, false) => format!("{}: {}", visible(error_type), visible(error_message)),
            },
            advice: match timed_out {
                true => Some(TIMED_OUT),
                // The errors of this project's functions include advice.
                false => (!error_message.contains("What to do: ")).then(|| advice(error_type)),
            },
        }
    }

    pub(crate) fn unreadable(payload: &[u8], error: &serde_json::Error) -> NoDiagnosis {
        NoDiagnosis {
            what: format!("the answer is not a diagnosis ({error}): {}", excerpt(payload)),
            advice: Some(
                "check that the function is one of this project's, and that it was deployed from the \
                 same version as the doctor",
            ),
        }
    }

    /// Whether the error includes the function's own advice, so that its log would add nothing.
    pub fn is_explained(&self) -> bool {
        self.advice.is_none()
    }
}

impl fmt::Display for NoDiagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.advice {
            Some(advice) => write!(f, "{}. What to do: {advice}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl Error for NoDiagnosis {}

const TIMED_OUT: &str = "raise its setting Timeout (a diagnosis takes up to 15 seconds if the network drops \
    packets) and try again; if it still times out, its initialization hangs: read its log with `aws logs \
    tail /aws/lambda/FUNCTION`";

/// What to do about an `errorType` of Lambda or of another function.
fn advice(error_type: &str) -> &'static str {
    match error_type {
        "Runtime.InvalidEntrypoint" => {
            "the bootstrap cannot start: build it for the function's architecture (`cargo xtask build \
             --arch arm64` or `x86_64`) and deploy it again"
        }
        "Runtime.ExitError" | "Extension.Crash" => {
            "the process exited: read its last log lines with `aws logs tail /aws/lambda/FUNCTION`; \
             `exec format error` means that the bootstrap is for another architecture, `signal: killed` \
             that memory ran out (the setting MemorySize)"
        }
        name if name.starts_with("Runtime.") || name.starts_with("Function.") => {
            "read the function's log with `aws logs tail /aws/lambda/FUNCTION`"
        }
        _ => {
            "check that the function is one of this project's, and read its log with `aws logs tail \
             /aws/lambda/FUNCTION`"
        }
    }
}

/// The beginning of a payload, safe for a terminal.
fn excerpt(payload: &[u8]) -> String {
    let text = String::from_utf8_lossy(payload);
    let mut start: String = text.chars().take(200).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    if start.is_empty() { "nothing".to_owned() } else { visible(&start) }
}

#[cfg(test)]
mod tests {
    use crate::read_answer;

    fn told(payload: &str, function_error: Option<&str>) -> String {
        read_answer(payload.as_bytes(), function_error).unwrap_err().to_string()
    }

    #[test]
    fn a_failure_says_what_to_do() {
        for (payload, says) in [
            (
                r#"{"errorMessage":"2026-01-01T00:00:00Z 5c Task timed out after 3.00 seconds"}"#,
                ["timed out", "Timeout"],
            ),
            (
                r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 5c Error: Task timed out after 3.00 seconds"}"#,
                ["timed out", "Timeout"],
            ),
            (
                r#"{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"exec format error"}"#,
                ["exec format error", "--arch"],
            ),
            (
                r#"{"errorType":"TypeError","errorMessage":"undefined"}"#,
                ["TypeError: undefined", "one of this project's"],
            ),
            (
                r#"{"errorType":"Settings","errorMessage":"DB_HOST is not set. What to do: set it"}"#,
                ["Settings: DB_HOST is not set", "What to do: set it"],
            ),
            ("oops\u{1b}[2J", ["returned oops\\u{1b}[2J", "logs tail"]),
        ] {
            let text = told(payload, Some("Unhandled"));
            assert!(says.iter().all(|part| text.contains(part)), "{payload}: {text}");
            assert_eq!(text.matches("What to do: ").count(), 1, "{payload}: {text}");
        }
    }

    #[test]
    fn another_functions_answer_is_not_a_diagnosis() {
        for payload in ["null", "", r#"{"statusCode":200}"#, r#"{"diagnose":{"ok":true}}"#] {
            let text = told(payload, None);
            assert!(text.contains("is not a diagnosis") && text.contains("same version"), "{text}");
        }
    }
}

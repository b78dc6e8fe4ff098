//! Why there is no diagnosis: the function failed before it could make one, or is another function.

use serde::Deserialize;
use std::error::Error;
use std::fmt;

use crate::visible::visible;

/// A function gave no diagnosis: what it gave, and what to do.
#[derive(Debug)]
pub struct NoDiagnosis {
    what: String,
    /// What to do, where `what` does not say it.
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
            let what = format!("the function failed and answered {}", excerpt(payload));
            return NoDiagnosis { what, advice: Some(advice("")) };
        }
        let timed_out = error_message.contains("Task timed out");
        NoDiagnosis {
            what: match (timed_out, error_type.is_empty()) {
                // Lambda's own message has the time and the request id before its sentence.
                (true, _) => format!("the function ran out of time: {}", visible(error_message)),
                (false, true) => visible(error_message),
                (false, false) => format!("{}: {}", visible(error_type), visible(error_message)),
            },
            advice: match timed_out {
                true => Some(TIMED_OUT),
                // This project's functions advise themselves.
                false => (!error_message.contains("What to do: ")).then(|| advice(error_type)),
            },
        }
    }

    pub(crate) fn unreadable(payload: &[u8], error: &serde_json::Error) -> NoDiagnosis {
        NoDiagnosis {
            what: format!("the answer is no diagnosis ({error}): {}", excerpt(payload)),
            advice: Some(
                "check that the function is one of this project's, and deployed from the same \
                 version as the doctor",
            ),
        }
    }

    /// Whether the function's log would add nothing: it has said itself what is wrong.
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

const TIMED_OUT: &str = "give it more time (its setting Timeout; a diagnosis of a network that \
    swallows packets takes up to 15 seconds) and ask again; if it still runs out, its initialisation \
    hangs: read its log, `aws logs tail /aws/lambda/FUNCTION`";

/// What to do about an `errorType`: Lambda's own, and those of the functions that say it themselves.
fn advice(error_type: &str) -> &'static str {
    match error_type {
        "Runtime.InvalidEntrypoint" => {
            "the bootstrap does not start: build it for the function's architecture \
             (`cargo xtask build --arch arm64` or `x86_64`) and deploy it again"
        }
        "Runtime.ExitError" | "Extension.Crash" => {
            "the process ended: read its last words, `aws logs tail /aws/lambda/FUNCTION`; \
             `exec format error` is a bootstrap of another architecture, `signal: killed` is \
             memory (the setting MemorySize)"
        }
        name if name.starts_with("Runtime.") || name.starts_with("Function.") => {
            "read the function's log, `aws logs tail /aws/lambda/FUNCTION`"
        }
        _ => {
            "check that the function is one of this project's; its log has more, `aws logs tail \
             /aws/lambda/FUNCTION`"
        }
    }
}

/// The beginning of a payload, fit for a terminal.
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
    fn a_failure_is_told_with_what_to_do() {
        for (payload, says) in [
            (
                r#"{"errorMessage":"2026-01-01T00:00:00Z 5c Task timed out after 3.00 seconds"}"#,
                ["ran out of time", "Timeout"],
            ),
            (
                r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 5c Error: Task timed out after 3.00 seconds"}"#,
                ["ran out of time", "Timeout"],
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
            ("oops\u{1b}[2J", ["answered oops\\u{1b}[2J", "logs tail"]),
        ] {
            let text = told(payload, Some("Unhandled"));
            assert!(says.iter().all(|part| text.contains(part)), "{payload}: {text}");
            assert_eq!(text.matches("What to do: ").count(), 1, "{payload}: {text}");
        }
    }

    #[test]
    fn another_functions_answer_is_no_diagnosis() {
        for payload in ["null", "", r#"{"statusCode":200}"#, r#"{"diagnose":{"ok":true}}"#] {
            let text = told(payload, None);
            assert!(text.contains("is no diagnosis") && text.contains("same version"), "{text}");
        }
    }
}

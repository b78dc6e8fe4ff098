//! The event for each function.

use std::fs;
use std::io;
use std::path::Path;

use crate::Failure;

/// An event of an EventBridge rule:
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html>.
const SCHEDULED: &str = r#"{
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-01-01T00:00:00Z",
    "region": "eu-west-1",
    "resources": ["arn:aws:events:eu-west-1:123456789012:rule/every-five-minutes"],
    "detail": {}
}"#;

/// The event in `file`, or on standard input if that is `-`; without a file a scheduled one.
pub(crate) fn load(file: Option<&Path>) -> Result<String, Failure> {
    let Some(file) = file else { return Ok(SCHEDULED.to_owned()) };
    let text = if file == Path::new("-") {
        io::read_to_string(io::stdin())
    } else {
        fs::read_to_string(file)
    };
    let text =
        text.map_err(|error| format!("cannot read the event {}: {error}", file.display()))?;
    serde_json::from_str::<serde_json::Value>(&text)
        .map_err(|error| format!("the event {} is not JSON: {error}", file.display()))?;
    Ok(text)
}

//! What a database offers its functions, and what it asks of them: readers, a pause, two protocols.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::choice::Choice;
use crate::{Report, ipv6, pause, readers};

/// The values of the parameters that the traits of a database have to do with.
pub(crate) struct Used<'a> {
    reader: Option<&'a str>,
    timeout: u64,
    pub(crate) ipv6: bool,
}

impl<'a> Used<'a> {
    /// Of the function whose parameters start with `prefix`.
    pub(crate) fn of(values: &'a BTreeMap<String, Value>, prefix: &str) -> Self {
        let text = |name: &str| values.get(name).and_then(Value::as_str).unwrap_or_default();
        let reader = Some(text(&format!("{prefix}ReaderHost")));
        Self {
            reader: reader.filter(|host| !host.is_empty()),
            timeout: text("Timeout").parse().unwrap_or(u64::MAX),
            ipv6: text(ipv6::PARAMETER) == "true",
        }
    }
}

/// For a person.
pub(crate) fn say(choice: &Choice, used: &Used<'_>, report: &Report) {
    let Some(found) = &choice.found else { return };
    readers::offer(found, used.reader, report);
    pause::notes(found, used.timeout).iter().for_each(|note| report.note(note));
}

/// For a program. `null` if AWS was not asked.
pub(crate) fn document(choice: &Choice, used: &Used<'_>) -> Value {
    let Some(found) = &choice.found else { return Value::Null };
    let serverless = found.serverless.as_ref().filter(|it| it.kept_awake_by().is_none());
    json!({
        "reader_endpoint": found.reader.as_ref().map(|reader| &reader.host),
        "has_readers": found.reader.as_ref().map(|reader| reader.has_readers),
        "reader": used.reader,
        "pauses_after_s": serverless.and_then(aws_cli::Serverless::pauses_after),
        "dual_stack": found.is_dual_stack,
        "ipv6": used.ipv6,
    })
}

//! The events of a stack while it changes, until the change is complete.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use aws_cli::Aws;
use serde::Deserialize;

use crate::{Failure, Report, stack};

const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How many polls in a row may fail.
const FAILED_POLLS: u32 = 10;

#[derive(Deserialize)]
struct Page {
    #[serde(rename = "StackEvents")]
    events: Vec<Event>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    event_id: String,
    logical_resource_id: String,
    #[serde(default)]
    physical_resource_id: String,
    resource_type: String,
    resource_status: String,
    #[serde(default)]
    resource_status_reason: String,
}

/// The events of a stack from some moment on.
pub(crate) struct Watch<'a> {
    aws: &'a Aws,
    stack_id: String,
    seen: BTreeSet<String>,
}

/// The end of a change.
pub(crate) struct End {
    /// The stack's status.
    pub(crate) status: String,
    /// The first resource that failed, and why: `MySqlSchedule (AWS::Scheduler::Schedule): …`.
    pub(crate) first_failure: Option<String>,
}

impl End {
    pub(crate) fn is_success(&self) -> bool {
        self.status.ends_with("_COMPLETE") && !self.status.contains("ROLLBACK")
    }
}

impl<'a> Watch<'a> {
    /// Watches a stack, by its ARN, from now on. Call it before the change begins.
    pub(crate) fn from_now(aws: &'a Aws, stack_id: &str) -> Result<Self, Failure> {
        let mut watch = Self { aws, stack_id: stack_id.to_owned(), seen: BTreeSet::new() };
        watch.new_events()?;
        Ok(watch)
    }

    /// Reports each event, until the change is complete.
    pub(crate) fn until_complete(mut self, report: &Report) -> Result<End, Failure> {
        let (mut first_failure, mut stack_failure) = (None, None);
        let mut may_be_complete = false;
        let mut failed_polls = 0;
        loop {
            let events = match self.new_events() {
                Ok(events) => events,
                // The network may be down for a while; the change continues.
                Err(_) if failed_polls < FAILED_POLLS => {
                    failed_polls += 1;
                    thread::sleep(POLL_INTERVAL);
                    continue;
                }
                Err(error) => return Err(error),
            };
            failed_polls = 0;
            for event in events {
                report.note(&line(&event));
                if first_failure.is_none() && is_own_failure(&event) {
                    first_failure = Some(failure(&event));
                }
                let of_stack = event.physical_resource_id == self.stack_id;
                if of_stack && event.resource_status.ends_with("_FAILED") {
                    stack_failure.get_or_insert(event.resource_status_reason);
                }
                may_be_complete |= of_stack && is_complete(&event.resource_status);
            }
            // A stack that failed may roll back next: its own status decides.
            if may_be_complete
                && let Some(status) = self.status()?.filter(|status| is_complete(status))
            {
                let first_failure = first_failure.or(stack_failure);
                return Ok(End { status, first_failure });
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn status(&self) -> Result<Option<String>, Failure> {
        Ok(stack::describe(self.aws, &self.stack_id)?.map(|stack| stack.stack_status))
    }

    /// The events since the last poll, oldest first.
    fn new_events(&mut self) -> Result<Vec<Event>, Failure> {
        let stack = self.stack_id.as_str();
        let page: Page =
            self.aws.call(&["cloudformation", "describe-stack-events", "--stack-name", stack])?;
        let mut new: Vec<Event> =
            page.events.into_iter().filter(|it| !self.seen.contains(&it.event_id)).collect();
        new.reverse();
        self.seen.extend(new.iter().map(|event| event.event_id.clone()));
        Ok(new)
    }
}

fn is_complete(status: &str) -> bool {
    !status.ends_with("_IN_PROGRESS")
}

/// Whether a resource failed, and was not cancelled because another one had.
fn is_own_failure(event: &Event) -> bool {
    event.resource_status.ends_with("_FAILED")
        && event.resource_type != "AWS::CloudFormation::Stack"
        && !event.resource_status_reason.contains("cancelled")
}

fn failure(event: &Event) -> String {
    let reason = match event.resource_status_reason.as_str() {
        "" => "no reason given",
        reason => reason,
    };
    format!("{} ({}): {reason}", event.logical_resource_id, event.resource_type)
}

fn line(event: &Event) -> String {
    let status = event.resource_status.to_lowercase().replace('_', " ");
    let reason = match event.resource_status_reason.as_str() {
        "" => String::new(),
        reason => format!(": {reason}"),
    };
    format!("  {status:<28} {} ({}){reason}", event.logical_resource_id, event.resource_type)
}

//! The steps of a diagnosis, in order and timed, up to the first that fails.

use diagnosis::{Diagnosis, Placeholders, Step, StepName, Suspect, Verdict};
use std::time::Duration;
use tokio::time::{Instant, timeout};

use super::complete::complete;
use super::examination::Examination;
use super::seen::Seen;
use super::subject::Subject;
use super::{rank, resource_id};
use crate::deadline::Deadline;
use crate::driver::{Connection as _, Connector};
use crate::error::Error;

/// How long a clean close of the connection may take.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Takes the steps of a login with connections of its own, and has the server parse every statement
/// without running it.
pub(crate) async fn diagnose<C: Connector>(
    subject: &Subject<'_, C>,
    deadline: Deadline,
) -> Diagnosis {
    let examination = Examination::new(subject, deadline);
    let mut walk = Walk { examination, steps: Vec::new(), began: Instant::now() };
    // `None` when a step failed: the later ones are not reached.
    let _ = walk.take_steps().await;
    walk.finish()
}

/// The diagnosis of a function that could not start because of `error`.
pub(crate) fn of_failed_start<C: Connector>(error: &Error) -> Diagnosis {
    let seen = Seen::failed(error.report()).fact("error_type", error.error_type());
    let suspects = error.filled().into_iter();
    let suspects = suspects.map(|(cause, filled)| Suspect::new(cause, filled, error.chain()));
    let first = seen.fact("engine", C::ENGINE.title()).step(StepName::Settings, Duration::ZERO);
    complete(vec![first], suspects.collect())
}

struct Walk<'a, C> {
    examination: Examination<'a, C>,
    steps: Vec<Step>,
    /// When the step in progress began.
    began: Instant,
}

impl<C: Connector> Walk<'_, C> {
    /// Takes the steps, up to the first that fails.
    async fn take_steps(&mut self) -> Option<()> {
        let seen = self.examination.settings();
        self.record(StepName::Settings, seen)?;
        let seen = self.examination.credentials().await;
        self.record(StepName::Credentials, seen)?;
        let seen = self.examination.endpoint();
        self.record(StepName::Endpoint, seen)?;
        let seen = self.examination.trust();
        self.record(StepName::Trust, seen)?;
        let seen = self.examination.dns().await;
        self.record(StepName::Dns, seen)?;
        let (seen, stream) = self.examination.tcp().await;
        self.record(StepName::Tcp, seen)?;
        let (seen, stream) = self.examination.tls(stream?).await;
        self.record(StepName::Tls, seen)?;
        let (seen, connection) = self.examination.log_in(stream?).await;
        self.record(StepName::Login, seen)?;

        let mut connection = connection?;
        let inside = self.take_steps_inside(&mut connection).await;
        // A server logs clients that do not close cleanly.
        let _ = timeout(CLOSE_TIMEOUT, connection.close()).await;
        inside
    }

    /// Takes the steps inside the database.
    async fn take_steps_inside(&mut self, connection: &mut C::Connection) -> Option<()> {
        let seen = self.examination.database(connection).await;
        self.record(StepName::Database, seen)?;
        let seen = self.examination.statements(connection).await;
        self.record(StepName::Statements, seen)
    }

    /// Records the step in progress, after which the next one begins. `None` if it failed.
    fn record(&mut self, name: StepName, mut seen: Seen) -> Option<()> {
        let took = self.began.elapsed();
        self.examination.was_it_paused(name, &mut seen, took);
        let goes_on = (seen.verdict != Verdict::Failed).then_some(());
        self.steps.push(seen.step(name, took));
        self.began = Instant::now();
        goes_on
    }

    /// The diagnosis, with its causes in order.
    fn finish(self) -> Diagnosis {
        let placeholders = self.placeholders();
        let Examination { evidence, subject, .. } = &self.examination;
        let suspects = rank::suspects(evidence, subject).into_iter();
        let suspects =
            suspects.map(|(cause, because)| Suspect::new(cause, placeholders.fill(cause), because));
        let suspects = suspects.collect();
        complete(self.steps, suspects)
    }

    /// The placeholders that the login and the evidence fill.
    fn placeholders(&self) -> Placeholders {
        let Examination { evidence, subject, .. } = &self.examination;
        let login = self.examination.login();
        let mut placeholders = login.placeholders();
        let valid = |id: &&String| resource_id::invalid(id, login.endpoint().kind()).is_none();
        if let Some(id) = subject.resource_ids.iter().find(valid) {
            placeholders = placeholders.with("resource_id", id);
        }
        if let Some(function) = subject.function {
            placeholders = placeholders.with("function", function);
        }
        if let Some(schema) = &evidence.denied_schema {
            placeholders = placeholders.with("schema", schema);
        }
        if let Some(endpoint) = evidence.proven_endpoint() {
            placeholders = placeholders
                .with("real_host", &format!(" ({})", endpoint.host()))
                .with("real_region", &format!(" ({})", endpoint.region()));
        }
        placeholders
    }
}

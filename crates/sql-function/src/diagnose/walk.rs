//! The walk: one step after another, each timed, up to the first that fails.

use diagnosis::{Cause, Diagnosis, Placeholders, Step, StepName, Suspect, Verdict};
use std::time::Duration;
use tokio::time::{Instant, timeout};

use super::configured::not_a_resource_id;
use super::evidence::Evidence;
use super::seen::Seen;
use super::{Subject, of_steps, rank};
use crate::deadline::Deadline;
use crate::driver::{Connection as _, Connector};
use crate::error::Error;
use crate::login::Login;

/// How long taking leave of the server may take.
const LEAVE: Duration = Duration::from_secs(1);

/// A diagnosis on its way.
pub(super) struct Walk<'a, C> {
    pub(super) subject: &'a Subject<'a, C>,
    pub(super) deadline: Deadline,
    pub(super) evidence: Evidence,
    steps: Vec<Step>,
}

impl<'a, C: Connector> Walk<'a, C> {
    pub(super) fn new(subject: &'a Subject<'a, C>, deadline: Deadline) -> Walk<'a, C> {
        Walk { subject, deadline, evidence: Evidence::default(), steps: Vec::new() }
    }

    pub(super) fn login(&self) -> &'a Login {
        self.subject.connector.login()
    }

    /// Takes every step. Ends early where one fails.
    pub(super) async fn whole_way(&mut self) -> Option<()> {
        let start = Instant::now();
        let seen = self.settings();
        self.record(StepName::Settings, start, seen)?;

        let start = Instant::now();
        let seen = self.credentials().await;
        self.record(StepName::Credentials, start, seen)?;

        let start = Instant::now();
        let seen = self.endpoint();
        self.record(StepName::Endpoint, start, seen)?;

        let start = Instant::now();
        let seen = self.trust();
        self.record(StepName::Trust, start, seen)?;

        let start = Instant::now();
        let seen = self.dns().await;
        self.record(StepName::Dns, start, seen)?;

        let start = Instant::now();
        let (seen, stream) = self.tcp().await;
        self.record(StepName::Tcp, start, seen)?;

        let start = Instant::now();
        let (seen, stream) = self.tls(stream?).await;
        self.record(StepName::Tls, start, seen)?;

        let start = Instant::now();
        let (seen, connection) = self.log_in(stream?).await;
        self.record(StepName::Login, start, seen)?;

        let mut connection = connection?;
        let inside = self.inside(&mut connection).await;
        // A server logs a client that goes without taking leave.
        let _ = timeout(LEAVE, connection.close()).await;
        inside
    }

    /// Takes the steps inside the database.
    async fn inside(&mut self, connection: &mut C::Connection) -> Option<()> {
        let start = Instant::now();
        let seen = self.database(connection).await;
        self.record(StepName::Database, start, seen)?;

        let start = Instant::now();
        let seen = self.statements(connection).await;
        self.record(StepName::Statements, start, seen)
    }

    /// Keeps a step that began at `start`. Gives nothing when it failed.
    fn record(&mut self, name: StepName, start: Instant, seen: Seen) -> Option<()> {
        let goes_on = (seen.verdict != Verdict::Failed).then_some(());
        self.steps.push(seen.step(name, start.elapsed()));
        goes_on
    }

    /// Notes that a step saw `cause`, by `because`.
    pub(super) fn find(&mut self, cause: Cause, because: impl Into<String>) {
        self.evidence.findings.push((cause, because.into()));
    }

    /// A step that failed with `error`.
    pub(super) fn fail(&mut self, error: Error) -> Seen {
        let seen = Seen::failed(error.chain()).fact("error_type", error.error_type());
        self.evidence.failure = Some(error);
        seen
    }

    /// The diagnosis, with the causes in order.
    pub(super) fn finish(self) -> Diagnosis {
        let placeholders = self.placeholders();
        let suspects = rank::suspects(&self.evidence, self.subject).into_iter();
        let suspects =
            suspects.map(|(cause, because)| Suspect::new(cause, placeholders.fill(cause), because));
        of_steps(self.steps, suspects.collect())
    }

    fn placeholders(&self) -> Placeholders {
        let login = self.login();
        let mut placeholders = login.placeholders();
        let right = |id: &&str| not_a_resource_id(id, login.endpoint().kind()).is_none();
        if let Some(id) = self.subject.resource_id.filter(right) {
            placeholders = placeholders.with("resource_id", id);
        }
        if let Some(function) = self.subject.function {
            placeholders = placeholders.with("function", function);
        }
        if let Some(schema) = &self.evidence.denied_schema {
            placeholders = placeholders.with("schema", schema);
        }
        if let Some(endpoint) = rank::proven(&self.evidence) {
            placeholders = placeholders
                .with("real_host", &format!(" ({})", endpoint.host()))
                .with("real_region", &format!(" ({})", endpoint.region()));
        }
        placeholders
    }
}

//! The walk: one step after another, each timed, up to the first that fails.

use std::time::Duration;
use tokio::time::{Instant, timeout};

use super::blanks::Blanks;
use super::cause::Cause;
use super::configured::not_a_resource_id;
use super::evidence::Evidence;
use super::step::{Name, Seen, Step, Verdict};
use super::{Diagnosis, Patient, Suspect, rank};
use crate::deadline::{Deadline, millis};
use crate::driver::{Connection as _, Connector};
use crate::error::Error;
use crate::login::Login;

/// How long taking leave of the server may take.
const LEAVE: Duration = Duration::from_secs(1);

/// A diagnosis on its way.
pub(super) struct Walk<'a, C> {
    pub(super) patient: &'a Patient<'a, C>,
    pub(super) deadline: Deadline,
    pub(super) evidence: Evidence,
    steps: Vec<Step>,
}

impl<'a, C: Connector> Walk<'a, C> {
    pub(super) fn new(patient: &'a Patient<'a, C>, deadline: Deadline) -> Walk<'a, C> {
        Walk { patient, deadline, evidence: Evidence::default(), steps: Vec::new() }
    }

    pub(super) fn login(&self) -> &'a Login {
        self.patient.connector.login()
    }

    /// Takes every step. Ends early where one fails.
    pub(super) async fn whole_way(&mut self) -> Option<()> {
        let start = Instant::now();
        let seen = self.settings();
        self.record(Name::Settings, start, seen)?;

        let start = Instant::now();
        let seen = self.credentials().await;
        self.record(Name::Credentials, start, seen)?;

        let start = Instant::now();
        let seen = self.endpoint();
        self.record(Name::Endpoint, start, seen)?;

        let start = Instant::now();
        let seen = self.trust();
        self.record(Name::Trust, start, seen)?;

        let start = Instant::now();
        let seen = self.dns().await;
        self.record(Name::Dns, start, seen)?;

        let start = Instant::now();
        let (seen, stream) = self.tcp().await;
        self.record(Name::Tcp, start, seen)?;

        let start = Instant::now();
        let (seen, stream) = self.tls(stream?).await;
        self.record(Name::Tls, start, seen)?;

        let start = Instant::now();
        let (seen, connection) = self.log_in(stream?).await;
        self.record(Name::Login, start, seen)?;

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
        self.record(Name::Database, start, seen)?;

        let start = Instant::now();
        let seen = self.statements(connection).await;
        self.record(Name::Statements, start, seen)
    }

    /// Keeps a step that began at `start`. Gives nothing when it failed.
    fn record(&mut self, name: Name, start: Instant, seen: Seen) -> Option<()> {
        let goes_on = (seen.verdict != Verdict::Failed).then_some(());
        self.steps.push(Step::taken(name, seen, millis(start.elapsed())));
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
        let blanks = self.blanks();
        let suspects = rank::suspects(&self.evidence, self.patient).into_iter();
        let suspects =
            suspects.map(|(cause, because)| Suspect::new(cause, blanks.fill(cause), because));
        Diagnosis::new(self.steps, suspects.collect())
    }

    fn blanks(&self) -> Blanks {
        let login = self.login();
        let mut blanks = login.blanks();
        let right = |id: &&str| not_a_resource_id(id, login.endpoint().kind()).is_none();
        if let Some(id) = self.patient.resource_id.filter(right) {
            blanks = blanks.with("resource_id", id);
        }
        if let Some(function) = self.patient.function {
            blanks = blanks.with("function", function);
        }
        if let Some(schema) = &self.evidence.denied_schema {
            blanks = blanks.with("schema", schema);
        }
        if let Some(endpoint) = rank::proven(&self.evidence) {
            blanks = blanks
                .with("real_host", &format!(" ({})", endpoint.host()))
                .with("real_region", &format!(" ({})", endpoint.region()));
        }
        blanks
    }
}

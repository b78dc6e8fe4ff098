//! From an event to a response: the one path that every invocation takes.

use iam_auth::{Credentials, Endpoint, TokenSigner, TrustStore};
use serde_json::value::RawValue;
use std::num::NonZeroUsize;
use std::path::Path;

use crate::deadline::Deadline;
use crate::doctor::{self, Blanks, Cause, Patient};
use crate::engine::{Clock, Connector, Login};
use crate::error::{Error, Kind};
use crate::event::{self, Call, Request};
use crate::perform::{Attempt, Job};
use crate::response::Response;
use crate::session::{Random, Session};
use crate::settings::Settings;
use crate::statement::Catalogue;

/// A function that is ready for events.
pub struct Function<C: Connector> {
    session: Session<C>,
    catalogue: Catalogue,
    scheduled_statement: String,
    /// What the role's policy names, when the settings tell.
    resource_id: Option<String>,
    name: Option<String>,
}

impl<C: Connector> Function<C> {
    /// Checks everything that can be checked without the database. The function may be called for
    /// so many events at once.
    ///
    /// # Errors
    /// [`Kind::Settings`] or [`Kind::Statement`], naming what is wrong.
    pub fn new(
        settings: Settings,
        credentials: Credentials,
        at_once: NonZeroUsize,
        clock: Clock,
        random: Random,
    ) -> Result<Self, Error> {
        let catalogue = Catalogue::load(&settings.statements)?;
        catalogue.get(&settings.scheduled_statement).map_err(|error| {
            Error::new(Kind::Settings, "SCHEDULED_STATEMENT names no deployed statement")
                .named(Cause::ScheduledUnknown)
                .caused_by(error.report())
        })?;
        let trust = TrustStore::load(&settings.ca_bundle, clock()).map_err(|error| {
            let blanks = Blanks::of_engine(C::WORDS)
                .with_endpoint(&settings.endpoint)
                .with("bundle", &settings.ca_bundle.display().to_string());
            Error::new(Kind::Settings, "cannot trust any server")
                .caused_by(error)
                .certainly(no_roots(&settings.ca_bundle, &settings.endpoint), &blanks)
        })?;
        let signer =
            TokenSigner::new(settings.endpoint, settings.user, credentials).map_err(|error| {
                Error::new(Kind::Settings, "DB_USER is wrong")
                    .named(Cause::SettingMalformed)
                    .caused_by(error)
            })?;
        let login = Login {
            signer,
            trust,
            connect_to: settings.connect_to,
            database: settings.database,
            clock,
            dated_ahead: 0,
        };
        Ok(Function {
            session: Session::new(C::new(login), at_once, random),
            catalogue,
            scheduled_statement: settings.scheduled_statement,
            resource_id: settings.resource_id,
            name: settings.function,
        })
    }

    /// The session, to open it ahead of the first event, and to close it after the last.
    pub fn session(&self) -> &Session<C> {
        &self.session
    }

    /// Answers one event.
    ///
    /// # Errors
    /// Every [`Kind`]. The function can take the next event after any of them.
    pub async fn handle(&self, event: &RawValue, deadline: Deadline) -> Result<Response, Error> {
        match event::parse(event)? {
            Request::Statement(call) => self.run(&[call], false, deadline).await,
            Request::Transaction(calls) => self.run(&calls, true, deadline).await,
            Request::Diagnose => {
                let patient = Patient {
                    connector: self.session.connector(),
                    catalogue: &self.catalogue,
                    scheduled_statement: &self.scheduled_statement,
                    resource_id: self.resource_id.as_deref(),
                    function: self.name.as_deref(),
                };
                Ok(Response::Diagnosis { diagnose: doctor::diagnose(&patient, deadline).await })
            }
            Request::Scheduled { id } => {
                tracing::info!(event_id = id, statement = self.scheduled_statement, "scheduled");
                let call = Call { statement: self.scheduled_statement.clone(), params: vec![] };
                self.run(&[call], false, deadline).await
            }
        }
    }

    /// Runs `calls`: on another connection once more where nothing was run on the first.
    async fn run(
        &self,
        calls: &[Call],
        transaction: bool,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        let work = calls
            .iter()
            .map(|call| {
                let statement = self.catalogue.get(&call.statement)?;
                statement.check_kind()?;
                Ok((call, statement))
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let job = Job { work: &work, transaction, deadline };
        match self.attempt(&job).await {
            Err(error) if error.calls_for_another_connection() => {
                tracing::info!(error = error.report(), "nothing was run, connecting again");
                self.attempt(&job).await
            }
            outcome => outcome,
        }
    }

    /// Does the job, and hands the connection back only when it is in step with the server, and its
    /// session is that of a new one.
    async fn attempt(&self, job: &Job<'_>) -> Result<Response, Error> {
        let mut lease = self.session.ready(job.deadline).await?;
        let mut attempt = Attempt::new(job, self.session.connector(), &mut lease);
        let outcome = attempt.under_locks().await;
        let as_new = !job.work.iter().any(|(_, statement)| statement.may_change_session());
        if attempt.is_in_step() && as_new {
            self.session.keep(lease);
        }
        outcome
    }
}

/// Why a CA bundle cannot be read or trusted.
fn no_roots(bundle: &Path, endpoint: &Endpoint) -> Cause {
    let layer_is_there = bundle.parent().is_some_and(Path::is_dir);
    match () {
        () if bundle.exists() => Cause::BundleUnusable,
        () if layer_is_there && bundle == TrustStore::default_path(endpoint) => {
            Cause::BundleLacksRegion
        }
        () => Cause::BundleMissing,
    }
}

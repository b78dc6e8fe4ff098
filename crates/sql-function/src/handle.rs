//! From an event to a response: the one path that every invocation takes.

use iam_auth::{Credentials, Endpoint, TokenSigner, TrustStore};
use serde_json::value::RawValue;
use std::num::NonZeroUsize;
use std::path::Path;

use crate::deadline::Deadline;
use crate::doctor;
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
                .caused_by(error.report())
        })?;
        let trust = TrustStore::load(&settings.ca_bundle, clock()).map_err(|error| {
            let advice = no_roots(&settings.ca_bundle, &settings.endpoint);
            Error::new(Kind::Settings, "cannot trust any server").caused_by(error).advice(advice)
        })?;
        let signer = TokenSigner::new(settings.endpoint, settings.user, credentials)
            .map_err(|error| Error::new(Kind::Settings, "DB_USER is wrong").caused_by(error))?;
        let login = Login {
            signer,
            trust,
            connect_to: settings.connect_to,
            database: settings.database,
            clock,
        };
        Ok(Function {
            session: Session::new(C::new(login), at_once, random),
            catalogue,
            scheduled_statement: settings.scheduled_statement,
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
                let diagnose = doctor::diagnose(&self.session, &self.catalogue, deadline).await;
                Ok(Response::Diagnosis { diagnose })
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
            .map(|call| Ok((call, self.catalogue.get(&call.statement)?)))
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

    /// Does the job, and hands the connection back only when it is in step with the server.
    async fn attempt(&self, job: &Job<'_>) -> Result<Response, Error> {
        let mut lease = self.session.ready(job.deadline).await?;
        let mut attempt = Attempt::new(job, self.session.connector(), &mut lease);
        let outcome = attempt.under_locks().await;
        if attempt.is_in_step() {
            self.session.keep(lease);
        }
        outcome
    }
}

/// What to do about a CA bundle that cannot be read or trusted.
fn no_roots(bundle: &Path, endpoint: &Endpoint) -> String {
    let layer_is_there = bundle.parent().is_some_and(Path::is_dir);
    if layer_is_there && !bundle.exists() && bundle == TrustStore::default_path(endpoint) {
        return format!(
            "the layer lacks the roots of {}: run `cargo xtask certs update`, then `cargo xtask \
             layer`, and attach the layer again",
            endpoint.region()
        );
    }
    "attach the rds-ca layer to the function (`cargo xtask layer` makes it), or set DB_CA_BUNDLE to \
     a PEM file with the CA certificates of the endpoint's region"
        .to_owned()
}

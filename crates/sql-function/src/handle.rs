//! From an event to a response: the path of every invocation.

use diagnosis::{Cause, Diagnosis};
use iam_auth::{Credentials, EndpointKind, TokenSigner, TrustStore};
use serde_json::value::RawValue;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use crate::catalogue::{Catalogue, SCHEDULED};
use crate::deadline::Deadline;
use crate::describe;
use crate::diagnose::{self, Subject};
use crate::driver::Connector;
use crate::error::{Error, Fate, Kind};
use crate::event::{self, Call, Request};
use crate::log_in::Random;
use crate::login::{Accepted, Clock, Login, Took};
use crate::perform::{Step, Work, perform};
use crate::place::Need;
use crate::placeholders;
use crate::pool::Pool;
use crate::response::Response;
use crate::retries::Retries;
use crate::said::Loggable;
use crate::settings::{Reader, Settings};
use crate::statement::{Mode, Statement};
use crate::texts::Texts;
use crate::writer::Writer;

/// What answers the events of a function.
pub(crate) trait Handler<C: Connector>: Send + Sync + 'static {
    /// Whether a function without statements cannot answer any event.
    const NEEDS_STATEMENTS: bool;

    /// Answers one event, within the deadline.
    ///
    /// # Errors
    /// Every [`Kind`]. The function can handle the next event after any of them.
    fn handle(
        &self,
        function: &Arc<Function<C>>,
        event: &RawValue,
        request_id: String,
        deadline: Deadline,
    ) -> impl Future<Output = Result<Response, Error>> + Send;
}

/// Runs the statements that events name.
pub(crate) struct Statements;

impl<C: Connector> Handler<C> for Statements {
    const NEEDS_STATEMENTS: bool = true;

    async fn handle(
        &self,
        function: &Arc<Function<C>>,
        event: &RawValue,
        _request_id: String,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        function.handle(event, deadline).await
    }
}

/// A function that is ready for events.
pub(crate) struct Function<C: Connector> {
    pool: Pool<C>,
    /// What the connection is for that is opened before the first event.
    warms: Need,
    catalogue: Catalogue,
    /// The statements in the code of a handler.
    texts: Texts,
    scheduled_statement: Option<String>,
    /// The resource ids in the role's policy, if the settings have them.
    resource_ids: Vec<String>,
    name: Option<String>,
}

impl<C: Connector> Function<C> {
    /// Checks everything that can be checked without the database. The function may receive
    /// `at_once` events at once, and `needs_statements` or works without the folder of them.
    ///
    /// # Errors
    /// [`Kind::Settings`] or [`Kind::Statement`].
    pub(crate) fn new(
        settings: Settings,
        credentials: Credentials,
        at_once: NonZeroUsize,
        needs_statements: bool,
        clock: Clock,
        random: Random,
    ) -> Result<Self, Error> {
        let catalogue = match needs_statements || Catalogue::is_in(&settings.statements) {
            true => Catalogue::load(&settings.statements, C::DIALECT)?,
            false => Catalogue::default(),
        };
        let trust = TrustStore::load(&settings.ca_bundle, clock()).map_err(|error| {
            let placeholders = placeholders::of_endpoint(C::TEXTS, &settings.endpoint)
                .with("bundle", &settings.ca_bundle.display().to_string());
            Error::new(Kind::Settings, "no usable trust anchors")
                .says(Loggable::of_error(&error))
                .certainly(no_roots(&settings), &placeholders)
        })?;
        let is_global = settings.endpoint.kind() == EndpointKind::GlobalWriter;
        let writer = (is_global && !settings.region_is_given).then(Writer::default);
        let signer =
            TokenSigner::new(settings.endpoint, settings.user, credentials).map_err(|error| {
                Error::new(Kind::Settings, "DB_USER is invalid")
                    .with_cause(Cause::SettingMalformed)
                    .says(Loggable::of_error(&error))
            })?;
        let login = Login {
            signer,
            trust,
            connect_to: settings.connect_to,
            database: settings.database,
            clock,
            texts: C::TEXTS,
            dated_ahead: 0,
            accepted: Accepted::default(),
            took: Took::default(),
            writer,
        };
        let reader = settings.reader.map(|Reader { endpoint, connect_to }| {
            C::new(Login { connect_to, ..login.at(endpoint) })
        });
        let warms = match needs_statements && catalogue.reads_alone() {
            true => Need::Read,
            false => Need::Write,
        };
        Ok(Function {
            pool: Pool::new(C::new(login), reader, at_once, random),
            warms,
            catalogue,
            texts: Texts::default(),
            scheduled_statement: settings.scheduled_statement,
            resource_ids: settings.resource_ids,
            name: settings.function,
        })
    }

    /// The connection pool, to be warmed up before the first event and closed after the last.
    pub(crate) fn pool(&self) -> &Pool<C> {
        &self.pool
    }

    /// Answers one event.
    ///
    /// # Errors
    /// Every [`Kind`]. The function can handle the next event after any of them.
    pub(crate) async fn handle(
        &self,
        event: &RawValue,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        match event::parse(event)? {
            Request::Statement(call) => {
                self.run_alone(&Work::Statement(self.step(call)?), deadline).await
            }
            Request::Transaction(calls) => {
                let all = calls.len();
                let steps = calls.into_iter().enumerate().map(|(at, call)| {
                    let failed = |error: Error| {
                        error.of_item(at, all).with("; nothing of the transaction was run")
                    };
                    self.step(call).map_err(failed)
                });
                let steps = steps.collect::<Result<_, _>>()?;
                self.run_alone(&Work::Transaction(steps), deadline).await
            }
            Request::Diagnose => {
                Ok(Response::Diagnosis { diagnose: Box::pin(self.diagnose(deadline)).await })
            }
            Request::Describe => {
                let described = describe::describe(&self.pool, &self.catalogue, deadline);
                Ok(Response::Description { describe: Box::pin(described).await? })
            }
            Request::Scheduled { id } => {
                if let Some(id) = id {
                    tracing::Span::current().record("eventId", id);
                }
                let name = self.scheduled_statement.as_deref().unwrap_or(SCHEDULED);
                let statement = self.catalogue.scheduled(name)?;
                self.run_alone(&Work::Statement((vec![].into(), statement)), deadline).await
            }
        }
    }

    /// Diagnoses the login.
    pub(crate) async fn diagnose(&self, deadline: Deadline) -> Diagnosis {
        let subject = Subject {
            connector: self.pool.connector(),
            reader: self.pool.reader(),
            catalogue: &self.catalogue,
            scheduled_statement: self.scheduled_statement.as_deref(),
            resource_ids: &self.resource_ids,
            function: self.name.as_deref(),
        };
        diagnose::diagnose(&subject, deadline).await
    }

    /// The statement of a call, with its parameters.
    fn step(&self, call: Call) -> Result<Step<'_>, Error> {
        let statement = self.statement(&call.statement)?;
        let params = statement.arguments(call.params);
        Ok((params.map_err(|error| error.with_fate(Fate::NotRun))?.into(), statement))
    }

    /// The deployed statement called `name`.
    ///
    /// # Errors
    /// [`Kind::Statement`].
    pub(crate) fn statement(&self, name: &str) -> Result<&Statement, Error> {
        self.catalogue.get(name).map_err(|error| error.with_fate(Fate::NotRun))
    }

    /// The statement `sql` in the code of a handler.
    ///
    /// # Errors
    /// [`Kind::Statement`].
    pub(crate) fn text(&self, sql: &'static str, mode: Mode) -> Result<Arc<Statement>, Error> {
        let text = self.texts.read(sql, mode, C::DIALECT);
        text.map_err(|error| error.with_fate(Fate::NotRun))
    }

    /// Does the only work of an event.
    async fn run_alone(&self, work: &Work<'_>, deadline: Deadline) -> Result<Response, Error> {
        self.run(work, work.need(), deadline).await
    }

    /// What the connection is for that is opened before the first event.
    pub(crate) fn warms(&self) -> Need {
        self.warms
    }

    /// Does `work` where it `need`s, and again as long as nothing was executed and that may succeed.
    pub(crate) async fn run(
        &self,
        work: &Work<'_>,
        need: Need,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        let mut retries = Retries::new(need);
        loop {
            match self.attempt(work, &mut retries, deadline).await {
                Ok(response) => return Ok(response),
                Err(error) => self.pool.wait(&mut retries, error, deadline).await?,
            }
        }
    }

    async fn attempt(
        &self,
        work: &Work<'_>,
        retries: &mut Retries,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        let lease = self.pool.acquire(retries, &work.statements(), deadline).await?;
        let (outcome, lease) = perform(work, deadline, lease).await;
        if let Some(lease) = lease {
            self.pool.release(lease);
        }
        outcome
    }
}

/// The cause of a CA bundle that cannot be used.
fn no_roots(settings: &Settings) -> Cause {
    let Settings { ca_bundle: bundle, endpoint, roots, .. } = settings;
    let layer_is_there = bundle.parent().is_some_and(Path::is_dir);
    match () {
        () if bundle.exists() => Cause::BundleUnusable,
        () if layer_is_there && *bundle == TrustStore::default_path(endpoint, *roots) => {
            Cause::BundleLacksRegion
        }
        () => Cause::BundleMissing,
    }
}

//! From an event to a response: the one path that every invocation takes.

use iam_auth::{Credentials, Endpoint, TokenSigner, TrustStore};
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use std::path::Path;
use tokio::time::Instant;

use crate::deadline::Deadline;
use crate::doctor;
use crate::error::{Error, Kind};
use crate::event::{self, Call, Request};
use crate::response::{Response, StatementResult};
use crate::rows::{RESPONSE_LIMIT, Rows};
use crate::session::{Clock, Connection, Connector, Login, Obtained, Session, millis};
use crate::settings::Settings;
use crate::statement::{Catalogue, Mode, Statement};

/// A function that is ready for events.
pub struct Function<C: Connector> {
    session: Session<C>,
    catalogue: Catalogue,
    scheduled_statement: String,
}

impl<C: Connector> Function<C> {
    /// Checks everything that can be checked without the database.
    ///
    /// # Errors
    /// [`Kind::Settings`] or [`Kind::Statement`], naming what is wrong.
    pub fn new(settings: Settings, credentials: Credentials, clock: Clock) -> Result<Self, Error> {
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
            session: Session::new(C::new(login)),
            catalogue,
            scheduled_statement: settings.scheduled_statement,
        })
    }

    /// The session, to open it ahead of the first event.
    pub fn session(&mut self) -> &mut Session<C> {
        &mut self.session
    }

    /// Answers one event.
    ///
    /// # Errors
    /// Every [`Kind`]. The function can take the next event after any of them.
    pub async fn handle(
        &mut self,
        event: &RawValue,
        deadline: Deadline,
    ) -> Result<Response, Error> {
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

    /// Runs `calls`, and hands the connection back only when it is in step with the server.
    async fn run(
        &mut self,
        calls: &[Call],
        transaction: bool,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        let work = calls
            .iter()
            .map(|call| Ok((call, self.catalogue.get(&call.statement)?)))
            .collect::<Result<Vec<_>, Error>>()?;
        let (mut connection, obtained) = self.session.ready(deadline).await?;
        let job = Job { work: &work, transaction, obtained, deadline };
        let (outcome, in_step) = under_locks(&mut connection, &job).await;
        if in_step {
            self.session.keep(connection);
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

type Work<'a> = [(&'a Call, &'a Statement)];

/// What an invocation has to do with its connection.
struct Job<'a> {
    work: &'a Work<'a>,
    transaction: bool,
    obtained: Obtained,
    deadline: Deadline,
}

/// Takes the lock of every exclusive statement, does the job, and gives the locks back. Tells whether
/// the connection may be used again: one that still holds a lock may not, for the lock ends with it.
async fn under_locks<C: Connection>(
    connection: &mut C,
    job: &Job<'_>,
) -> (Result<Response, Error>, bool) {
    // In order of their names, so that two transactions cannot each wait for the other's.
    let exclusive: BTreeSet<_> =
        job.work.iter().filter(|(_, s)| s.exclusive).map(|(_, s)| s.name.as_str()).collect();
    let mut held = Vec::new();
    let mut taken = None;
    for name in exclusive {
        let lock = connection.try_lock(name);
        match job.deadline.bound(|| format!("taking the lock of {name}"), lock).await {
            Ok(true) => held.push(name),
            Ok(false) => {
                taken = Some(name);
                break;
            }
            Err(error) => return (Err(error), false),
        }
    }
    let outcome = match taken {
        Some(name) => Ok(Response::Skipped {
            statement: name.to_owned(),
            skipped: true,
            reason: format!("another run of {name} holds its lock"),
            connection: job.obtained,
        }),
        None => perform(connection, job).await,
    };
    let mut in_step = outcome.as_ref().map_or_else(Error::leaves_connection_usable, |_| true);
    for name in held {
        let unlock = connection.unlock(name);
        in_step = in_step
            && job
                .deadline
                .bound(|| format!("giving back the lock of {name}"), unlock)
                .await
                .is_ok();
    }
    (outcome, in_step)
}

async fn perform<C: Connection>(connection: &mut C, job: &Job<'_>) -> Result<Response, Error> {
    if job.transaction {
        let transaction = in_transaction(connection, job.work, job.deadline).await?;
        return Ok(Response::Transaction { transaction, connection: job.obtained });
    }
    let mut results = each(connection, job.work, job.deadline).await?;
    // The work of a single statement has one element, so `results` has too.
    #[allow(clippy::expect_used)]
    let result = results.pop().expect("one statement has one result");
    Ok(Response::Statement { result, connection: job.obtained })
}

async fn in_transaction<C: Connection>(
    connection: &mut C,
    work: &Work<'_>,
    deadline: Deadline,
) -> Result<Vec<StatementResult>, Error> {
    let writes = work.iter().any(|(_, statement)| statement.mode == Mode::Write);
    let mode = if writes { Mode::Write } else { Mode::Read };
    deadline.bound(|| "the start of the transaction".into(), connection.begin(mode)).await?;
    match each(connection, work, deadline).await {
        Ok(results) => {
            deadline.bound(|| "the commit".into(), connection.commit()).await?;
            Ok(results)
        }
        Err(error) => {
            if error.leaves_connection_usable() {
                deadline.bound(|| "the rollback".into(), connection.rollback()).await?;
            }
            Err(error)
        }
    }
}

/// Runs one statement after another. Together they may return what Lambda lets one response hold.
async fn each<C: Connection>(
    connection: &mut C,
    work: &Work<'_>,
    deadline: Deadline,
) -> Result<Vec<StatementResult>, Error> {
    let mut results = Vec::with_capacity(work.len());
    let mut room = RESPONSE_LIMIT;
    for (call, statement) in work {
        let start = Instant::now();
        let mut rows = Rows::new(statement.max_rows, room);
        let deadline = deadline.at_most(statement.timeout);
        let run = connection.run(statement, &call.params, &mut rows);
        let affected = deadline.bound(|| format!("statement {:?}", statement.name), run).await?;
        room = room.saturating_sub(rows.bytes());
        let query_ms = millis(start.elapsed());
        results.push(StatementResult::new(&statement.name, rows, affected, query_ms));
    }
    Ok(results)
}

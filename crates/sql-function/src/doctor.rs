//! The way of a login, walked step by step, to name the first thing that is wrong.

use serde::Serialize;
use tokio::time::Instant;

use crate::deadline::Deadline;
use crate::engine::{Connection, Connector, millis};
use crate::error::Error;
use crate::session::Session;
use crate::statement::Catalogue;

/// What a walk along the way of a login found.
#[derive(Debug, Serialize)]
pub struct Diagnosis {
    /// Whether every step went well.
    pub ok: bool,
    /// The steps, in order, up to the first that failed. The statements are all tried.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Serialize)]
pub struct Step {
    /// Its name.
    pub step: String,
    /// Whether it went well.
    pub ok: bool,
    /// How long it took, in milliseconds.
    pub ms: f64,
    /// What was seen, or what is wrong and what to do.
    pub seen: String,
}

/// Walks the way of a login with a connection of its own, and has the server parse every statement
/// without running it.
pub(crate) async fn diagnose<C: Connector>(
    session: &Session<C>,
    catalogue: &Catalogue,
    deadline: Deadline,
) -> Diagnosis {
    let mut walk = Walk { steps: vec![] };
    walk_login(&mut walk, session, catalogue, deadline).await;
    Diagnosis { ok: walk.steps.iter().all(|step| step.ok), steps: walk.steps }
}

struct Walk {
    steps: Vec<Step>,
}

impl Walk {
    /// Records a step. Gives its value when the walk may go on.
    async fn step<T>(
        &mut self,
        name: impl Into<String>,
        work: impl Future<Output = Result<(T, String), Error>>,
    ) -> Option<T> {
        let start = Instant::now();
        let (value, ok, seen) = match work.await {
            Ok((value, seen)) => (Some(value), true, seen),
            Err(error) => (None, false, format!("{}: {}", error.error_type(), error.report())),
        };
        self.steps.push(Step { step: name.into(), ok, ms: millis(start.elapsed()), seen });
        value
    }
}

async fn walk_login<C: Connector>(
    walk: &mut Walk,
    session: &Session<C>,
    catalogue: &Catalogue,
    deadline: Deadline,
) -> Option<()> {
    let login = session.login();
    let endpoint = login.endpoint();
    let endpoint = format!(
        "{:?} {}:{} in {} ({}), dialled at {}",
        endpoint.kind(),
        endpoint.host(),
        endpoint.port(),
        endpoint.region(),
        endpoint.partition().as_str(),
        login.connect_to
    );
    walk.step("endpoint", async { Ok(((), endpoint)) }).await?;
    let trust = format!("{:?}", login.trust);
    walk.step("trust", async { Ok(((), trust)) }).await?;
    walk.step("credentials", async {
        login.token().await?;
        Ok(((), format!("a token for {:?} was signed", login.signer.user())))
    })
    .await?;
    // The session's own connection may be older than the trouble: a new one goes the whole way.
    let mut connection = walk
        .step("login", async {
            let connection = session.connect_apart(deadline).await?;
            Ok((connection, "TCP, TLS and token accepted".into()))
        })
        .await?;
    walk.step("database", async {
        let version = deadline.bound(|| "asking for the version".into(), connection.version());
        Ok(((), version.await?))
    })
    .await?;
    for statement in catalogue.iter() {
        walk.step(format!("statement {}", statement.name), async {
            let prepare = connection.prepare(statement);
            deadline.bound(|| format!("preparing {}", statement.name), prepare).await?;
            Ok(((), format!("{:?}, not run", statement.mode)))
        })
        .await;
    }
    Some(())
}

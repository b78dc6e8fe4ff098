//! Servers with a schema, and functions with statements in front of them.

use engine::Engine;
use local_lambda::Lambda;
use local_rds::{Server, Version};
use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::failure::Failure;
use crate::function::{function, with_role};
use crate::plan::{Planned, servers};
use crate::schema::{Cancelled, Schema, apply};

/// The time-out of a function, as `deploy/template.yaml` sets it.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Is told of each long step, in a line of text.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// The schema for an engine's server; none for an empty database.
pub type SchemaOf<'a> = &'a dyn Fn(Engine) -> Result<Option<Schema>, Failure>;

/// Everything that runs. Dropping it stops all processes and removes all files.
///
/// ```no_run
/// use local_stack::{Schemas, Stack, plan};
/// use std::path::Path;
/// use std::sync::Arc;
///
/// # async fn run() -> Result<(), local_stack::Failure> {
/// let mut schemas = Schemas::default();
/// schemas.add(Path::new("schema.sql"))?;
/// let functions = plan(Path::new("statements"), &[], &[])?;
/// let stack = Stack::start(
///     &functions,
///     &|engine| schemas.read(engine),
///     local_lambda::Lambda::builder(),
///     &(Arc::new(|line: &str| eprintln!("{line}")) as local_stack::Progress),
/// )
/// .await?;
/// for planned in &functions {
///     let answer = stack.invoke(&planned.name, r#"{"describe":true}"#).await?;
///     println!("{}", answer.payload);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Stack {
    // Dropped in this order: functions before the servers that they use.
    lambda: Lambda,
    servers: Vec<Server>,
    folder: TempDir,
}

/// The result of an invocation.
pub struct Answer {
    /// The response, or the error object.
    pub payload: String,
    /// `Unhandled` if the function failed.
    pub error: Option<String>,
    /// How long its environment took to initialise, if it did.
    pub init: Duration,
    /// How long the invocation took after that.
    pub duration: Duration,
}

impl Stack {
    /// Starts a server for each engine of `functions`, with its schema, and the functions.
    ///
    /// If the returned future is dropped, schemas stop before their next statement.
    ///
    /// # Errors
    /// A server does not start, refuses its schema (the text names file and line), or a function's program
    /// is not built.
    pub async fn start(
        functions: &[Planned],
        schema: SchemaOf<'_>,
        lambda: local_lambda::Builder,
        progress: &Progress,
    ) -> Result<Stack, Failure> {
        // No other user of the machine can enter it.
        let private = Permissions::from_mode(0o700);
        let folder =
            tempfile::Builder::new().prefix("rds-iam-lambda-").permissions(private).tempdir()?;
        let versions = servers(functions).into_iter();
        let schemas = versions.map(|version| {
            let schema = schema(version.engine())?;
            Ok((version, schema))
        });
        let schemas = schemas.collect::<Result<Vec<_>, Failure>>()?;
        let lambda = lambda.start().await?;
        let starting: Vec<_> = schemas
            .into_iter()
            .map(|(version, schema)| Starting::new(version, schema, progress.clone()))
            .collect();
        let mut stack = Stack { lambda, servers: Vec::new(), folder };
        for start in starting {
            stack.servers.push(start.wait().await?);
        }
        for planned in functions {
            stack.deploy(planned).await?;
        }
        Ok(stack)
    }

    /// Deploys a function anew: its next event meets a new environment, which reads the statements.
    ///
    /// # Errors
    /// Its program is not built.
    pub async fn deploy(&self, planned: &Planned) -> Result<(), Failure> {
        let server = self.server(planned.engine);
        let task_root = self.folder.path().join(&planned.name);
        if !task_root.exists() {
            fs::create_dir(&task_root)?;
            symlink(beside_this_program(planned.engine.function())?, task_root.join("bootstrap"))?;
        }
        // It reads them where they are, so that its errors name files that a person can edit.
        let statements = planned.function.folder.canonicalize()?.display().to_string();
        let function = with_role(function(server, &planned.name, task_root), server.access_key());
        let function = function.env("STATEMENTS_DIR", statements).timeout(TIMEOUT);
        Ok(self.lambda.replace_function(function).await?)
    }

    /// Puts a new server with `schema` in the place of the engine's; the old one serves until the new one
    /// is ready, and its functions are those of `functions`.
    ///
    /// # Errors
    /// As [`start`](Self::start); the old server stays.
    pub async fn renew(
        &mut self,
        engine: Engine,
        schema: Option<Schema>,
        functions: &[Planned],
        progress: &Progress,
    ) -> Result<(), Failure> {
        let mut versions = servers(functions).into_iter();
        let version = versions.find(|version| version.engine() == engine);
        let version = version.unwrap_or_else(|| engine.into());
        let server = Starting::new(version, schema, progress.clone()).wait().await?;
        let Some(old) = self.servers.iter_mut().find(|server| server.engine() == engine) else {
            return Err(format!("there is no server of {engine}").into());
        };
        let old = std::mem::replace(old, server);
        for planned in functions.iter().filter(|planned| planned.engine == engine) {
            self.deploy(planned).await?;
        }
        // Its end takes time.
        Ok(spawn_blocking(move || drop(old)).await?)
    }

    /// The engines of its servers.
    pub fn engines(&self) -> impl Iterator<Item = Engine> {
        self.servers.iter().map(Server::engine)
    }

    /// The server of an engine.
    ///
    /// # Panics
    /// No function of the stack is of this engine.
    #[must_use]
    #[allow(clippy::expect_used, reason = "documented")]
    pub fn server(&self, engine: Engine) -> &Server {
        let mut servers = self.servers.iter();
        servers.find(|server| server.engine() == engine).expect("an engine of the stack")
    }

    /// Sends an event to a function.
    ///
    /// # Errors
    /// There is no such function, or the event is not JSON.
    pub async fn invoke(&self, function: &str, event: &str) -> Result<Answer, Failure> {
        let invocation = self.lambda.invoke(function, event.to_owned()).await?;
        Ok(Answer {
            payload: String::from_utf8_lossy(&invocation.payload).into_owned(),
            error: invocation.function_error,
            init: invocation.init.unwrap_or_default(),
            duration: invocation.duration,
        })
    }

    /// The URL of the Invoke API.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        self.lambda.endpoint_url()
    }

    /// A folder that nobody else can enter, and that is removed with the stack.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A server that starts. Dropping it stops its schema.
struct Starting {
    server: JoinHandle<Result<Server, Failure>>,
    cancelled: Cancelled,
}

impl Starting {
    fn new(version: Version, schema: Option<Schema>, progress: Progress) -> Self {
        let cancelled = Cancelled::default();
        let stopped = cancelled.clone();
        let server = spawn_blocking(move || {
            let told = progress.clone();
            let server = Server::builder(version).progress(move |line| told(line)).start()?;
            if let Some(schema) = schema {
                apply(&schema, &server, &*progress, &stopped)?;
            }
            Ok(server)
        });
        Self { server, cancelled }
    }

    async fn wait(mut self) -> Result<Server, Failure> {
        (&mut self.server).await?
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.cancelled.cancel();
    }
}

/// A program that cargo built into the folder of this one.
fn beside_this_program(name: &str) -> Result<PathBuf, Failure> {
    let program = env::current_exe()?.with_file_name(name);
    if program.exists() {
        return Ok(program);
    }
    Err(format!("{} is not built: use `cargo xtask local`", program.display()).into())
}

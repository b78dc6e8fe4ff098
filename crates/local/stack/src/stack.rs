//! The parts, joined: a server for each engine, and the engine's function in front of it.

use local_lambda::Lambda;
use local_rds::{Engine, Server};
use local_stack::ITEMS;
use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

use crate::Failure;

/// Everything that runs. Dropping it stops all processes and removes all files.
pub(crate) struct Stack {
    // Dropped in this order: functions before the servers that they use.
    lambda: Lambda,
    functions: Vec<LocalFunction>,
    _servers: Vec<Server>,
    _folder: TempDir,
}

/// One function.
pub(crate) struct LocalFunction {
    pub(crate) name: String,
    /// The host of its server.
    pub(crate) server: String,
    /// The database user it logs in as.
    pub(crate) user: String,
}

/// The result of an invocation.
pub(crate) struct Answer {
    pub(crate) payload: String,
    pub(crate) error: Option<String>,
    pub(crate) init: Duration,
    pub(crate) duration: Duration,
}

impl Stack {
    pub(crate) async fn start(engines: &[Engine], port: Option<u16>) -> Result<Stack, Failure> {
        eprintln!("starting {}", names(engines));
        // No other user of the machine can enter it.
        let private = Permissions::from_mode(0o700);
        let folder =
            tempfile::Builder::new().prefix("rds-iam-lambda-").permissions(private).tempdir()?;
        let starting: Vec<_> = engines
            .iter()
            .map(|&engine| {
                tokio::task::spawn_blocking(move || {
                    let server = Server::builder(engine).setup(ITEMS);
                    server.progress(|line| eprintln!("{line}")).start()
                })
            })
            .collect();
        let lambda = match port {
            Some(port) => Lambda::builder().port(port).start().await?,
            None => Lambda::start().await?,
        };
        let mut servers = vec![];
        let mut functions = vec![];
        for start in starting {
            let server = start.await??;
            functions.push(create(&lambda, &server, folder.path()).await?);
            servers.push(server);
        }
        Ok(Stack { lambda, functions, _servers: servers, _folder: folder })
    }

    pub(crate) fn functions(&self) -> &[LocalFunction] {
        &self.functions
    }

    pub(crate) async fn invoke(
        &self,
        function: &LocalFunction,
        event: &str,
    ) -> Result<Answer, Failure> {
        let invocation = self.lambda.invoke(&function.name, event.to_owned()).await?;
        Ok(Answer {
            payload: String::from_utf8_lossy(&invocation.payload).into_owned(),
            error: invocation.function_error,
            init: invocation.init.unwrap_or_default(),
            duration: invocation.duration,
        })
    }

    /// A command for a shell. The client needs credentials, but nothing checks them.
    pub(crate) fn invoke_line(&self, function: &LocalFunction) -> String {
        // Versions 1 and 2 of the client both read a payload from a file as it is.
        format!(
            "echo '{{\"statement\":\"items\"}}' | AWS_ACCESS_KEY_ID=local \
             AWS_SECRET_ACCESS_KEY=local aws lambda invoke --region eu-west-1 --endpoint-url {} \
             --function-name {} --payload fileb:///dev/stdin response.json \
             && cat response.json",
            self.lambda.endpoint_url(),
            function.name
        )
    }
}

/// Deploys an engine's function and points it at `server`. It reads the statements where they are, so
/// that its errors name files that a person can edit.
async fn create(lambda: &Lambda, server: &Server, folder: &Path) -> Result<LocalFunction, Failure> {
    let engine = server.engine();
    let task_root = folder.join(engine.name());
    fs::create_dir(&task_root)?;
    symlink(beside_this_program(engine.function())?, task_root.join("bootstrap"))?;

    let name = format!("{}-function", engine.name());
    let function = local_stack::function(server, &name, task_root);
    let function = local_stack::with_role(function, server.access_key());
    let statements = statements_folder(engine)?.display().to_string();
    let function = function.env("STATEMENTS_DIR", statements).timeout(Duration::from_secs(10));
    lambda.create_function(function).await?;
    Ok(LocalFunction { name, server: server.host().to_owned(), user: server.user().to_owned() })
}

/// A program that cargo built into the folder of this one.
fn beside_this_program(name: &str) -> Result<PathBuf, Failure> {
    let program = env::current_exe()?.with_file_name(name);
    if program.exists() {
        return Ok(program);
    }
    Err(format!("{} is not built: use `cargo xtask local`", program.display()).into())
}

fn statements_folder(engine: Engine) -> Result<PathBuf, Failure> {
    let folder = local_stack::statements(engine)?;
    folder.canonicalize().map_err(|error| {
        format!("cannot find the statements in {}: {error}", folder.display()).into()
    })
}

fn names(engines: &[Engine]) -> String {
    engines.iter().map(|engine| engine.name()).collect::<Vec<_>>().join(", ")
}

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

/// Everything that runs. Dropping it stops and removes it all.
pub(crate) struct Stack {
    // Functions go before the servers they use.
    lambda: Lambda,
    functions: Vec<LocalFunction>,
    _servers: Vec<Server>,
    _folder: TempDir,
}

/// One function.
pub(crate) struct LocalFunction {
    pub(crate) name: String,
    /// The server it uses, for people.
    pub(crate) server: String,
    /// The database user it logs in as.
    pub(crate) user: String,
}

/// What an invocation gave.
pub(crate) struct Answer {
    pub(crate) payload: String,
    pub(crate) error: Option<String>,
    pub(crate) init: Duration,
    pub(crate) duration: Duration,
}

impl Stack {
    pub(crate) async fn start(engines: &[Engine], port: Option<u16>) -> Result<Stack, Failure> {
        eprintln!("starting {}", names(engines));
        // Nobody else of this machine gets into it.
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

    /// A line to paste into a shell. The credentials only satisfy the client: nothing checks them.
    pub(crate) fn invoke_line(&self, function: &LocalFunction) -> String {
        // A payload from a file is the same bytes to versions 1 and 2 of the client.
        format!(
            "echo '{{\"statement\":\"items\"}}' | AWS_ACCESS_KEY_ID=local \
             AWS_SECRET_ACCESS_KEY=local aws lambda invoke --region eu-west-1 --endpoint-url {} \
             --function-name {} --payload fileb:///dev/stdin /dev/stdout",
            self.lambda.endpoint_url(),
            function.name
        )
    }
}

/// Deploys an engine's function, in the shape its zip unpacks to, and points it at `server`.
async fn create(lambda: &Lambda, server: &Server, folder: &Path) -> Result<LocalFunction, Failure> {
    let engine = server.engine();
    let task_root = folder.join(engine.name());
    fs::create_dir(&task_root)?;
    symlink(beside_us(engine.function())?, task_root.join("bootstrap"))?;
    symlink(statements_folder(engine)?, task_root.join("statements"))?;

    let name = format!("{}-function", engine.name());
    let function = local_stack::function(server, &name, task_root);
    let function = local_stack::with_role(function, server.access_key());
    let function = function.timeout(Duration::from_secs(10));
    lambda.create_function(function).await?;
    Ok(LocalFunction { name, server: server.host().to_owned(), user: server.user().to_owned() })
}

/// A program that cargo built into the folder of this one.
fn beside_us(name: &str) -> Result<PathBuf, Failure> {
    let program = env::current_exe()?.with_file_name(name);
    if program.exists() {
        return Ok(program);
    }
    Err(format!("{} has not been built: use `cargo xtask local`", program.display()).into())
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

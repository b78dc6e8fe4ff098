//! What is measured: the functions as they are deployed, the floor under each, and a function that does nothing.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use engine::Engine;
use local_rds::Server;
use packaging::{Architecture, compile};
use reproducible_zip::{Entry, Method, zip};

use crate::Failure;

/// A program with the runtime crate alone.
pub(crate) const EMPTY: &str = "empty function";
/// Programs that are compiled for Lambda as the functions are.
const PROGRAMS: [&str; 2] = ["bench-floor", "bench-empty"];
const TOKENS: &str = "bench-token";
/// How many tokens are signed to measure how quickly that is.
const SIGNED: u32 = 20_000;

/// A function to measure.
pub(crate) struct Subject {
    /// What the report calls it.
    pub(crate) name: String,
    /// The engine of its database, if it has one.
    pub(crate) engine: Option<Engine>,
    /// Whether it is the floor under that engine's function.
    pub(crate) is_floor: bool,
    pub(crate) program: PathBuf,
    /// The size of its zip in bytes, without statements; a peer has none.
    pub(crate) zip: Option<usize>,
    /// How it is started, if it is written in another language.
    pub(crate) peer: Option<Peer>,
}

/// What a peer is started with, besides its program.
pub(crate) struct Peer {
    pub(crate) arguments: Vec<String>,
    pub(crate) settings: Vec<(String, String)>,
}

impl Subject {
    fn new(
        name: String,
        engine: Option<Engine>,
        is_floor: bool,
        program: PathBuf,
    ) -> Result<Subject, Failure> {
        let bytes = fs::read(&program)?;
        let entries = [("bootstrap".to_owned(), Entry::Program(&bytes))];
        let zip = Some(zip(Method::Deflated, entries)?.len());
        Ok(Subject { name, engine, is_floor, program, zip, peer: None })
    }

    /// The environment variables that it needs, besides those of a database.
    pub(crate) fn settings(
        &self,
        server: Option<&Server>,
        statements: &str,
    ) -> Vec<(String, String)> {
        let mut settings = vec![
            ("STATEMENTS_DIR", statements.to_owned()),
            // As Lambda sets them; a line of log for each event would be measured too.
            ("AWS_LAMBDA_FUNCTION_NAME", "bench".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench".to_owned()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "bench".to_owned()),
        ];
        if let Some(server) = server {
            let key = server.access_key();
            settings.extend([
                ("FLOOR_ENGINE", server.engine().to_string()),
                ("DB_HOST", server.host().to_owned()),
                ("DB_PORT", server.port().to_string()),
                ("DB_USER", server.user().to_owned()),
                ("DB_NAME", server.database().to_owned()),
                ("DB_CONNECT_TO", server.address().to_string()),
                ("DB_CA_BUNDLE", server.ca_bundle().display().to_string()),
                ("AWS_REGION", server.region().to_owned()),
                ("AWS_ACCESS_KEY_ID", key.id),
                ("AWS_SECRET_ACCESS_KEY", key.secret),
                ("AWS_SESSION_TOKEN", key.session_token.unwrap_or_default()),
            ]);
        }
        let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value));
        settings.chain(self.peer.iter().flat_map(|peer| peer.settings.clone())).collect()
    }
}

/// Builds all of them, as `cargo xtask build` builds the functions.
pub(crate) fn build(progress: &mut dyn FnMut(&str)) -> Result<Vec<Subject>, Failure> {
    let functions = functions(progress)?;
    let compiled = compile(&PROGRAMS, architecture()?, progress)?;
    let [floor, empty] = PROGRAMS.map(|program| compiled.path(program));
    let mut subjects = vec![];
    for function in functions {
        let engine = function.engine;
        let name = format!("{} floor", engine.map_or("", Engine::title));
        subjects.extend([function, Subject::new(name, engine, true, floor.clone())?]);
    }
    subjects.push(Subject::new(EMPTY.to_owned(), None, false, empty)?);
    Ok(subjects)
}

/// Builds the functions alone, one for each engine.
pub(crate) fn functions(progress: &mut dyn FnMut(&str)) -> Result<Vec<Subject>, Failure> {
    let packages = packaging::build(architecture()?, progress)?;
    let function = |engine: Engine| {
        let function = engine.function();
        let package = packages.iter().find(|package| package.function == function);
        let program = package.ok_or_else(|| format!("{function} was not built"))?.bootstrap.clone();
        Subject::new(format!("{} function", engine.title()), Some(engine), false, program)
    };
    Engine::ALL.into_iter().map(function).collect()
}

/// The program that signs tokens. It is compiled with the functions, whose features its dependencies then have: they
/// need not be compiled again.
pub(crate) fn signer(progress: &mut dyn FnMut(&str)) -> Result<PathBuf, Failure> {
    let [mysql, postgres] = packaging::FUNCTIONS.map(Engine::function);
    Ok(compile(&[mysql, postgres, TOKENS], architecture()?, progress)?.path(TOKENS))
}

/// How many tokens a second are signed.
pub(crate) fn tokens_per_second(progress: &mut dyn FnMut(&str)) -> Result<f64, Failure> {
    let output = Command::new(signer(progress)?).arg(SIGNED.to_string()).output()?;
    let seconds: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok(f64::from(SIGNED) / seconds)
}

fn architecture() -> Result<Architecture, Failure> {
    Architecture::of_this_machine()
        .ok_or_else(|| "Lambda has not this machine's architecture".into())
}

//! What is measured: the functions as they are deployed, the floor under each, and a function that does nothing.

use std::fs;
use std::path::PathBuf;

use engine::Engine;
use local_rds::Server;
use packaging::{Architecture, compile};
use reproducible_zip::{Entry, Method, zip};

use crate::Failure;
use crate::peers::Peer;

/// A program with the runtime crate alone.
pub(crate) const EMPTY: &str = "empty function";
/// Programs that are compiled for Lambda as the functions are.
const PROGRAMS: [&str; 2] = ["bench-floor", "bench-empty"];

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

impl Subject {
    /// The environment variables that it needs, besides those of a database.
    pub(crate) fn settings(&self, server: Option<&Server>, statements: &str) -> Vec<(String, String)> {
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
    let architecture =
        Architecture::of_this_machine().ok_or("Lambda has not this machine's architecture")?;
    let packages = packaging::build(architecture, progress)?;
    let compiled = compile(&PROGRAMS, architecture, progress)?;
    let zip_of = |program: &PathBuf| -> Result<usize, Failure> {
        let bytes = fs::read(program)?;
        let entries = [("bootstrap".to_owned(), Entry::Program(&bytes))];
        Ok(zip(Method::Deflated, entries)?.len())
    };
    let [floor, empty] = PROGRAMS.map(|program| compiled.path(program));
    let mut subjects = vec![];
    for engine in Engine::ALL {
        let function = engine.function();
        let package = packages.iter().find(|package| package.function == function);
        let program = package.ok_or_else(|| format!("{function} was not built"))?.bootstrap.clone();
        for (is_floor, program) in [(false, program), (true, floor.clone())] {
            let kind = if is_floor { "floor" } else { "function" };
            let name = format!("{} {kind}", engine.title());
            let zip = Some(zip_of(&program)?);
            subjects.push(Subject { name, engine: Some(engine), is_floor, program, zip, peer: None });
        }
    }
    let zip = Some(zip_of(&empty)?);
    let name = EMPTY.to_owned();
    subjects.push(Subject { name, engine: None, is_floor: false, program: empty, zip, peer: None });
    Ok(subjects)
}

//! Who is asked: a function on a local server, a deployed one, or a file with an answer.

use aws_cli::invoke;
use local_stack::{Failure, Planned, Progress, Stack, servers};
use std::env;
use std::path::Path;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use typed_clients::EVENT;

use super::flags::{Flags, Format};
use crate::{given, versions};

/// A function, and its answer.
pub(super) struct Described {
    pub(super) function: String,
    pub(super) answer: String,
}

/// The answer in a file, or on standard input if that is `-`.
pub(super) fn given(path: &Path) -> Result<Described, Failure> {
    let answer = given::text(path, "the answer", "--from")?;
    Ok(Described { function: path.display().to_string(), answer })
}

/// Asks the functions.
pub(super) async fn ask(flags: &Flags) -> Result<Vec<Described>, Failure> {
    match &flags.function {
        Some(function) => Ok(vec![ask_deployed(flags, function.clone()).await?]),
        None => ask_here(flags).await,
    }
}

async fn ask_deployed(flags: &Flags, function: String) -> Result<Described, Failure> {
    // Version 1 of the client ignores this variable.
    let own_region = env::var("AWS_REGION").ok().filter(|region| !region.is_empty());
    let (region, profile) = (flags.region.clone().or(own_region), flags.profile.clone());
    // On another thread, so that signals are handled meanwhile.
    let asking = spawn_blocking(move || {
        let aws = doctor::client::find(region.as_deref(), profile.as_deref(), &mut say)?;
        say(&format!("invoking the function {function}"));
        let invoked = invoke(&aws, &function, EVENT)?;
        let answer = String::from_utf8_lossy(&invoked.payload).into_owned();
        Ok::<_, Failure>(Described { function, answer })
    });
    asking.await?
}

async fn ask_here(flags: &Flags) -> Result<Vec<Described>, Failure> {
    let arguments = &flags.arguments;
    let functions = choose(arguments.functions()?, flags)?;
    let progress: Progress = Arc::new(say);
    versions::fetch(&arguments.servers, &progress).await?;
    let names: Vec<_> = servers(&functions).iter().map(ToString::to_string).collect();
    say(&format!("starting {}", names.join(", ")));
    if arguments.statements.is_some() && arguments.schemas.paths().next().is_none() {
        say("there is no --schema FILE: the database has no tables");
    }
    let schema = |engine| arguments.schema(engine);
    let lambda = local_lambda::Lambda::builder();
    let stack = Stack::start(&functions, &schema, lambda, &progress).await?;
    let mut described = Vec::new();
    for planned in &functions {
        let answer = stack.invoke(&planned.name, EVENT).await?.payload;
        described.push(Described { function: planned.name.clone(), answer });
    }
    Ok(described)
}

/// The functions that are asked: a client is that of one.
fn choose(functions: Vec<Planned>, flags: &Flags) -> Result<Vec<Planned>, Failure> {
    let names = |functions: &[Planned]| {
        let names = functions.iter().map(|planned| match planned.function.further() {
            Some(further) => format!("{}-{further}", planned.engine.statements()),
            None => planned.engine.statements().to_owned(),
        });
        names.collect::<Vec<_>>().join(", ")
    };
    let all = names(&functions);
    let chosen: Vec<_> = match &flags.function_folder {
        None => functions,
        Some(folder) => functions
            .into_iter()
            .filter(|planned| planned.function.short_name() == *folder)
            .collect(),
    };
    if chosen.is_empty() {
        let folder = flags.function_folder.as_deref().unwrap_or_default();
        return Err(format!("--function-folder {folder}: the folders are {all}").into());
    }
    if chosen.len() > 1 && flags.format != Format::Table {
        let names = names(&chosen);
        return Err(format!(
            "there are {} functions, {names}: choose one with --function-folder or --engine",
            chosen.len()
        )
        .into());
    }
    Ok(chosen)
}

fn say(line: &str) {
    eprintln!("{line}");
}

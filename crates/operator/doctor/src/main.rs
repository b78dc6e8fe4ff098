//! The program behind `cargo xtask doctor`: asks a function for its diagnosis, here or on AWS, adds what
//! AWS's APIs know, and shows it.

#![forbid(unsafe_code)]
#![allow(clippy::print_stderr)] // it talks to a person

mod cloud;
mod credentials;
mod flags;
mod here;

use aws_cli::{Aws, Database, Function, Invocation, discover, invoke};
use cloud::Login;
use command_line::print;
use credentials::Credentials;
use diagnosis::Diagnosis;
use doctor::{Terminal, client, visible};
use engine::Engine;
use flags::Flags;
use here::Settings;
use std::env;
use std::process::ExitCode;
use std::time::SystemTime;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;

/// Why there is no diagnosis.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The exit code when a step is not ok.
const WRONG: u8 = 1;
/// The exit code when there is no diagnosis.
const NO_DIAGNOSIS: u8 = 2;

fn main() -> ExitCode {
    let outcome = flags::parse(env::args_os().skip(1)).and_then(|flags| {
        let Some(flags) = flags else {
            print(flags::HELP);
            return Ok(0);
        };
        let runtime = Runtime::new()?;
        let outcome = runtime.block_on(until_interrupted(&flags));
        // The `aws` client, if it still runs, was interrupted too.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(NO_DIAGNOSIS)
        }
    }
}

async fn until_interrupted(flags: &Flags) -> Result<u8, Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    // Dropping the future kills the function's process and removes temporary files.
    tokio::select! {
        diagnosis = diagnose(flags) => diagnosis.map(|diagnosis| show(&diagnosis, flags.json)),
        _ = interrupt.recv() => Ok(130), // 128 + SIGINT, as shells count
        _ = terminate.recv() => Ok(143),
    }
}

/// Shows the diagnosis, and returns the exit code.
fn show(diagnosis: &Diagnosis, json: bool) -> u8 {
    match json {
        true => print(&serde_json::json!({ "diagnose": diagnosis }).to_string()),
        false => {
            let terminal = Terminal::of_stdout(env::var_os("NO_COLOR").as_deref());
            print(&doctor::render(diagnosis, terminal));
        }
    }
    if diagnosis.is_healthy() { 0 } else { WRONG }
}

async fn diagnose(flags: &Flags) -> Result<Diagnosis, Failure> {
    let aws = match flags.function.is_some() || flags.target.is_some() {
        true => Some(client(flags).await?),
        false => None,
    };
    let database = match (aws.clone(), flags.target.clone()) {
        (Some(aws), Some(target)) => {
            eprintln!("asking AWS about the {target}");
            Some(blocking(move || Ok(discover(&aws, &target)?)).await?)
        }
        _ => None,
    };
    let (answer, login) = match (&aws, &flags.function) {
        (Some(aws), Some(name)) => ask_deployed(aws, name, database.is_some()).await?,
        _ => ask_here(flags, database.as_ref()).await?,
    };
    let error = answer.function_error.as_deref();
    let diagnosis = doctor::read_answer(&answer.payload, error)
        .map_err(|error| with_log(&error, &answer.log))?;
    let (Some(aws), Some(database)) = (aws, database) else { return Ok(diagnosis) };
    eprintln!("asking AWS about the login");
    #[allow(clippy::disallowed_methods)] // the boundary
    let now = SystemTime::now();
    blocking(move || Ok(cloud::complete(diagnosis, &aws, &database, &login, now))).await
}

/// Asks the deployed function, and AWS about its configuration if `configured` is set.
async fn ask_deployed(
    aws: &Aws,
    name: &str,
    configured: bool,
) -> Result<(Invocation, Login), Failure> {
    let mut login = Login::default();
    if configured {
        let (aws, name) = (aws.clone(), name.to_owned());
        let function = blocking(move || Ok(Function::of(&aws, &name)?)).await?;
        let variable = |name: &str| function.variable(name).map(str::to_owned);
        (login.user, login.host) = (variable("DB_USER"), variable("DB_HOST"));
        (login.port, login.database) = (variable("DB_PORT"), variable("DB_NAME"));
        login.reader = variable("DB_READER_HOST");
        login.resource_ids = cloud::listed(variable("DB_RESOURCE_ID"));
        login.trust = variable("DB_CA_BUNDLE").or_else(|| variable("DB_TRUST"));
        login.function = Some(function);
    }
    eprintln!("invoking the function {name}");
    let (aws, name) = (aws.clone(), name.to_owned());
    let answer = blocking(move || Ok(invoke(&aws, &name, diagnosis::EVENT)?)).await?;
    Ok((answer, login))
}

/// Runs the function with the settings of the environment, of AWS and of the command line, each of which
/// overrides those before.
async fn ask_here(
    flags: &Flags,
    database: Option<&Database>,
) -> Result<(Invocation, Login), Failure> {
    let mut settings = of_environment()?;
    settings.extend(database.map(of_database).unwrap_or_default());
    let given = flags.settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    settings.extend(given);

    let engine = match (flags.engine, database, settings.get("DB_PORT")) {
        (Some(engine), ..) => engine,
        (None, Some(database), _) => database.engine,
        (None, None, Some(port)) => engine_of_port(port)?,
        (None, None, None) => return Err(engine_is_missing("mysql, mariadb or postgres")),
    };
    let own_region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
    here::complete(&mut settings, engine, own_region.as_deref())?;
    let region = here::region(&settings, engine, own_region)?;
    let credentials = find_credentials(flags.profile.clone()).await?;
    eprintln!("running {} here", engine.function());
    let answer = here::ask(engine, &settings, &region, credentials).await?;
    let setting = |name: &str| settings.get(name).cloned();
    let login = Login {
        user: setting("DB_USER"),
        host: setting("DB_HOST"),
        reader: setting("DB_READER_HOST"),
        database: setting("DB_NAME"),
        port: setting("DB_PORT"),
        resource_ids: cloud::listed(setting("DB_RESOURCE_ID")),
        // Set above where nobody has chosen it.
        trust: None,
        function: None,
    };
    Ok((answer, login))
}

/// The engine with the default port `port`.
fn engine_of_port(port: &str) -> Result<Engine, Failure> {
    let all = [Engine::MySql, Engine::Postgres];
    let engine = all.into_iter().find(|engine| engine.default_port().to_string() == port);
    engine.ok_or_else(|| engine_is_missing(&format!("port {port:?} is no engine's default")))
}

fn engine_is_missing(why: &str) -> Failure {
    format!("--engine is missing: {why}; see `cargo xtask doctor --help`").into()
}

/// The function's settings in the environment.
fn of_environment() -> Result<Settings, Failure> {
    let own = |name: &str| name.starts_with("DB_") || name == "SCHEDULED_STATEMENT";
    let mut settings: Settings = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, value)| (own(name) || name == "STATEMENTS_DIR") && !value.is_empty())
        .collect();
    for (name, value) in &mut settings {
        *value = flags::absolute(name, std::mem::take(value))?;
    }
    Ok(settings)
}

/// The function's settings that AWS knows.
fn of_database(database: &Database) -> Settings {
    let Database { endpoint, port, region, .. } = database;
    let gateway = database.internet_access_gateway.then(|| ("DB_TRUST", "amazon".to_owned()));
    [("DB_HOST", endpoint.clone()), ("DB_PORT", port.to_string()), ("DB_REGION", region.clone())]
        .into_iter()
        .chain(gateway)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The credentials of `profile`, or else of the environment, or else those that the `aws` client finds.
/// Without any, the function says so.
async fn find_credentials(profile: Option<String>) -> Result<Option<Credentials>, Failure> {
    if profile.is_none() {
        let own = Credentials::of_environment(variable);
        if own.is_some() {
            return Ok(own);
        }
    }
    blocking(move || match profile.or_else(|| variable("AWS_PROFILE")) {
        Some(profile) => {
            Ok(Some(Credentials::of_client(&client::find(None, Some(&profile), &mut say)?)?))
        }
        None => Ok(client::on_path().and_then(|aws| Credentials::of_client(&aws).ok())),
    })
    .await
}

async fn client(flags: &Flags) -> Result<Aws, Failure> {
    // Version 1 of the client ignores AWS_REGION.
    let region = flags.setting("DB_REGION").map(str::to_owned).or_else(|| variable("AWS_REGION"));
    let profile = flags.profile.clone();
    blocking(move || Ok(client::find(region.as_deref(), profile.as_deref(), &mut say)?)).await
}

fn say(line: &str) {
    eprintln!("{line}");
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Runs blocking work on another thread, so that signals are handled meanwhile.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    spawn_blocking(work).await?
}

/// The most lines of a log that are shown.
const LOG_LINES: usize = 12;

/// An error, with the end of the function's log.
fn with_log(error: &doctor::NoDiagnosis, log: &str) -> Failure {
    let lines: Vec<_> = log.lines().filter(|line| !line.trim().is_empty()).map(visible).collect();
    let last = &lines[lines.len().saturating_sub(LOG_LINES)..];
    if last.is_empty() || error.is_explained() {
        return error.to_string().into();
    }
    format!("{error}\nThe end of its log:\n  {}", last.join("\n  ")).into()
}

//! A stack that a person works with: what it shows at first, and after each change of a file.

use engine::Engine;
use local_lambda::Lambda;
use local_stack::{Failure, Planned, Progress, Schema, Stack, engines, servers};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::changes::{Difference, Texts};
use super::flags::Flags;
use super::runs::{self, Run, Runs};
use super::snapshot::{self, Snapshot};
use super::token::TokenPipe;
use super::{event, invocations, show};
use crate::arguments::Arguments;
use crate::{place, table, versions};

/// Everything that runs.
pub(crate) struct Session<'a> {
    arguments: &'a Arguments,
    json: bool,
    event: Option<String>,
    now: fn() -> SystemTime,
    progress: Progress,
    /// The files when they were first read.
    snapshot: Snapshot,
    texts: Texts,
    functions: Vec<Planned>,
    tokens: Vec<TokenPipe>,
    /// Of each function, the first event that it answered with rows.
    answered: RefCell<BTreeMap<String, String>>,
    stack: Stack,
}

impl<'a> Session<'a> {
    /// Starts servers and functions.
    pub(crate) async fn start(
        flags: &'a Flags,
        event: Option<String>,
        now: fn() -> SystemTime,
    ) -> Result<Session<'a>, Failure> {
        let arguments = &flags.arguments;
        let functions = arguments.functions()?;
        let snapshot = snapshot::take(&watched(arguments)?);
        let texts = Texts::read(&functions, arguments);
        let json = flags.json;
        let lambda = Lambda::builder().port(flags.port.unwrap_or(0)).observer(move |invoked| {
            let line = invocations::line(invoked, now());
            // Standard output is JSON alone.
            if json { eprintln!("{line}") } else { command_line::print(&line) }
        });
        let progress: Progress = Arc::new(|line: &str| eprintln!("{line}"));
        versions::fetch(&arguments.servers, &progress).await?;
        let names: Vec<_> = servers(&functions).iter().map(ToString::to_string).collect();
        progress(&format!("starting {}", names.join(", ")));
        if arguments.statements.is_some() && arguments.schemas.paths().next().is_none() {
            progress("there is no --schema FILE: the database has no tables");
        }
        let schema = |engine| arguments.schema(engine);
        let stack = Stack::start(&functions, &schema, lambda, &progress).await?;
        let (tokens, answered) = (Vec::new(), RefCell::default());
        Ok(Session {
            arguments,
            json,
            event,
            now,
            progress,
            snapshot,
            texts,
            functions,
            tokens,
            answered,
            stack,
        })
    }

    /// Prints a text for people.
    pub(crate) fn say(&self, text: &str) {
        if !self.json {
            command_line::print(text);
        }
    }

    /// Runs and shows every statement, or the event, and a diagnosis of each function. Returns whether all
    /// went well.
    pub(crate) async fn show_everything(&self) -> Result<bool, Failure> {
        let mut is_healthy = true;
        for planned in self.called() {
            is_healthy &= self.show(planned, None).await?;
            if !self.json {
                let answer = self.stack.invoke(&planned.name, diagnosis::EVENT).await?;
                self.say(&show::diagnosis(&answer)?);
            }
        }
        Ok(is_healthy)
    }

    /// The functions that are called: all, or those that have the event's statements.
    fn called(&self) -> Vec<&Planned> {
        let event = self.event.as_deref().map(serde_json::from_str);
        let event = event.and_then(Result::ok).unwrap_or(Value::Null);
        let names = event::statements(&event);
        let knows = |planned: &&Planned| {
            let catalogue = planned.function.catalogue();
            catalogue.is_ok_and(|catalogue| {
                names.iter().all(|name| catalogue.names().any(|own| own == *name))
            })
        };
        let knowing: Vec<_> = self.functions.iter().filter(knows).collect();
        // Each says that it has no such statement.
        if knowing.is_empty() { self.functions.iter().collect() } else { knowing }
    }

    /// Runs and shows the statements called `only` of a function, or all; or the event.
    async fn show(
        &self,
        planned: &Planned,
        only: Option<&BTreeSet<String>>,
    ) -> Result<bool, Failure> {
        self.say(&show::heading(planned, self.stack.server(planned.engine)));
        let runs = match &self.event {
            Some(event) => {
                let value = serde_json::from_str(event)?;
                let run = Run { title: event::form(&value), event: event.clone() };
                Runs { run: vec![run], ..Runs::default() }
            }
            None => match planned.function.catalogue() {
                Ok(catalogue) => runs::of(&catalogue, only, (self.now)()),
                Err(error) => Runs { refused: vec![error.report()], ..Runs::default() },
            },
        };
        let mut is_healthy = runs.refused.is_empty();
        for run in &runs.run {
            is_healthy &= self.run(planned, run).await?;
        }
        if let Some(rest) = show::rest(&runs) {
            self.say(&rest);
        }
        Ok(is_healthy)
    }

    /// Sends an event and shows the answer; a second time, if a new environment answered and nothing was
    /// written, to see how long a warm one takes.
    async fn run(&self, planned: &Planned, Run { title, event }: &Run) -> Result<bool, Failure> {
        let function = &planned.name;
        let answer = self.stack.invoke(function, event).await?;
        let is_read = answer.error.is_none() && table::is_read(&answer.payload);
        // What a person sent may have values that are not to be shown again.
        if is_read && self.event.is_none() {
            let mut answered = self.answered.borrow_mut();
            answered.entry(function.clone()).or_insert_with(|| event.clone());
        }
        if self.json {
            command_line::print(&answer.payload);
            return Ok(answer.error.is_none());
        }
        let again = !answer.init.is_zero() && is_read;
        let warm = if again { Some(self.stack.invoke(function, event).await?) } else { None };
        let place = answer.error.as_ref().and_then(|_| place_of(planned, event, &answer.payload));
        self.say(&show::answer(title, place.as_deref(), &answer, warm.as_ref()));
        Ok(answer.error.is_none() && warm.is_none_or(|warm| warm.error.is_none()))
    }

    /// Prints how to invoke the functions and how to log in to the databases.
    pub(crate) fn say_how_to_use(&mut self) -> Result<(), Failure> {
        let url = self.stack.endpoint_url();
        self.say("\nServing the Invoke API until Ctrl-C. Invoke a function with:\n");
        for planned in &self.functions {
            self.say(&show::curl_line(&planned.name, &self.example(planned), &url));
        }
        self.say("\nOr with the AWS client:\n");
        for planned in &self.functions {
            self.say(&show::aws_line(&planned.name, &self.example(planned), &url));
        }
        for engine in engines(&self.functions) {
            self.say_login(engine)?;
        }
        self.say("\nSave a statement or the schema, and it runs again.");
        Ok(())
    }

    /// An event that the function answers: a read that it answered just now, or else what it describes.
    fn example(&self, planned: &Planned) -> String {
        self.answered
            .borrow()
            .get(&planned.name)
            .map_or(typed_clients::EVENT, String::as_str)
            .to_owned()
    }

    /// Prints a database's address, and the command line of its client.
    fn say_login(&mut self, engine: Engine) -> Result<(), Failure> {
        let server = self.stack.server(engine);
        self.tokens.retain(|pipe| pipe.engine() != engine);
        let pipe = TokenPipe::open(self.stack.folder(), server, self.now)?;
        let line = server.client_line(&format!("cat {}", pipe.path().display()));
        self.tokens.push(pipe);
        let line = line.replace('\n', "\n  ");
        let (title, address) = (engine.title(), self.stack.server(engine).address());
        self.say(&format!("\n{title} is at {address}. Log in with a new token:\n\n  {line}"));
        Ok(())
    }

    /// Waits for changes of files, and shows what they do, until the returned future is dropped.
    pub(crate) async fn follow_changes(&mut self) -> Result<Infallible, Failure> {
        let paths = watched(self.arguments)?;
        loop {
            self.snapshot = snapshot::changed(&paths, &self.snapshot).await;
            if let Err(error) = self.update().await {
                eprintln!("error: {}", command_line::chain(&*error));
            }
        }
    }

    /// Reads everything anew, and runs what changed.
    async fn update(&mut self) -> Result<(), Failure> {
        let functions = self.arguments.functions()?;
        let running: Vec<_> = self.stack.engines().collect();
        let (functions, idle): (Vec<_>, Vec<_>) =
            functions.into_iter().partition(|planned| running.contains(&planned.engine));
        for planned in idle {
            let (folder, engine) = (planned.function.folder.display(), planned.engine);
            self.say(&format!("\n{folder}: start the command again for a server of {engine}"));
        }
        let texts = Texts::read(&functions, self.arguments);
        let before = std::mem::replace(&mut self.texts, texts);
        self.functions = functions;
        let mut renewed = Vec::new();
        for (engine, schema) in self.texts.schemas(&before) {
            match schema {
                Ok(schema) => renewed.extend(self.renew(engine, schema).await?.then_some(engine)),
                Err(error) => eprintln!("error: {error}"),
            }
        }
        for planned in &self.functions {
            let difference = self.texts.difference(&before, &planned.name);
            let is_renewed = renewed.contains(&planned.engine);
            if let Err(error) = self.follow(planned, &difference, is_renewed).await {
                eprintln!("error: {}: {}", planned.name, command_line::chain(&*error));
            }
        }
        Ok(())
    }

    /// Deploys a function whose statements changed, and runs those; or all, in a new database.
    async fn follow(
        &self,
        planned: &Planned,
        Difference { changed, gone }: &Difference,
        is_renewed: bool,
    ) -> Result<(), Failure> {
        for name in gone {
            self.say(&format!("\n{}: {name} is gone", planned.name));
        }
        if !changed.is_empty() || !gone.is_empty() {
            self.stack.deploy(planned).await?;
        }
        if !self.called().contains(&planned) {
            return Ok(());
        }
        if is_renewed {
            self.show(planned, None).await?;
        } else if !changed.is_empty() && self.concerns(changed) {
            self.show(planned, Some(changed)).await?;
        }
        Ok(())
    }

    /// Whether an event of these statements is shown.
    fn concerns(&self, changed: &BTreeSet<String>) -> bool {
        let Some(event) = &self.event else { return true };
        let event = serde_json::from_str(event).unwrap_or(Value::Null);
        let names = event::statements(&event);
        names.is_empty() || names.iter().any(|name| changed.contains(*name))
    }

    /// Makes a new database, unless the schema is wrong.
    async fn renew(&mut self, engine: Engine, schema: Option<Schema>) -> Result<bool, Failure> {
        let path = schema.as_ref().map(|schema| schema.path.display().to_string());
        let path = path.unwrap_or_default();
        self.say(&format!("\n{path} changed: making a new {} database", engine.title()));
        let (functions, progress) = (self.functions.clone(), self.progress.clone());
        if let Err(error) = self.stack.renew(engine, schema, &functions, &progress).await {
            eprintln!("error: {}\nThe database before stays.", command_line::chain(&*error));
            return Ok(false);
        }
        self.say_login(engine)?;
        Ok(true)
    }
}

/// `FILE:LINE: ` of the statement of an event, if its answer is that the server refused it.
fn place_of(planned: &Planned, event: &str, answer: &str) -> Option<String> {
    let event = serde_json::from_str(event).ok()?;
    let answer: Value = serde_json::from_str(answer).ok()?;
    let [name] = event::statements(&event)[..] else { return None };
    let message = answer["errorMessage"].as_str().filter(|_| answer["errorType"] == "Query")?;
    let file = place::file(planned, name);
    let catalogue = planned.function.catalogue().ok()?;
    let line = place::line(catalogue.get(name).ok()?, &place::reason(name, &file, message));
    Some(format!("{}:{line}: ", file.display()))
}

/// The files and folders whose changes count.
fn watched(arguments: &Arguments) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = vec![arguments.statements()?.0];
    paths.extend(arguments.schemas.paths().map(ToOwned::to_owned));
    Ok(paths)
}

//! `cargo xtask check`: has the functions of a folder describe their statements on real servers, and says
//! what is wrong with file and line.

mod flags;
mod report;

use command_line::print;
use doctor::visible;
use local_lambda::Lambda;
use local_stack::{Failure, Planned, Progress, Stack, servers};
use serde_json::Value;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::sync::Arc;

use crate::arguments::Arguments;
use crate::signals::Signals;
use crate::{table, versions};
use report::{Checked, Report};

/// Runs the command, and returns the exit code.
pub(crate) async fn run(arguments: impl Iterator<Item = OsString>) -> Result<u8, Failure> {
    let Some(flags) = flags::parse(arguments)? else {
        print(flags::HELP);
        return Ok(0);
    };
    let mut signals = Signals::catch()?;
    let report = tokio::select! {
        report = check(&flags.arguments) => report?,
        code = signals.received() => return Ok(code),
    };
    print(&if flags.json { report.json().to_string() } else { report.text() });
    Ok(u8::from(!report.is_right()))
}

async fn check(arguments: &Arguments) -> Result<Report, Failure> {
    let functions = arguments.functions()?;
    for planned in &functions {
        planned.function.catalogue().map_err(|error| error.report())?;
        if arguments.schema(planned.engine)?.is_none() {
            let engine = planned.engine;
            return Err(format!(
                "there is no schema for {engine}: give the SQL that makes its tables, with --schema FILE or \
                 --schema {engine}=FILE"
            )
            .into());
        }
    }
    // What a log of CI does not need.
    let is_terminal = io::stderr().is_terminal();
    let progress: Progress = Arc::new(move |line: &str| {
        if is_terminal {
            eprintln!("{line}");
        }
    });
    versions::fetch(&arguments.servers, &progress).await?;
    let names: Vec<_> = servers(&functions).iter().map(ToString::to_string).collect();
    progress(&format!("starting {}", names.join(", ")));
    let schema = |engine| arguments.schema(engine);
    let stack = Stack::start(&functions, &schema, Lambda::builder(), &progress).await?;
    let mut report = Report::default();
    for planned in &functions {
        report.add(described(&stack, planned).await?);
    }
    Ok(report)
}

/// What a function says of its statements.
async fn described(stack: &Stack, planned: &Planned) -> Result<Checked, Failure> {
    let answer = stack.invoke(&planned.name, typed_clients::EVENT).await?;
    if answer.error.is_some() {
        let error = table::error(&answer.payload);
        return Err(format!("{} cannot be asked: {error}", planned.name).into());
    }
    let mut answer: Value = serde_json::from_str(&answer.payload)?;
    let Value::Array(statements) = answer["describe"]["statements"].take() else {
        let answer = visible(&answer.to_string());
        return Err(format!("{} does not describe its statements: {answer}", planned.name).into());
    };
    let server = stack.server(planned.engine).version().to_owned();
    Ok(Checked { planned: planned.clone(), server, statements })
}

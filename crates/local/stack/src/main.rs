//! The whole system on one machine: real servers, Lambda's APIs, and both functions.
//! `cargo xtask local` builds and runs it.

#![forbid(unsafe_code)]
#![allow(clippy::print_stderr)] // it talks to a person

mod event;
mod flags;
mod stack;
mod table;

use doctor::Terminal;
use flags::Flags;
use stack::{Answer, LocalFunction, Stack};
use std::env;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Why the program failed, for the person who started it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Prints a line. A reader that stops reading, such as `head`, is not an error.
macro_rules! say {
    ($($text:tt)*) => {{
        let _ = writeln!(io::stdout(), $($text)*);
    }};
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = async {
        let Some(flags) = flags::parse()? else {
            say!("{}", flags::HELP.trim_end());
            return Ok(ExitCode::SUCCESS);
        };
        // Before signals are caught: Ctrl-C ends a program that waits for standard input.
        let event = event::load(flags.event.as_deref())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        // A stack that is dropped stops its processes and removes its files.
        let end = tokio::select! {
            outcome = run(&flags, &event) => outcome?,
            _ = interrupt.recv() => End::Code(130), // 128 + SIGINT, as shells count
            _ = terminate.recv() => End::Code(143),
        };
        match end {
            End::Code(code) => Ok::<_, Failure>(ExitCode::from(code)),
            End::Serving(_stack) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    };
    match outcome.await {
        Ok(code) => code,
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                text += &format!(": {error}");
                cause = error.source();
            }
            eprintln!("error: {text}");
            ExitCode::FAILURE
        }
    }
}

/// How a run continues after the rows.
enum End {
    /// It ends with this exit code.
    Code(u8),
    /// It serves until a signal, and then succeeds.
    Serving(Stack),
}

async fn run(flags: &Flags, event: &str) -> Result<End, Failure> {
    let stack = Stack::start(&flags.engines, flags.port).await?;
    let mut failed = false;
    for function in stack.functions() {
        let cold = stack.invoke(function, event).await?;
        failed |= cold.error.is_some();
        if flags.json {
            say!("{}", cold.payload);
            continue;
        }
        say!("\n{}", heading(function, &cold));
        match &cold.error {
            Some(_) => say!("{}", table::error(&cold.payload)),
            None => {
                say!("{}", table::answer(&cold.payload));
                let mut times = cold_time(&cold);
                // Nothing is written twice.
                if table::is_read(&cold.payload) {
                    let warm = stack.invoke(function, event).await?;
                    failed |= warm.error.is_some();
                    times += &warm_time(&warm);
                }
                say!("{times}");
            }
        }
        say!("{}", diagnosis(&stack, function).await?);
    }
    if flags.once {
        return Ok(End::Code(failed.into()));
    }
    if !flags.json {
        say!("\nServing the Invoke API until Ctrl-C. Invoke a function with:\n");
        for function in stack.functions() {
            say!("{}\n", stack.invoke_line(function));
        }
    }
    Ok(End::Serving(stack))
}

/// The function's diagnosis: one line, unless something is wrong.
async fn diagnosis(stack: &Stack, function: &LocalFunction) -> Result<String, Failure> {
    let answer = stack.invoke(function, diagnosis::EVENT).await?;
    let diagnosis = doctor::read_answer(answer.payload.as_bytes(), answer.error.as_deref())?;
    if diagnosis.is_healthy() {
        return Ok(format!("diagnosis: {}", doctor::summary(&diagnosis)));
    }
    let terminal = Terminal::of_stdout(env::var_os("NO_COLOR").as_deref());
    Ok(format!("diagnosis:\n{}", doctor::render(&diagnosis, terminal)))
}

fn heading(function: &LocalFunction, answer: &Answer) -> String {
    let LocalFunction { name, server, user } = function;
    match answer.error {
        None => format!("{name} answered, logged in to {server} as {user}"),
        // It may not have logged in.
        Some(_) => format!("{name} failed; its server is {server}, its user {user}"),
    }
}

fn cold_time(cold: &Answer) -> String {
    format!(
        "cold {:.1} ms (init {:.1} ms, login included, + invocation {:.1} ms)",
        ms(cold.init + cold.duration),
        ms(cold.init),
        ms(cold.duration)
    )
}

fn warm_time(warm: &Answer) -> String {
    match warm.error {
        None => format!(", warm {:.1} ms", ms(warm.duration)),
        Some(_) => format!("; sent again, it failed: {}", table::error(&warm.payload)),
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

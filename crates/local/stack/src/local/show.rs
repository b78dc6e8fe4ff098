//! What is printed about functions and their answers.

use diagnosis::{Step, Verdict};
use doctor::{Terminal, visible};
use local_rds::Server;
use local_stack::{Answer, Failure, Planned};
use packaging::places;
use std::env;
use std::time::Duration;

use super::runs::Runs;
use crate::table;

/// A function's heading.
pub(crate) fn heading(planned: &Planned, server: &Server) -> String {
    format!(
        "\n{}: {} {}, user {}",
        planned.name,
        planned.engine.title(),
        server.version(),
        server.user()
    )
}

/// An answer below its title, that of an error after its place, and how long it took; that of the same event sent again, if it was.
pub(crate) fn answer(
    title: &str,
    place: Option<&str>,
    cold: &Answer,
    warm: Option<&Answer>,
) -> String {
    if cold.error.is_some() {
        let error =
            places(&table::error(&cold.payload)).replace(" What to do: ", "\n  What to do: ");
        return format!("\n{title}: failed\n  {}{error}", place.unwrap_or_default());
    }
    let mut times = format!("{:.1} ms", ms(cold.init + cold.duration));
    if !cold.init.is_zero() {
        times = format!(
            "cold {times} (init with login {:.1} ms, event {:.1} ms)",
            ms(cold.init),
            ms(cold.duration)
        );
    }
    match warm.map(|warm| (warm, &warm.error)) {
        None => {}
        Some((warm, None)) => times += &format!(", warm {:.1} ms", ms(warm.duration)),
        Some((warm, Some(_))) => {
            times += &format!("; sent again, it failed: {}", table::error(&warm.payload));
        }
    }
    format!("\n{title}\n{}\n  {times}", table::answer(&cold.payload))
}

/// The statements that are refused, and those that were not run, if there are any.
pub(crate) fn rest(runs: &Runs) -> Option<String> {
    let mut lines: Vec<_> =
        runs.refused.iter().map(|why| format!("\nrefused: {}", places(why))).collect();
    if !runs.others.is_empty() {
        lines.push(
            "\nNot run, as they write or take parameters. Events for --event FILE:".to_owned(),
        );
        lines.extend(runs.others.iter().map(|event| format!("  {event}")));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A diagnosis: one line, unless something other than a statement is wrong.
pub(crate) fn diagnosis(answer: &Answer) -> Result<String, Failure> {
    let diagnosis = doctor::read_answer(answer.payload.as_bytes(), answer.error.as_deref())?;
    if diagnosis.is_healthy() {
        return Ok(format!("\ndiagnosis: {}", doctor::summary(&diagnosis)));
    }
    // A bad file is a warning of the settings, too.
    let is_elsewhere = |step: &&Step| match step.name.as_str() {
        "statements" => false,
        "settings" => step.verdict == Verdict::Failed,
        _ => step.verdict != Verdict::Ok,
    };
    let statements = diagnosis.steps.iter().find(|step| step.name == "statements");
    if let Some(statements) =
        statements.filter(|_| !diagnosis.steps.iter().any(|step| is_elsewhere(&step)))
    {
        let seen = places(&visible(&statements.seen));
        return Ok(format!("\ndiagnosis: the login is ok, but not every statement:\n  {seen}"));
    }
    let terminal = Terminal::of_stdout(env::var_os("NO_COLOR").as_deref());
    Ok(format!("\ndiagnosis:\n{}", doctor::render(&diagnosis, terminal)))
}

/// How to invoke a function with curl, on lines that a shell joins.
pub(crate) fn curl_line(function: &str, event: &str, endpoint_url: &str) -> String {
    let event = event.replace('\'', r"'\''");
    format!(
        "  curl --header 'Content-Type: application/json' \\\n    --data '{event}' \\\n    \
         {endpoint_url}/2015-03-31/functions/{function}/invocations"
    )
}

/// The same with the AWS client.
pub(crate) fn aws_line(function: &str, event: &str, endpoint_url: &str) -> String {
    // Nothing checks the credentials that the client needs. Its versions 1 and 2 both read a payload from a
    // file as it is.
    let event = event.replace('\'', r"'\''");
    format!(
        "  echo '{event}' | \\\n  \
         AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local aws lambda invoke \\\n    \
         --region eu-west-1 --endpoint-url {endpoint_url} \\\n    \
         --function-name {function} \\\n    \
         --payload fileb:///dev/stdin response.json && cat response.json"
    )
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

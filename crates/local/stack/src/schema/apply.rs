//! Runs a schema on a server as its administrator, and says which line the server refuses.

use engine::Engine;
use local_rds::Server;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Schema;
use super::split::{NotUnderstood, Piece, split};
use crate::failure::Failure;

/// How often the progress of a long schema is told.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

/// Tells a schema that is being applied to stop before its next statement.
#[derive(Clone, Debug, Default)]
pub struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    /// Stops it.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs the statements of `schema` in the server's database, one after the other. `progress` is told of
/// one that takes long.
///
/// # Errors
/// `FILE:LINE: ` and why: the server's own words about the first statement that it refuses, or a command
/// that only a client understands.
pub fn apply(
    schema: &Schema,
    server: &Server,
    progress: &dyn Fn(&str),
    cancelled: &Cancelled,
) -> Result<(), Failure> {
    let (path, engine) = (schema.path.display(), server.engine());
    let pieces = split(&schema.sql, engine)
        .map_err(|NotUnderstood { line, why }| format!("{path}:{line}: {why}"))?;
    if engine == Engine::Postgres {
        // It has all rights on the tables already.
        let user = server.user();
        server.execute(&format!("ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO {user}"))?;
    }
    let begun = Instant::now();
    let mut told = begun;
    for (done, piece) in pieces.iter().enumerate() {
        if cancelled.0.load(Ordering::Relaxed) {
            return Err(format!("{path}: stopped after {done} statements").into());
        }
        server.execute(piece.sql).map_err(|error| {
            let said = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            let said = said.strip_prefix("statement 1: ").unwrap_or(&said);
            let line = line(piece, said);
            format!("{path}:{line}: {engine}: {}{}", without_position(said), advice(said))
        })?;
        if told.elapsed() >= PROGRESS_INTERVAL {
            told = Instant::now();
            let (all, seconds) = (pieces.len(), begun.elapsed().as_secs());
            progress(&format!("{engine}: {path}: {} of {all} statements, {seconds} s", done + 1));
        }
    }
    if told != begun {
        let seconds = begun.elapsed().as_secs_f32();
        progress(&format!("{engine}: {path}: {} statements in {seconds:.1} s", pieces.len()));
    }
    Ok(())
}

/// The line of the file that the server's words are about.
fn line(piece: &Piece<'_>, said: &str) -> usize {
    if let Some((_, at)) = position(said) {
        // PostgreSQL counts characters from 1.
        let before = piece.sql.chars().take(at.saturating_sub(1));
        return piece.line + before.filter(|char| *char == '\n').count();
    }
    // MySQL's 1064 ends with `at line 3`, counted in the statement.
    let at_line = said.rsplit_once(" at line ").and_then(|(_, line)| line.parse::<usize>().ok());
    match at_line.filter(|_| said.starts_with("1064 ")) {
        Some(line) => piece.line + line.saturating_sub(1),
        None => piece.first_line,
    }
}

/// What to do about an error that dumps of other servers bring.
fn advice(said: &str) -> &'static str {
    let is_missing_role = said.starts_with("42704 role ") && said.ends_with(" does not exist");
    if is_missing_role { "; let pg_dump write --no-owner --no-privileges" } else { "" }
}

/// What is said before ` (at character 12)`, and the number.
fn position(said: &str) -> Option<(&str, usize)> {
    let (said, at) = said.rsplit_once(" (at character ")?;
    Some((said, at.strip_suffix(')')?.parse().ok()?))
}

fn without_position(said: &str) -> &str {
    position(said).map_or(said, |(said, _)| said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_one_that_the_server_means() {
        let piece = Piece { sql: "-- é\nSELECT\n  x\nFROM t", line: 7, first_line: 8 };
        for (said, expected) in [
            ("42703 column \"x\" does not exist (at character 15)", 9),
            ("42P01 relation \"t\" does not exist (at character 22)", 10),
            ("1064 (42000) You have an error near 'x' at line 3", 9),
            ("1146 (42S02) Table 'app.t' doesn't exist", 8),
            ("1366 (HY000) Incorrect value: 'a' for column 'b' at line 3", 8),
        ] {
            assert_eq!(line(&piece, said), expected, "{said}");
        }
        assert!(advice("42704 role \"shop\" does not exist").contains("--no-owner"));
        assert_eq!(advice("42704 type \"shop\" does not exist"), "");
        assert_eq!(without_position("42P01 no (at character 1)"), "42P01 no");
        assert_eq!(without_position("42P01 no (at character)"), "42P01 no (at character)");
    }
}

//! The steps inside the database.

use diagnosis::{Cause, Verdict};
use serde_json::json;
use std::time::UNIX_EPOCH;

use super::rank;
use super::seen::Seen;
use super::walk::Walk;
use crate::driver::{Connector, Examine};
use crate::error::{Error, Kind};
use crate::named;
use crate::statement::Mode;
use crate::truncate::truncate;

/// The most of what is wrong with one statement, in bytes: there may be thousands.
const ERROR: usize = 600;
/// Clocks that differ by more seconds than this are spoken of.
const CLOCK: f64 = 60.0;

impl<C: Connector> Walk<'_, C> {
    /// What the server says of itself and of the user.
    pub(super) async fn database(&mut self, connection: &mut C::Connection) -> Seen {
        let before = self.unix_time();
        let about =
            self.deadline.bound(|| "asking the server".into(), connection.server_info()).await;
        let about = match about {
            Ok(about) => about,
            Err(error) => return self.fail(error),
        };
        let offset = about.clock - f64::midpoint(before, self.unix_time());
        let offset = (offset * 1000.0).round() / 1000.0 + 0.0; // no minus before a zero
        let mut seen = Seen::ok(format!("{}, as {}", about.version, about.user))
            .fact("version", about.version.as_str())
            .fact("tls_version", about.tls_version.as_str())
            .fact("tls_cipher", about.tls_cipher.as_str())
            .fact("user", about.user.as_str())
            .fact("grants", json!(about.grants))
            .fact("read_only", about.read_only)
            .fact("clock_offset_s", offset)
            .fact("server_settings", json!(about.settings));
        let mut warn = |cause, because: String| {
            seen.verdict = Verdict::Warning;
            seen.text += &format!("; {because}");
            self.evidence.findings.push((cause, because));
        };
        if about.is_administrator {
            let because = format!("{} may administer the server", about.user);
            warn(Cause::MasterUser, because);
        }
        let writes = self.subject.catalogue.iter().filter_map(|(_, statement)| statement.ok());
        let writes = writes.into_iter().find(|one| one.mode == Mode::Write);
        if let Some(writing) = writes.filter(|_| about.read_only) {
            let because =
                format!("the server takes no writes, and the statement {:?} writes", writing.name);
            warn(Cause::ReadOnly, because);
        }
        if offset.abs() > CLOCK {
            let because = format!("the server's clock is {offset} s ahead of the clock here");
            warn(Cause::ServerClock, because);
        }
        seen
    }

    /// The server parses every statement, and runs none.
    pub(super) async fn statements(&mut self, connection: &mut C::Connection) -> Seen {
        let mut list = vec![];
        let mut wrong = vec![];
        for (name, statement) in self.subject.catalogue.iter() {
            let mut shown = json!({"name": name});
            let outcome = match statement {
                Ok(statement) => {
                    shown["mode"] =
                        json!(if statement.mode == Mode::Read { "read" } else { "write" });
                    let prepare = connection.prepare(statement);
                    self.deadline.bound(|| named!("preparing {name}"), prepare).await
                }
                Err(error) => Err(error.clone()),
            };
            shown["ok"] = json!(outcome.is_ok());
            if let Err(error) = &outcome {
                let why = truncate(&error.chain(), ERROR).into_owned();
                shown["error"] = json!(why);
                if let Some(cause) = error.cause() {
                    self.find(cause, why.clone());
                }
                if let (Some(Cause::RightsMissing), Ok(statement)) = (error.cause(), statement) {
                    let schema = &mut self.evidence.denied_schema;
                    *schema = schema.take().or_else(|| rank::denied_schema(&why, &statement.sql));
                }
                wrong.push(why);
            }
            list.push(shown);
            let gone = |error: Error| matches!(error.kind(), Kind::ConnectionLost | Kind::Timeout);
            if outcome.is_err_and(gone) {
                break;
            }
        }
        let seen = if wrong.is_empty() {
            Seen::ok(format!("{} prepared, none run", list.len()))
        } else {
            Seen::failed(wrong.join("; "))
        };
        seen.fact("statements", list)
    }

    fn unix_time(&self) -> f64 {
        let now = (self.login().clock)();
        now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
    }
}

//! The steps inside the database.

use diagnosis::{Cause, Verdict};
use serde_json::json;
use std::time::UNIX_EPOCH;

use super::denied_schema::denied_schema;
use super::examination::Examination;
use super::seen::Seen;
use crate::driver::{Connector, Examine};
use crate::error::{Error, Kind};
use crate::loggable;
use crate::pinning;
use crate::statement::Mode;
use crate::truncate::truncate;

/// The longest error of a statement, in bytes: there may be thousands of statements.
const MAX_ERROR: usize = 600;
/// Clocks that differ by more seconds than this are a warning.
const MAX_CLOCK_OFFSET: f64 = 60.0;

impl<C: Connector> Examination<'_, C> {
    /// Asks the server info itself and the user.
    pub(super) async fn database(&mut self, connection: &mut C::Connection) -> Seen {
        let before = self.unix_time();
        let info = self
            .deadline
            .bound(|| "the questions to the server".into(), connection.server_info())
            .await;
        let info = match info {
            Ok(info) => info,
            Err(error) => return self.fail(error),
        };
        let offset = info.clock - f64::midpoint(before, self.unix_time());
        let offset = (offset * 1000.0).round() / 1000.0 + 0.0; // no minus before a zero
        let mut seen = Seen::ok(format!("{}, as {}", info.version, info.user))
            .fact("version", info.version.as_str())
            .fact("tls_version", info.tls_version.as_str())
            .fact("tls_cipher", info.tls_cipher.as_str())
            .fact("user", info.user.as_str())
            .fact("grants", json!(info.grants))
            .fact("read_only", info.read_only)
            .fact("clock_offset_s", offset)
            .fact("server_settings", json!(info.settings));
        let mut warn = |cause, because: String| {
            seen.verdict = Verdict::Warning;
            seen.text += &format!("; {because}");
            self.evidence.findings.push((cause, because));
        };
        if info.is_administrator {
            let because = format!("{} has administrative privileges", info.user);
            warn(Cause::MasterUser, because);
        }
        if offset.abs() > MAX_CLOCK_OFFSET {
            let because = format!("the server's clock is {offset} s ahead of this machine's");
            warn(Cause::ServerClock, because);
        }
        if info.read_only {
            seen = self.read_only(seen).await;
        }
        self.reader(seen).await
    }

    /// Has the server parse every statement, and runs none.
    pub(super) async fn statements(&mut self, connection: &mut C::Connection) -> Seen {
        let mut list = vec![];
        let mut wrong = vec![];
        let mut pinning = vec![];
        let through_proxy = self.login().is_through_proxy();
        for (name, statement) in self.subject.catalogue.iter() {
            let mut shown = json!({"name": name});
            let outcome = match statement {
                Ok(statement) => {
                    shown["mode"] =
                        json!(if statement.mode == Mode::Read { "read" } else { "write" });
                    let prepare = connection.prepare(statement);
                    self.deadline.bound(|| loggable!("preparing {name}"), prepare).await
                }
                Err(error) => Err(error.clone()),
            };
            shown["ok"] = json!(outcome.is_ok());
            if let Err(error) = &outcome {
                let why = truncate(&error.chain(), MAX_ERROR).into_owned();
                shown["error"] = json!(why);
                if let Some(cause) = error.cause() {
                    self.find(cause, why.clone());
                }
                if let (Some(Cause::RightsMissing), Ok(statement)) = (error.cause(), statement) {
                    let schema = &mut self.evidence.denied_schema;
                    *schema = schema.take().or_else(|| denied_schema(&why, &statement.sql));
                }
                wrong.push(why);
            }
            let pins = match statement.ok().filter(|_| through_proxy) {
                Some(statement) => match pinning::reason(statement, C::DIALECT) {
                    None if outcome.is_ok() => {
                        self.deadline.wait(connection.pins(statement)).await.flatten()
                    }
                    why => why,
                },
                None => None,
            };
            if let Some(why) = pins {
                shown["pins"] = json!(why);
                pinning.push(format!("{name:?} pins its connection of the proxy: {why}"));
            }
            list.push(shown);
            let gone = |error: Error| matches!(error.kind(), Kind::ConnectionLost | Kind::Timeout);
            if outcome.is_err_and(gone) {
                break;
            }
        }
        let mut seen = if wrong.is_empty() {
            Seen::ok(format!("{} prepared, none run", list.len()))
        } else {
            Seen::failed(wrong.join("; "))
        };
        if !pinning.is_empty() {
            let pinning = pinning.join("; ");
            if seen.verdict == Verdict::Ok {
                seen.verdict = Verdict::Warning;
            }
            seen.text += &format!("; {pinning}");
            self.find(Cause::ProxyPins, pinning);
        }
        seen.fact("statements", list)
    }

    fn unix_time(&self) -> f64 {
        let now = (self.login().clock)();
        now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
    }
}

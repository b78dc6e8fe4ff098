//! The login, and the trials after the server denied it.
//!
//! A server denies a token with the same message whatever the reason. So a trial changes one thing and
//! checks whether the server accepts the result: the same login a little later, the names in the
//! server's certificate, the region of its CA, the engine's default port, other spellings of the user,
//! other times. What it accepts proves the cause. Each trial is an ordinary login to the same server,
//! verified under the name that the token is signed for.
//!
//! A token for another endpoint may be valid there. So it is sent only to a server that AWS's roots
//! vouch for (see `TrustStore::of_aws`): a server with another CA could misuse it.

use diagnosis::Cause;
use iam_auth::{Endpoint, EndpointKind};
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::evidence::Tried;
use super::examination::Examination;
use super::seen::Seen;
use super::spelling::{misspelt, spellings};
use super::startup::Concluded;
use crate::driver::Connector;
use crate::error::{Error, Kind};
use crate::login::Login;
use crate::rds_ca;

/// How long the login of a trial may take: some round trips, and RDS's request to IAM.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(6);
/// The wait before the same login is tried again: RDS limits new connections per second.
const RETRY_DELAY: Duration = Duration::from_millis(1100);
/// By how many seconds tokens are dated ahead of the clock. Each is valid for 900: together they cover
/// half an hour behind to three quarters ahead, and an hour (a wrong time zone) both ways.
const OFFSETS: [i64; 6] = [-870, 870, -1740, 1740, -4050, 3150];

/// A login with one thing changed.
struct Trial {
    what: String,
    cause: Cause,
    login: Login,
    wait: Duration,
}

impl<C: Connector> Examination<'_, C> {
    /// Ends the connection `examined`, and logs in like an invocation. If the server denies the login,
    /// finds out more.
    pub(super) async fn log_in(
        &mut self,
        examined: TlsStream<TcpStream>,
    ) -> (Seen, Option<C::Connection>) {
        let user = self.login().signer.user();
        let (seen, connection) = match self.connect(examined).await {
            Ok(connection) => {
                self.login().accepted.remember();
                let seen = Seen::ok(format!("logged in as {user:?} with a token"));
                (seen.fact("server_asks_for", C::TOKEN_METHOD), Some(connection))
            }
            Err(error) => {
                let denied = error.kind() == Kind::LoginDenied;
                let mut seen = self.fail(error);
                if denied {
                    self.find_method().await;
                    let asked = self.evidence.method.as_deref();
                    if asked.is_none_or(|asked| asked == C::TOKEN_METHOD) {
                        self.try_others().await;
                    }
                }
                if let Some(asked) = &self.evidence.method {
                    seen = seen.fact("server_asks_for", asked.as_str());
                }
                (seen, None)
            }
        };
        (self.tell_tried(seen), connection)
    }

    /// Connects like an invocation, unless the server denies the login on the examined connection.
    async fn connect(&mut self, examined: TlsStream<TcpStream>) -> Result<C::Connection, Error> {
        let deadline = self.deadline.for_one_login();
        let conclude = async { Ok(C::conclude(self.login(), examined).await) };
        let concluded = deadline.bound(|| "the login".into(), conclude).await;
        let Concluded { method, outcome } = concluded.unwrap_or(Concluded::UNASKED);
        self.evidence.method = method;
        match outcome {
            Err(error) if error.kind() == Kind::LoginDenied => Err(error),
            // The driver may report any other error better.
            _ => {
                let deadline = self.deadline.for_one_login();
                self.subject.connector.connect(deadline).await
            }
        }
    }

    /// Tries one change after another, up to the first that the server accepts.
    async fn try_others(&mut self) {
        let mut waited = Duration::ZERO;
        let aws = self.login().trust.of_aws(rds_ca::is_pinned);
        for mut trial in self.trials() {
            let at = trial.login.endpoint().clone();
            let elsewhere = at != self.login().signed_for();
            if elsewhere {
                let Some(aws) = &aws else {
                    self.evidence.untried.push((trial.cause, trial.what));
                    continue;
                };
                trial.login.trust = aws.clone();
            }
            let wait = trial.wait.saturating_sub(waited);
            waited += wait;
            let connector = C::new(trial.login);
            let attempt = async {
                tokio::time::sleep(wait).await;
                connector.connect(self.deadline.at_most(Some(LOGIN_TIMEOUT))).await
            };
            let outcome = self.deadline.bound(|| "a trial of another token".into(), attempt).await;
            // The bundle has other roots too, and AWS's do not vouch for this server.
            if elsewhere && outcome.as_ref().is_err_and(|error| error.kind() == Kind::ConnectTls) {
                self.evidence.untried.push((trial.cause, trial.what));
                continue;
            }
            let accepted = outcome.as_ref().map_or_else(is_past_iam, |_| true);
            let out_of_time = outcome.as_ref().is_err_and(|error| error.kind() == Kind::Timeout);
            let Trial { what, cause, .. } = trial;
            self.evidence.tried.push(Tried { what, cause, accepted, at });
            if accepted || out_of_time {
                return;
            }
        }
    }

    /// The trials, the likeliest first.
    fn trials(&self) -> Vec<Trial> {
        let login = self.login();
        let endpoint = &login.signed_for();
        let mut trials = vec![Trial {
            what: "the same login a second later".into(),
            cause: Cause::Throttled,
            login: changed(login, endpoint.clone(), 0),
            wait: RETRY_DELAY,
        }];
        let mut try_at = |other: Option<Endpoint>, cause| {
            if let Some(other) = other.filter(|other| other != endpoint) {
                let what = format!("a token for {other} in {}", other.region());
                let login = changed(login, other, 0);
                trials.push(Trial { what, cause, login, wait: Duration::ZERO });
            }
        };
        let elsewhere = match endpoint.kind() {
            EndpointKind::Unknown => Cause::SignedForCname,
            _ => Cause::WrongEndpoint,
        };
        for name in self.evidence.other_endpoints(endpoint.host()).take(3) {
            try_at(Endpoint::parse(name, endpoint.port()).ok(), elsewhere);
        }
        if let Some(region) = self.evidence.ca_region() {
            let there = Endpoint::with_region(endpoint.host(), endpoint.port(), region);
            try_at(there.ok(), Cause::WrongRegion);
        }
        let own_port =
            Endpoint::with_region(endpoint.host(), C::ENGINE.default_port(), endpoint.region());
        try_at(own_port.ok(), Cause::WrongPort);
        // MariaDB treats a user that does not exist like some other user, and may ask for a token.
        for other in spellings(login.signer.user()) {
            if let Ok(signer) = login.signer.for_user(other.as_str()) {
                let what = format!("a token for the user {other:?}");
                let cause = misspelt(login.signer.user(), &other);
                let login = Login { signer, ..changed(login, endpoint.clone(), 0) };
                trials.push(Trial { what, cause, login, wait: Duration::ZERO });
            }
        }
        trials.extend(OFFSETS.map(|seconds| Trial {
            what: format!("a token dated {} minutes {}", seconds.abs() / 60, direction(seconds)),
            cause: Cause::ClockOff,
            login: changed(login, endpoint.clone(), seconds),
            wait: Duration::ZERO,
        }));
        trials
    }

    fn tell_tried(&self, mut seen: Seen) -> Seen {
        let tried = &self.evidence.tried;
        if tried.is_empty() {
            return seen;
        }
        let taken = tried.iter().find(|tried| tried.accepted);
        seen.text += &match taken {
            Some(taken) => format!("; the server accepts {}", taken.what),
            None => "; it accepts nothing else that was tried".to_owned(),
        };
        if taken.is_none() && !self.evidence.untried.is_empty() {
            seen.text += "; tokens for other endpoints were not sent, because AWS's roots do not vouch \
                          for the server";
        }
        let list: Vec<_> = tried
            .iter()
            .map(|Tried { what, accepted, .. }| json!({"what": what, "accepted": accepted}))
            .collect();
        seen.fact("tried", list)
    }
}

fn direction(seconds: i64) -> &'static str {
    if seconds < 0 { "earlier" } else { "later" }
}

/// `login` for another endpoint, or at another time.
fn changed(login: &Login, endpoint: Endpoint, dated_ahead: i64) -> Login {
    Login { dated_ahead, ..login.at(endpoint) }
}

/// Whether a login failed after IAM accepted the token: the server checks databases and limits later. A
/// server that is full, starting or gone has not checked the token, nor has a proxy that is set up
/// otherwise.
fn is_past_iam(error: &Error) -> bool {
    let checked = matches!(
        error.cause(),
        None | Some(
            Cause::DatabaseUnknown
                | Cause::DatabaseDenied
                | Cause::UserLocked
                | Cause::ProxyDatabaseRefused
                | Cause::LoginRefused
        )
    );
    error.kind() == Kind::LoginRefused && checked && !error.is_transient()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_that_examined_the_token_is_past_it() {
        let refused = || Error::new(Kind::LoginRefused, "refused");
        assert!(is_past_iam(&refused()), "the database does not exist");
        assert!(!is_past_iam(&refused().transient()), "the server is full, or gone");
        assert!(!is_past_iam(&Error::new(Kind::LoginDenied, "denied")));
    }
}

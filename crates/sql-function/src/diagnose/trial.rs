//! The login, and what is tried when the server denies it.
//!
//! A server denies a token in the same words whatever is wrong with it. So the doctor changes one
//! thing at a time and looks whether the server takes it: the same again a little later, the names
//! of the server's own certificate, its root's region, the engine's own port, other spellings of the
//! user's name, other times of day.
//! What is taken tells the cause for certain. Each try is an ordinary login, over a connection whose
//! server is verified under the name that the token is signed for; the server is the same.
//!
//! A token for another endpoint may be good there. So it is only sent to a server that AWS's own roots
//! vouch for (see `TrustStore::of_aws`): under somebody's own CA it might be given away.

use diagnosis::Cause;
use iam_auth::{Endpoint, EndpointKind};
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::handshake::spellings;
use super::seen::Seen;
use super::startup::Concluded;
use super::walk::Walk;
use super::{rank, rds_ca};
use crate::driver::Connector;
use crate::error::{Error, Kind};
use crate::login::Login;

/// A login takes some round trips, and RDS some time to ask IAM.
const PATIENCE: Duration = Duration::from_secs(6);
/// RDS counts new connections by the second.
const LATER: Duration = Duration::from_millis(1100);
/// By how many seconds tokens are dated ahead of the clock. Each holds for 900: together they reach
/// from half an hour behind to three quarters ahead, and an hour (a zone's mistake) both ways.
const DATES: [i64; 6] = [-870, 870, -1740, 1740, -4050, 3150];

/// One thing changed.
struct Trial {
    what: String,
    cause: Cause,
    login: Login,
    wait: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) what: String,
    pub(super) cause: Cause,
    pub(super) accepted: bool,
    /// The endpoint and the region that the token was for.
    pub(super) at: Endpoint,
}

impl<C: Connector> Walk<'_, C> {
    /// Ends the connection `looked_at`, and logs in as every invocation does. Looks further only when
    /// the server denies that.
    pub(super) async fn log_in(
        &mut self,
        looked_at: TlsStream<TcpStream>,
    ) -> (Seen, Option<C::Connection>) {
        let user = self.login().signer.user();
        let (seen, connection) = match self.connect(looked_at).await {
            Ok(connection) => {
                let seen = Seen::ok(format!("{user:?} is logged in with a token"));
                (seen.fact("server_asks_for", C::TOKEN_METHOD), Some(connection))
            }
            Err(error) => {
                let denied = error.kind() == Kind::LoginDenied;
                let mut seen = self.fail(error);
                if denied {
                    self.listen().await;
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

    /// A connection like every invocation's, unless the server denies the login before.
    async fn connect(&mut self, looked_at: TlsStream<TcpStream>) -> Result<C::Connection, Error> {
        let deadline = self.deadline.at_most(Some(PATIENCE));
        let conclude = async { Ok(C::conclude(self.login(), looked_at).await) };
        let concluded = deadline.bound(|| "the login".into(), conclude).await;
        let Concluded { method, outcome } = concluded.unwrap_or(Concluded::UNASKED);
        self.evidence.method = method;
        match outcome {
            Err(error) if error.kind() == Kind::LoginDenied => Err(error),
            // What else went wrong by hand, the driver may put better.
            _ => {
                let deadline = self.deadline.at_most(Some(PATIENCE));
                self.subject.connector.connect(deadline).await
            }
        }
    }

    /// Tries one change after another, up to the first that the server takes.
    async fn try_others(&mut self) {
        let mut waited = Duration::ZERO;
        let aws = self.login().trust.of_aws(rds_ca::is_pinned);
        for mut trial in self.trials() {
            let at = trial.login.endpoint().clone();
            let elsewhere = at != *self.login().endpoint();
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
                connector.connect(self.deadline.at_most(Some(PATIENCE))).await
            };
            let outcome = self.deadline.bound(|| "trying other tokens".into(), attempt).await;
            // AWS's are not the only roots, and they do not vouch for this server.
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

    /// What is worth trying, the likeliest first.
    fn trials(&self) -> Vec<Trial> {
        let login = self.login();
        let endpoint = login.endpoint();
        let mut trials = vec![Trial {
            what: "the same a second later".into(),
            cause: Cause::Throttled,
            login: changed(login, endpoint.clone(), 0),
            wait: LATER,
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
        for name in rank::other_endpoints(&self.evidence, login).take(3) {
            try_at(Endpoint::parse(name, endpoint.port()).ok(), elsewhere);
        }
        if let Some(region) = rank::real_region(&self.evidence) {
            let there = Endpoint::with_region(endpoint.host(), endpoint.port(), region);
            try_at(there.ok(), Cause::WrongRegion);
        }
        let own_port =
            Endpoint::with_region(endpoint.host(), C::ENGINE.default_port(), endpoint.region());
        try_at(own_port.ok(), Cause::WrongPort);
        // MariaDB asks users whom it does not know for what it asks others for: for some, a token.
        for other in spellings(login.signer.user()) {
            if let Ok(signer) = login.signer.for_user(other.as_str()) {
                let what = format!("a token for the user {other:?}");
                let cause = rank::misspelt(login.signer.user(), &other);
                let login = Login { signer, ..changed(login, endpoint.clone(), 0) };
                trials.push(Trial { what, cause, login, wait: Duration::ZERO });
            }
        }
        trials.extend(DATES.map(|seconds| Trial {
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
            None => "; nothing else that was tried is accepted".to_owned(),
        };
        if taken.is_none() && !self.evidence.untried.is_empty() {
            seen.text += ", and tokens for other endpoints are not sent to a server that AWS does not \
                          vouch for";
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

/// The same login at another endpoint, or dated otherwise.
fn changed(login: &Login, endpoint: Endpoint, dated_ahead: i64) -> Login {
    Login {
        signer: login.signer.at(endpoint),
        trust: login.trust.clone(),
        connect_to: login.connect_to.clone(),
        database: login.database.clone(),
        clock: login.clock,
        texts: login.texts,
        dated_ahead,
    }
}

/// Whether a login that failed has passed IAM: databases and limits are looked at later. A server
/// that is full, is starting, or went away has not looked at the token.
fn is_past_iam(error: &Error) -> bool {
    error.kind() == Kind::LoginRefused && !error.is_transient()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_that_looked_at_the_token_is_past_it() {
        let refused = || Error::new(Kind::LoginRefused, "refused");
        assert!(is_past_iam(&refused()), "the database is not there");
        assert!(!is_past_iam(&refused().transient()), "the server is full, or went away");
        assert!(!is_past_iam(&Error::new(Kind::LoginDenied, "denied")));
    }
}

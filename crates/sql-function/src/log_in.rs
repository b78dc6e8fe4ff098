//! Logs in, as often as it takes and makes sense.
//!
//! A login has the time of the invocation. A database that is paused, restarts or fails over answers
//! later, perhaps at another address, so everything is tried again except what is certain: that the name
//! does not exist, the server is not the one it should be, or it refuses the login for a reason that
//! lasts. A denial is not certain: RDS asks IAM about each token, and when IAM answers with an error or
//! RDS throttles, the server says the same as for a token that is wrong.

use diagnosis::Cause;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep};

use crate::backoff::Backoff;
use crate::deadline::{Deadline, millis};
use crate::driver::Connector;
use crate::error::{Error, Kind};
use crate::{global, loggable, record, trace};

/// Returns a uniform random number. The boundary passes the system's generator.
pub(crate) type Random = fn() -> u64;

/// How often a login is denied before that is certain, at a server that has accepted no token yet.
const DENIALS: u32 = 4;
/// An attempt that was cut off by the deadline after less than this tells nothing.
const TOO_SHORT: Duration = Duration::from_secs(1);

/// Logs in, and tries again until the time is up or the answer is certain, with a new look-up of the
/// name and a new token each time. A denied login is tried again, with renewed credentials, only if
/// `retry_denied`: a few times, or until the time is up if the server has accepted a token before.
///
/// # Errors
/// Those of [`Connector::connect`], with how often and how long it was tried.
pub(crate) async fn log_in<C: Connector>(
    connector: &C,
    random: Random,
    deadline: Deadline,
    retry_denied: bool,
) -> Result<C::Connection, Error> {
    let login = connector.login();
    let mut tries = Tries { patient: login.accepted.is_known(), retry_denied, ..Tries::new() };
    let mut last = None;
    loop {
        let began = Instant::now();
        let error = match once(connector, deadline).await {
            Ok(connection) => {
                login.accepted.remember();
                login.took.remember(tries.since.elapsed());
                if tries.denied > 0 {
                    tracing::warn!(
                        denied = tries.denied,
                        cause = Cause::IamCheckFails.id(),
                        "the login was accepted after it had been denied"
                    );
                }
                return Ok(connection);
            }
            Err(error) => global::explained::<C>(login, error, deadline).await,
        };
        tries.count(&error);
        let error = root_error(last, error, began.elapsed(), deadline.left());
        let Some(wait) = tries.wait(&error, random(), deadline.left()) else {
            return Err(tries.tell(error));
        };
        if error.kind() == Kind::LoginDenied {
            login.signer.renew_credentials().await;
            if let Some(writer) = &login.writer {
                writer.forget();
            }
        }
        tracing::debug!(
            error_type = error.error_type(),
            error = error.log(),
            wait_ms = millis(wait),
            "the login failed; retrying"
        );
        last = Some(error);
        record::login_again();
        deadline.wait(sleep(wait)).await;
    }
}

/// Logs in once, which is counted and a span.
///
/// # Errors
/// Those of [`Connector::connect`].
pub(crate) async fn once<C: Connector>(
    connector: &C,
    deadline: Deadline,
) -> Result<C::Connection, Error> {
    let connect = pin!(connector.connect(deadline));
    let connection = trace::login::<C, _>(connector.login(), connect).await?;
    record::logged_in();
    Ok(connection)
}

/// How often a login was tried.
#[derive(Debug)]
struct Tries {
    since: Instant,
    all: u32,
    denied: u32,
    /// When it was denied first.
    denied_since: Option<Instant>,
    /// Whether denied logins are tried again, and until the time is up.
    retry_denied: bool,
    patient: bool,
}

impl Tries {
    fn new() -> Tries {
        let since = Instant::now();
        Tries { since, all: 0, denied: 0, denied_since: None, retry_denied: true, patient: false }
    }

    fn count(&mut self, error: &Error) {
        self.all += 1;
        if error.kind() == Kind::LoginDenied {
            self.denied += 1;
            self.denied_since.get_or_insert_with(Instant::now);
        }
    }

    /// The wait before the next try after `error`, if there is one.
    fn wait(&self, error: &Error, random: u64, left: Duration) -> Option<Duration> {
        if error.kind() == Kind::LoginDenied {
            let is_certain = match error.cause() {
                Some(Cause::WrongRegion) => true,
                // It asks for a password, and is sent no other token. One that has accepted a token
                // changes: the user is made anew, or the name moves.
                Some(Cause::UserNotForIam) => !self.patient,
                _ => false,
            };
            let goes_on =
                self.retry_denied && !is_certain && (self.patient || self.denied < DENIALS);
            let step = || Backoff::DENIED.step(self.denied.saturating_sub(1), random, left);
            return goes_on.then(step).flatten();
        }
        let passes = error.is_transient() || error.kind() == Kind::Timeout;
        passes.then(|| Backoff::LOGIN.delay(self.all - 1, random, left)).flatten()
    }

    /// Adds to the last error how often and how long the login was tried.
    fn tell(&self, error: Error) -> Error {
        let error = match error.kind() {
            Kind::Timeout => error.and_advice(
                ". An Aurora Serverless v2 that was paused takes 15 seconds or more to answer a login: \
                 give the function a timeout of 45 seconds or more",
            ),
            _ => error,
        };
        let seconds = |since: Instant| since.elapsed().as_secs_f64();
        let error = match (self.all, self.denied_since) {
            (1, _) if error.kind() == Kind::Timeout => {
                error.with(loggable!(" (tried for {:.1} s)", seconds(self.since)))
            }
            (0 | 1, _) => return error,
            (all, Some(since)) if error.kind() == Kind::LoginDenied && self.denied > 1 => {
                let (denied, over) = (self.denied, seconds(since));
                let of = if all > denied { format!(" of {all} attempts") } else { String::new() };
                error.with(loggable!(" (denied {denied} times in {over:.1} s{of})"))
            }
            (all, _) => error.with(loggable!(" ({all} attempts in {:.1} s)", seconds(self.since))),
        };
        match error.kind() {
            Kind::LoginDenied if self.denied > 1 => error.and_advice(
                ". RDS's own check of a token with IAM fails or throttles now and then, for some \
                 seconds: if the login was accepted before, send the event again",
            ),
            _ => error,
        }
    }
}

/// The error to report: the `last` attempt's if this one had too little time to tell anything, or if it
/// only timed out after the server itself had answered the last one.
fn root_error(last: Option<Error>, error: Error, took: Duration, left: Duration) -> Error {
    match last {
        Some(last) if left.is_zero() && took < TOO_SHORT => last,
        Some(last)
            if error.kind() == Kind::Timeout
                && matches!(last.kind(), Kind::LoginDenied | Kind::LoginRefused)
                && left.is_zero() =>
        {
            last
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn denied() -> Error {
        Error::new(Kind::LoginDenied, "denied")
    }

    fn silent() -> Error {
        Error::new(Kind::ConnectTcp, "no answer in time").transient()
    }

    fn late() -> Error {
        Error::new(Kind::Timeout, "timed out during TLS and login")
    }

    #[test]
    fn a_denial_is_not_hidden_by_a_try_that_had_no_time() {
        let root = |last: Error, error: Error, took: f64, left: u64| {
            let (took, left) = (Duration::from_secs_f64(took), Duration::from_secs(left));
            root_error(Some(last), error, took, left).kind()
        };
        assert_eq!(root(denied(), silent(), 0.2, 0), Kind::LoginDenied);
        assert_eq!(root(denied(), late(), 4.0, 0), Kind::LoginDenied);
        assert_eq!(root(denied(), silent(), 4.0, 0), Kind::ConnectTcp, "it went away");
        assert_eq!(root(denied(), silent(), 0.0, 1), Kind::ConnectTcp, "it is tried again");
        assert_eq!(root(silent(), late(), 4.0, 0), Kind::Timeout, "it answers, and hangs");
        assert_eq!(root(silent(), late(), 0.2, 0), Kind::ConnectTcp);
        assert_eq!(root_error(None, silent(), SECOND, SECOND).kind(), Kind::ConnectTcp);
    }

    #[tokio::test(start_paused = true)]
    async fn a_denial_is_certain_after_four_unless_a_token_was_accepted() {
        let wait = |tries: &Tries| tries.wait(&denied(), 0, SECOND * 60);
        for patient in [false, true] {
            let mut tries = Tries { patient, ..Tries::new() };
            let mut at = vec![];
            for _ in 0..6 {
                tries.count(&denied());
                let Some(wait) = wait(&tries) else { break };
                tokio::time::advance(wait).await;
                at.push(tries.since.elapsed().as_secs_f64().round() as u64);
            }
            let all: &[u64] = if patient { &[1, 3, 7, 15, 23, 31] } else { &[1, 3, 7] };
            assert_eq!(at, all, "{patient}");
            let report = tries.tell(denied()).report();
            let told = if patient { "denied 6 times in 31.0 s" } else { "denied 4 times in 7.0 s" };
            assert!(report.contains(told), "{report}");
            assert!(report.contains("RDS's own check"), "{report}");
        }
        let mut once = Tries { retry_denied: false, patient: true, ..Tries::new() };
        once.count(&denied());
        assert_eq!(wait(&once), None, "not before the first event");
        assert_eq!(once.tell(denied()).report(), "denied");
    }

    #[tokio::test]
    async fn a_denial_whose_cause_is_certain_ends_it() {
        for (cause, patient, goes_on) in [
            (Cause::WrongRegion, false, false),
            (Cause::WrongRegion, true, false),
            (Cause::UserNotForIam, false, false),
            (Cause::UserNotForIam, true, true),
            (Cause::PolicyMissing, false, true),
        ] {
            let mut tries = Tries { patient, ..Tries::new() };
            let error = denied().with_cause(cause);
            tries.count(&error);
            let wait = tries.wait(&error, 0, SECOND * 60);
            assert_eq!(wait.is_some(), goes_on, "{cause:?} {patient}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_told_is_the_last_error_with_all_attempts() {
        let mut tries = Tries::new();
        tries.count(&denied());
        tries.count(&silent());
        tokio::time::advance(Duration::from_millis(9700)).await;
        assert_eq!(tries.tell(silent()).report(), "no answer in time (2 attempts in 9.7 s)");
        tries.count(&denied());
        let report = tries.tell(denied()).report();
        assert!(report.contains("denied 2 times in 9.7 s of 3 attempts"), "{report}");

        let mut tries = Tries::new();
        tries.count(&late());
        tokio::time::advance(Duration::from_millis(4300)).await;
        let report = tries.tell(late()).report();
        assert!(report.contains("during TLS and login (tried for 4.3 s)"), "{report}");
    }

    proptest! {
        /// Whatever passes is tried again while there is time, and what is certain never.
        #[test]
        fn only_what_is_certain_ends_it(before in 0..1000_u32, random: u64, millis in 600..900_000_u64) {
            let tries = Tries { all: before + 1, ..Tries::new() };
            let left = Duration::from_millis(millis);
            for error in [silent(), late(), Error::new(Kind::LoginRefused, "full").transient()] {
                let wait = tries.wait(&error, random, left);
                prop_assert!(wait.is_some_and(|wait| wait < left), "{wait:?}");
            }
            for kind in [Kind::ConnectDns, Kind::ConnectTls, Kind::LoginRefused, Kind::Credentials] {
                prop_assert_eq!(tries.wait(&Error::new(kind, "certain"), random, left), None);
            }
        }
    }
}

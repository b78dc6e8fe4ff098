//! Logs in, as often as it takes and makes sense.

use diagnosis::Cause;
use std::time::Duration;
use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::deadline::{Deadline, millis};
use crate::driver::Connector;
use crate::error::{Error, Kind};
use crate::{global, loggable};

/// Returns a uniform random number. The boundary passes the system's generator.
pub(crate) type Random = fn() -> u64;

/// How long a denied login waits before its only retry: this, and the backoff of this retry number.
/// RDS limits logins per second, and a login beyond the limit looks like a denied one.
const DENIED_RETRY: (Duration, u32) = (Duration::from_secs(1), 3);

/// Logs in. Retries transient errors as long as there is time, and a denied login once if
/// `retry_denied`, with renewed credentials.
///
/// # Errors
/// Those of [`Connector::connect`].
pub(crate) async fn log_in<C: Connector>(
    connector: &C,
    random: Random,
    deadline: Deadline,
    mut retry_denied: bool,
) -> Result<C::Connection, Error> {
    let login = connector.login();
    let mut retries = 0;
    let mut last = None;
    loop {
        let error = match connector.connect(deadline).await {
            Ok(connection) => {
                login.accepted.remember();
                return Ok(connection);
            }
            Err(error) => {
                let error = global::explained::<C>(login, error, deadline).await;
                root_error(last, error, deadline.left())
            }
        };
        let is_denied = error.kind() == Kind::LoginDenied;
        let is_elsewhere = error.cause() == Some(Cause::WrongRegion);
        let again = error.is_transient() || (is_denied && retry_denied && !is_elsewhere);
        let (pause, number) = if is_denied { DENIED_RETRY } else { (Duration::ZERO, retries) };
        let left = deadline.left().saturating_sub(pause);
        let wait = Backoff::LOGIN.delay(number, random(), left);
        let Some(wait) = wait.filter(|_| again) else { return Err(tried(error, retries)) };
        let wait = pause + wait;
        if is_denied {
            retry_denied = false;
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
        deadline.wait(sleep(wait)).await;
        retries += 1;
    }
}

/// The error to report: the `last` attempt's if this one only timed out, because what the server
/// said explains more.
fn root_error(last: Option<Error>, error: Error, left: Duration) -> Error {
    match last {
        Some(last) if error.kind() == Kind::Timeout || left.is_zero() => last,
        _ => error,
    }
}

/// The error of the last attempt, with the number of attempts.
fn tried(error: Error, retries: u32) -> Error {
    match retries {
        0 => error,
        _ => error.with(loggable!(" ({} attempts)", retries + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_not_hidden_by_a_second_try_that_had_no_time() {
        let denied = || Some(Error::new(Kind::LoginDenied, "denied"));
        let silent = || Error::new(Kind::ConnectTcp, "no answer in time");
        let late = || Error::new(Kind::Timeout, "timed out during TLS and login");
        let (some, none) = (Duration::from_secs(1), Duration::ZERO);
        assert_eq!(root_error(denied(), silent(), none).kind(), Kind::LoginDenied);
        assert_eq!(root_error(denied(), late(), some).kind(), Kind::LoginDenied);
        assert_eq!(root_error(denied(), silent(), some).kind(), Kind::ConnectTcp, "it went away");
        assert_eq!(root_error(None, silent(), none).kind(), Kind::ConnectTcp);
    }
}

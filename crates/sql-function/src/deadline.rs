//! The time that is left, and what happens when it runs out.
//!
//! Every wait of an invocation is bounded by one [`Deadline`], which lies a little before Lambda's:
//! a function that answers with `Timeout` and the step it was at helps more than one that is
//! killed.

use std::time::{Duration, SystemTime};
use tokio::time::{Instant, timeout_at};

use crate::error::{Error, Kind};
use crate::named;
use crate::said::Loggable;

/// What is kept back of the time Lambda gives, to write the answer.
const RESERVE: Duration = Duration::from_millis(200);

/// A point in time after which nothing is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// This long from now.
    pub fn after(time: Duration) -> Deadline {
        Deadline(Instant::now() + time)
    }

    /// A little before Lambda's own deadline for an invocation, given the time it is.
    pub fn before(lambda: SystemTime, now: SystemTime) -> Deadline {
        let left = lambda.duration_since(now).unwrap_or_default();
        // A function with a time-out of one second must not lose a fifth of it.
        Deadline::after(left.saturating_sub(RESERVE.min(left / 10)))
    }

    /// The earlier of this deadline and `time` from now.
    pub fn at_most(self, time: Option<Duration>) -> Deadline {
        let end = time.and_then(|time| Instant::now().checked_add(time));
        end.map_or(self, |end| Deadline(self.0.min(end)))
    }

    /// How long it is until then.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The earlier of the two.
    pub fn or(self, other: Deadline) -> Deadline {
        Deadline(self.0.min(other.0))
    }

    /// This much later.
    pub fn more(self, time: Duration) -> Deadline {
        Deadline(self.0 + time)
    }

    /// This much earlier.
    pub fn less(self, time: Duration) -> Deadline {
        Deadline(self.0.checked_sub(time).unwrap_or(self.0))
    }

    /// What `step` gives, unless it takes longer than this.
    pub async fn wait<T>(self, step: impl Future<Output = T>) -> Option<T> {
        timeout_at(self.0, step).await.ok()
    }

    /// Waits for `step`, no longer than this deadline.
    ///
    /// # Errors
    /// What `step` fails with, or [`Kind::Timeout`] naming `what` was waited for. The step is then
    /// dropped where it stands: a connection it was using must not be used again.
    pub async fn bound<T>(
        self,
        what: impl FnOnce() -> Loggable,
        step: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.wait(step).await.unwrap_or_else(|| Err(ran_out(what())))
    }
}

/// Time ran out during `what`.
pub(crate) fn ran_out(what: impl Into<Loggable>) -> Error {
    let what = what.into();
    Error::new(Kind::Timeout, named!("time ran out during {what}"))
        .advice("find out why it is slow, or raise the function's or the statement's timeout")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    #[tokio::test]
    async fn a_step_in_time_keeps_its_result_and_a_late_one_is_named() {
        let soon = Deadline::after(Duration::from_millis(5));
        assert_eq!(soon.bound(|| "x".into(), ready(Ok(7))).await.unwrap(), 7);
        let error = soon.bound(|| "the TLS handshake".into(), pending::<Result<(), _>>()).await;
        let error = error.unwrap_err();
        assert_eq!(error.error_type(), "Timeout");
        assert!(error.to_string().contains("the TLS handshake"));
    }

    #[tokio::test]
    async fn it_lies_before_lambdas() {
        let now = SystemTime::UNIX_EPOCH;
        for (lambdas, ours) in [(3000, 2800), (1000, 900), (0, 0)] {
            let (lambdas, ours) = (Duration::from_millis(lambdas), Duration::from_millis(ours));
            let before = Instant::now();
            let deadline = Deadline::before(now + lambdas, now);
            assert!((before + ours..=Instant::now() + ours).contains(&deadline.0), "{ours:?}");
        }
        let earlier = Deadline::after(Duration::from_secs(9)).at_most(Some(Duration::ZERO));
        assert!(earlier.0 <= Instant::now());
    }
}

//! The time that is left for an invocation.
//!
//! Every wait is bounded by one [`Deadline`] a little before Lambda's, so that the function can
//! answer with `Timeout` and the step it was at before Lambda kills it. When Lambda shuts down the
//! execution environment, all deadlines move forward.

use std::time::{Duration, SystemTime};
use tokio::select;
use tokio::time::{Instant, sleep_until};

use crate::error::{Error, Kind};
use crate::loggable;
use crate::said::Loggable;
use crate::shutdown::Shutdown;

/// The part of Lambda's time that is reserved for sending the answer, also where many environments share
/// a processor or a small function has a fraction of one.
const RESERVE: Duration = Duration::from_millis(400);
/// How long TLS and login may take at least, in one attempt.
const LOGIN: Duration = Duration::from_secs(6);
/// And at most, however much time there is: a server that resumes answers a login after 30 seconds or
/// more, and one that hangs is dialled again.
const LOGIN_CAP: Duration = Duration::from_secs(60);
/// How long a connection to a reader may take to open; a quarter of what is left if that is less.
const READER: Duration = Duration::from_secs(5);

/// A point in time after which nothing is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Instant,
    /// Whether something has to be done after it, before the time is up.
    early: bool,
    /// What may move it forward.
    shutdown: Option<&'static Shutdown>,
}

impl Deadline {
    /// The time from now.
    pub fn after(time: Duration) -> Deadline {
        Deadline { at: Instant::now() + time, early: false, shutdown: None }
    }

    /// A little before the deadline that Lambda gives an invocation, from `now`.
    pub fn before(lambda: SystemTime, now: SystemTime) -> Deadline {
        let left = lambda.duration_since(now).unwrap_or_default();
        // A function with a timeout of one second must not lose a fifth of it.
        Deadline::after(left.saturating_sub(RESERVE.min(left / 10)))
    }

    /// This deadline, or an earlier one when the environment is shut down.
    pub(crate) fn within(self, shutdown: &'static Shutdown) -> Deadline {
        Deadline { shutdown: Some(shutdown), ..self }
    }

    /// Whether a shutdown has moved the deadline forward.
    pub(crate) fn is_moved(self) -> bool {
        self.shutdown.is_some_and(Shutdown::has_started)
    }

    /// The earlier of this deadline and `time` from now.
    pub fn at_most(self, time: Option<Duration>) -> Deadline {
        let end = time.and_then(|time| Instant::now().checked_add(time));
        end.map_or(self, |end| Deadline { at: self.at.min(end), ..self })
    }

    /// The time that one attempt at TLS and login gets: half of what is left, but 6 seconds if there are
    /// so many, and a minute at most. A server that resumes may answer it, and one that never will is left
    /// in time to try again, elsewhere if the name leads there.
    pub fn for_one_login(self) -> Deadline {
        self.at_most(Some(LOGIN.max((self.left() / 2).min(LOGIN_CAP))))
    }

    /// The time that a reader has to let the function in: after it, the writer answers.
    pub(crate) fn for_a_reader(self) -> Deadline {
        self.at_most(Some(READER.min(self.left() / 4)))
    }

    /// The time until then.
    pub fn left(self) -> Duration {
        let moved = self.shutdown.and_then(|shutdown| shutdown.end(self.early));
        let at = moved.map_or(self.at, |moved| self.at.min(moved));
        at.saturating_duration_since(Instant::now())
    }

    /// The earlier of the two, with the other properties of this one.
    pub fn or(self, other: Deadline) -> Deadline {
        Deadline { at: self.at.min(other.at), ..self }
    }

    /// This much later.
    pub fn more(self, time: Duration) -> Deadline {
        Deadline { at: self.at + time, ..self }
    }

    /// This much earlier, which leaves time for what follows.
    pub fn less(self, time: Duration) -> Deadline {
        Deadline { at: self.at.checked_sub(time).unwrap_or(self.at), early: true, ..self }
    }

    /// The output of `step`, or `None` if it takes longer than this.
    pub async fn wait<T>(self, step: impl Future<Output = T>) -> Option<T> {
        select! {
            biased;
            outcome = step => Some(outcome),
            () = sleep_until(self.at) => None,
            () = self.moved() => None,
        }
    }

    /// Completes when a shutdown leaves no more time.
    async fn moved(self) {
        match self.shutdown {
            Some(shutdown) => shutdown.until_end(self.early).await,
            None => std::future::pending().await,
        }
    }

    /// Waits for `step`, no longer than this deadline.
    ///
    /// # Errors
    /// The error of `step`, or [`Kind::Timeout`] naming `what` was waited for. The step is then
    /// dropped unfinished: a connection it used must not be used again.
    pub async fn bound<T>(
        self,
        what: impl FnOnce() -> Loggable,
        step: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.wait(step).await.unwrap_or_else(|| Err(timed_out(what())))
    }
}

/// `what` timed out.
pub(crate) fn timed_out(what: impl Into<Loggable>) -> Error {
    let what = what.into();
    Error::new(Kind::Timeout, loggable!("timed out during {what}"))
        .advice("find out why it is slow, or increase the timeout of the function or the statement")
}

/// Milliseconds, to the microsecond.
pub(crate) fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
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
        for (lambdas, ours) in [(10_000, 9600), (3000, 2700), (1000, 900), (0, 0)] {
            let (lambdas, ours) = (Duration::from_millis(lambdas), Duration::from_millis(ours));
            let before = Instant::now();
            let deadline = Deadline::before(now + lambdas, now);
            assert!((before + ours..=Instant::now() + ours).contains(&deadline.at), "{ours:?}");
        }
        let earlier = Deadline::after(Duration::from_secs(9)).at_most(Some(Duration::ZERO));
        assert!(earlier.at <= Instant::now());
    }

    #[tokio::test(start_paused = true)]
    async fn one_login_has_half_of_what_is_left_within_bounds() {
        for (left, one) in [(3, 3), (8, 6), (12, 6), (30, 15), (120, 60), (900, 60)] {
            let deadline = Deadline::after(Duration::from_secs(left)).for_one_login();
            assert_eq!(deadline.left(), Duration::from_secs(one), "{left}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_environment_moves_it_forward() {
        let shutdown: &'static Shutdown = Box::leak(Box::default());
        let deadline = Deadline::after(Duration::from_secs(20)).within(shutdown);
        let (early, other) =
            (deadline.less(Duration::from_millis(700)), Deadline::after(Duration::from_secs(20)));
        assert!(!deadline.is_moved());
        let start = Instant::now();
        let sigterm = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            shutdown.start();
        };
        let late = async {
            assert!(deadline.wait(pending::<()>()).await.is_none());
            start.elapsed()
        };
        let cut = async {
            assert!(early.wait(pending::<()>()).await.is_none());
            start.elapsed()
        };
        let ((), cut, late) = tokio::join!(sigterm, cut, late);
        assert!(Duration::from_secs(1) < cut && cut < late, "{cut:?} {late:?}");
        assert!(
            late < Duration::from_millis(1500),
            "Lambda kills half a second after SIGTERM: {late:?}"
        );
        assert!(deadline.is_moved() && deadline.left().is_zero());
        assert!(other.left() > Duration::from_secs(10));
    }
}

//! One storm: many execution environments that log in at once, against a limit on logins per
//! second.
//!
//! The limit is an assumption: RDS's grows with the instance, and AWS publishes no number ("Amazon
//! RDS Enhances IAM Database Authentication with Connection Rate Scaling", 2026-06-30,
//! <https://aws.amazon.com/about-aws/whats-new/2026/06/amazon-rds-iam/>). One machine cannot run 10,000 environments, so each is simulated by the functions' own [`Backoff`]
//! and random numbers, and time is a number. The same seed gives the same storm on every machine.

use sql_function::Backoff;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

/// How long one login takes, accepted or not: TCP, TLS and token, from Lambda to a database in the
/// same region.
pub(crate) const LOGIN: Duration = Duration::from_millis(20);

/// A login storm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storm {
    /// How many environments start at the same moment.
    pub environments: u32,
    /// How many logins the database accepts in any one second.
    pub rate: u32,
    /// How long each environment keeps trying.
    pub deadline: Duration,
    /// How long it waits between attempts.
    pub backoff: Backoff,
}

/// The result of a storm.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// How many environments logged in.
    pub in_time: u32,
    /// When the last of them had logged in.
    pub last_in: Duration,
    /// How many logins were attempted in all.
    pub attempts: u64,
    /// The most attempts in any one second, not counting the first moment, in which all of them
    /// try.
    pub peak: u32,
}

const SECOND: Duration = Duration::from_secs(1);

impl Storm {
    /// Simulates the storm with random numbers from `seed`.
    pub(crate) fn run(self, seed: u64) -> Outcome {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut cap = Cap { admits: self.rate as usize, admitted: VecDeque::new() };
        let mut recent = VecDeque::new();
        let mut outcome = Outcome { in_time: 0, last_in: Duration::ZERO, attempts: 0, peak: 0 };
        // The attempts to come, by time: each with its environment and the retries before it.
        let mut upcoming: BinaryHeap<_> =
            (0..self.environments).map(|number| Reverse((Duration::ZERO, number, 0))).collect();
        while let Some(Reverse((now, number, retries))) = upcoming.pop() {
            outcome.attempts += 1;
            if !now.is_zero() {
                recent.push_back(now);
                while recent.front().is_some_and(|&first| now - first >= SECOND) {
                    recent.pop_front();
                }
                outcome.peak = outcome.peak.max(recent.len() as u32);
            }
            let answered = now + LOGIN;
            if cap.admit(now) {
                outcome.in_time += 1;
                outcome.last_in = answered;
                continue;
            }
            let left = self.deadline.saturating_sub(answered);
            if let Some(wait) = self.backoff.delay(retries, random.u64(..), left) {
                upcoming.push(Reverse((answered + wait, number, retries + 1)));
            }
        }
        outcome
    }
}

/// Admits so many logins in any one second. Refused ones do not count.
struct Cap {
    admits: usize,
    admitted: VecDeque<Duration>,
}

impl Cap {
    fn admit(&mut self, now: Duration) -> bool {
        while self.admitted.front().is_some_and(|&first| now - first >= SECOND) {
            self.admitted.pop_front();
        }
        let admits = self.admitted.len() < self.admits;
        if admits {
            self.admitted.push_back(now);
        }
        admits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORM: Storm = Storm {
        environments: 1000,
        rate: 100,
        deadline: Duration::from_secs(60),
        backoff: Backoff::LOGIN,
    };

    #[test]
    fn nobody_comes_in_faster_than_the_rate_allows() {
        let outcome = STORM.run(1);
        assert_eq!(outcome.in_time, 1000);
        // A hundred at once, and nine more seconds of a hundred.
        assert!(outcome.last_in >= Duration::from_secs(9), "{outcome:?}");
        assert!(outcome.attempts > 1000, "{outcome:?}");
        assert_eq!(outcome, STORM.run(1), "the same numbers give another storm");
        assert_ne!(outcome, STORM.run(2));
    }

    #[test]
    fn under_the_rate_there_is_no_storm() {
        let calm = Storm { environments: 100, ..STORM }.run(1);
        let expected = Outcome { in_time: 100, last_in: LOGIN, attempts: 100, peak: 0 };
        assert_eq!(calm, expected);
    }

    #[test]
    fn nobody_tries_beyond_the_deadline() {
        let outcome = Storm { deadline: Duration::from_secs(3), ..STORM }.run(1);
        assert!(outcome.in_time < 1000, "{outcome:?}");
        assert!(outcome.last_in <= Duration::from_secs(3) + LOGIN, "{outcome:?}");
    }

    #[test]
    fn without_jitter_all_come_back_together() {
        // What the jitter is for: waits that are all the same keep the crowd together.
        let waits = |jitter: bool| {
            let together = if jitter { Backoff::LOGIN.cap } else { Duration::from_micros(1) };
            let backoff = Backoff { base: together, cap: together };
            Storm { backoff, ..STORM }.run(1).attempts
        };
        assert!(waits(false) > 10 * waits(true), "{} and {}", waits(false), waits(true));
    }
}

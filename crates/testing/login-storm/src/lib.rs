//! Many environments that log in at once against a cap on logins: how long it takes until all are
//! in, and what they ask of the database meanwhile.
//!
//! RDS takes a limited number of new IAM connections a second, fewer than 200:
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html>. This machine
//! cannot hold 10,000 environments, so they are simulated: each is the functions' own [`Backoff`] and
//! a source of random numbers, the cap is the one of the local servers, and time is a number. The
//! same numbers give the same table everywhere.

#![forbid(unsafe_code)]

mod table;

pub use table::{Row, comparison, markdown, table};

use sql_function::Backoff;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

/// How long one login takes, admitted or not: TCP, TLS, the token, from Lambda to a database in the
/// same region.
pub const LOGIN: Duration = Duration::from_millis(20);

/// How long an environment tries in the table: the time of an invocation that has to log in.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A storm.
#[derive(Clone, Copy, Debug)]
pub struct Storm {
    /// How many environments start at the same instant.
    pub environments: u32,
    /// How many logins the database admits in any one second.
    pub cap: u32,
    /// How long an environment tries.
    pub deadline: Duration,
    /// How it waits between attempts.
    pub backoff: Backoff,
}

/// How a storm went.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// How many environments logged in.
    pub in_time: u32,
    /// When the last of them was in.
    pub last_in: Duration,
    /// How many logins were tried in all.
    pub attempts: u64,
    /// The most attempts in any one second, the very first instant apart, in which all of them try.
    pub peak: u32,
}

const SECOND: Duration = Duration::from_secs(1);

impl Storm {
    /// Plays the storm, with the random numbers that `seed` gives.
    pub fn play(self, seed: u64) -> Outcome {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut cap = Cap { admits: self.cap as usize, admitted: VecDeque::new() };
        let mut recent = VecDeque::new();
        let mut outcome = Outcome { in_time: 0, last_in: Duration::ZERO, attempts: 0, peak: 0 };
        // What happens next: an attempt, by its time, its environment and the retries before it.
        let mut agenda: BinaryHeap<_> =
            (0..self.environments).map(|number| Reverse((Duration::ZERO, number, 0))).collect();
        while let Some(Reverse((now, number, retries))) = agenda.pop() {
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
                agenda.push(Reverse((answered + wait, number, retries + 1)));
            }
        }
        outcome
    }
}

/// Admits so many logins in any one second. Those it refuses do not count.
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
        cap: 100,
        deadline: Duration::from_secs(60),
        backoff: Backoff::LOGIN,
    };

    #[test]
    fn nobody_comes_in_faster_than_the_cap_allows() {
        let outcome = STORM.play(1);
        assert_eq!(outcome.in_time, 1000);
        // A hundred at once, and nine more seconds of a hundred.
        assert!(outcome.last_in >= Duration::from_secs(9), "{outcome:?}");
        assert!(outcome.attempts > 1000, "{outcome:?}");
        assert_eq!(outcome, STORM.play(1), "the same numbers give another storm");
        assert_ne!(outcome, STORM.play(2));
    }

    #[test]
    fn under_the_cap_there_is_no_storm() {
        let calm = Storm { environments: 100, ..STORM }.play(1);
        let expected = Outcome { in_time: 100, last_in: LOGIN, attempts: 100, peak: 0 };
        assert_eq!(calm, expected);
    }

    #[test]
    fn nobody_tries_beyond_the_deadline() {
        let outcome = Storm { deadline: Duration::from_secs(3), ..STORM }.play(1);
        assert!(outcome.in_time < 1000, "{outcome:?}");
        assert!(outcome.last_in <= Duration::from_secs(3) + LOGIN, "{outcome:?}");
    }

    #[test]
    fn the_document_shows_these_tables() {
        let document = include_str!("../../../../docs/RELIABILITY.md");
        for table in [markdown(&table(Backoff::LOGIN, DEADLINE)), comparison(DEADLINE)] {
            assert!(
                document.contains(&table),
                "docs/RELIABILITY.md lacks this table, which `cargo run -p login-storm` prints:\n{table}"
            );
        }
    }

    #[test]
    fn without_jitter_all_come_back_together() {
        // What the jitter is for: waits that are all the same keep the crowd together.
        let waits = |jitter: bool| {
            let together = if jitter { Backoff::LOGIN.cap } else { Duration::from_micros(1) };
            let backoff = Backoff { base: together, cap: together };
            Storm { backoff, ..STORM }.play(1).attempts
        };
        assert!(waits(false) > 10 * waits(true), "{} and {}", waits(false), waits(true));
    }
}

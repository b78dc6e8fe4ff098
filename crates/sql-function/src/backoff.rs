//! How long to wait before a login is retried, so that many execution environments that fail
//! together do not retry together.
//!
//! This is exponential backoff with full jitter: the wait is random between zero and a ceiling that
//! doubles with each retry, up to a cap. Source: "Exponential Backoff And Jitter", AWS
//! Architecture Blog,
//! <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.
//!
//! Randomness and remaining time are arguments, so that the example `login-storm` can simulate with
//! the same code.

use std::time::Duration;

/// How waits grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait before the first retry.
    pub base: Duration,
    /// The longest wait before any retry.
    pub cap: Duration,
}

impl Backoff {
    /// What logins use, chosen by the simulated storms in docs/RELIABILITY.md.
    pub const LOGIN: Backoff =
        Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(5) };
    /// What denied logins use: the fourth try is after 7 to 10.5 seconds. RDS admits a number of logins
    /// in a second, and IAM's answers to it fail for some seconds.
    pub(crate) const DENIED: Backoff =
        Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(8) };

    /// The wait before retry number `retry`, from 0, is shorter than this:
    /// `min(cap, base · 2^retry)`.
    #[must_use]
    pub(crate) fn ceiling(self, retry: u32) -> Duration {
        let times = 1_u32.checked_shl(retry).unwrap_or(u32::MAX);
        self.base.saturating_mul(times).min(self.cap)
    }

    /// The wait before retry number `retry`, to the microsecond. `random` is uniform over all of
    /// `u64`, and the wait uniform from 0 to `min(cap, base · 2^retry)`, or to what is `left` if that
    /// is less: environments with a common deadline must not all retry just before it.
    ///
    /// `None` if hardly any time is left: no more than a tenth of what the wait might be.
    #[must_use]
    pub fn delay(self, retry: u32, random: u64, left: Duration) -> Option<Duration> {
        let ceiling = self.ceiling(retry);
        (left > ceiling / 10).then(|| part(ceiling.min(left), random))
    }

    /// The wait before retry number `retry`, in steps of at least a known length: uniform from
    /// `min(cap, base · 2^retry)` to one and a half times that, but no more than half of what is
    /// `left`: the rest is for the login.
    ///
    /// `None` if less than a quarter of the first step would remain of it.
    #[must_use]
    pub(crate) fn step(self, retry: u32, random: u64, left: Duration) -> Option<Duration> {
        let step = self.ceiling(retry).min(left / 3);
        (step >= self.base / 4).then(|| step + part(step / 2, random))
    }
}

/// A part of `whole`, less than it, to the microsecond: `random` out of all of `u64`.
fn part(whole: Duration, random: u64) -> Duration {
    let micros = u64::try_from(whole.as_micros()).unwrap_or(u64::MAX);
    // The upper half of the product is less than `micros`, so it is a `u64`.
    Duration::from_micros(((u128::from(micros) * u128::from(random)) >> u64::BITS) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);
    const BACKOFF: Backoff = Backoff { base: Duration::from_millis(100), cap: SECOND };

    #[test]
    fn the_ceiling_doubles_up_to_the_cap() {
        let ceilings: Vec<_> = (0..6).map(|retry| BACKOFF.ceiling(retry).as_millis()).collect();
        assert_eq!(ceilings, [100, 200, 400, 800, 1000, 1000]);
        for retry in [31, 32, 33, u32::MAX] {
            assert_eq!(BACKOFF.ceiling(retry), SECOND, "retry {retry}");
            let endless = Backoff { cap: Duration::MAX, ..BACKOFF };
            assert!(endless.ceiling(retry) > BACKOFF.base * 1_000_000, "retry {retry}");
        }
    }

    #[test]
    fn the_wait_is_anywhere_below_the_ceiling() {
        let wait = |retry, random| BACKOFF.delay(retry, random, SECOND);
        assert_eq!(wait(0, 0), Some(Duration::ZERO));
        assert_eq!(wait(0, u64::MAX / 2 + 1), Some(Duration::from_millis(50)));
        assert_eq!(wait(0, u64::MAX), Some(Duration::from_micros(99_999)));
        assert_eq!(wait(3, u64::MAX / 4 + 1), Some(Duration::from_millis(200)));
        assert_eq!(wait(9, u64::MAX), Some(Duration::from_micros(999_999)));
    }

    #[test]
    fn a_wait_is_within_what_is_left() {
        let half = u64::MAX / 2 + 1;
        let wait = |micros| BACKOFF.delay(0, half, Duration::from_micros(micros));
        assert_eq!(wait(50_000), Some(Duration::from_millis(25)));
        assert_eq!(wait(10_001), Some(Duration::from_micros(5000)));
        assert_eq!(wait(10_000), None, "a tenth of the ceiling");
        assert_eq!(wait(0), None);
    }

    #[test]
    fn the_fourth_of_denied_logins_is_after_7_seconds_or_more() {
        let at = |random| {
            let steps = (0..3).map(|retry| Backoff::DENIED.step(retry, random, SECOND * 60));
            let at = steps.scan(Duration::ZERO, |at, step| {
                *at += step.unwrap();
                Some(at.as_millis())
            });
            at.collect::<Vec<_>>()
        };
        assert_eq!(at(0), [1000, 3000, 7000]);
        assert_eq!(at(u64::MAX / 2 + 1), [1250, 3750, 8750]);
        assert_eq!(at(u64::MAX), [1499, 4499, 10499]);
        let short = Backoff::DENIED.step(1, u64::MAX, Duration::from_millis(1500));
        assert_eq!(short.map(|wait| wait.as_millis()), Some(749), "half of it, at most");
        assert_eq!(Backoff::DENIED.step(1, 0, Duration::from_millis(700)), None);
    }

    #[test]
    fn waits_are_uniform() {
        // Equally spaced randomness comes out equally spaced: a tenth of it in each tenth.
        let mut tenths = [0; 10];
        for step in 0..10_000_u64 {
            let random = step * (u64::MAX / 10_000);
            let wait = BACKOFF.delay(9, random, SECOND).unwrap();
            tenths[(wait.as_micros() / 100_000) as usize] += 1;
        }
        assert!(tenths.iter().all(|&count| (999..=1001).contains(&count)), "{tenths:?}");
    }

    proptest! {
        #[test]
        fn no_wait_reaches_the_ceiling_or_what_is_left(
            base in 1..u64::MAX,
            cap in 1..u64::MAX,
            retry: u32,
            random: u64,
            left: u64,
        ) {
            let (base, cap) = (Duration::from_micros(base), Duration::from_micros(cap));
            let backoff = Backoff { base, cap };
            let ceiling = backoff.ceiling(retry);
            prop_assert!(ceiling <= cap);
            prop_assert!(ceiling >= base.min(cap));
            prop_assert!(ceiling <= backoff.ceiling(retry.saturating_add(1)));
            let left = Duration::from_micros(left);
            match backoff.delay(retry, random, left) {
                Some(delay) => prop_assert!(delay < ceiling && delay < left),
                None => prop_assert!(left <= ceiling / 10),
            }
            match backoff.step(retry, random, left) {
                Some(step) => prop_assert!(step <= left / 2 && step / 3 <= ceiling / 2),
                None => prop_assert!(left / 3 < backoff.base / 4 || ceiling < backoff.base / 4),
            }
        }

        /// Nothing gives up while there is time: whatever the random numbers, the waits of a login
        /// leave less than half a second, and those of one denied login after another less than one.
        #[test]
        fn waits_use_all_of_the_time(
            seconds in 1..900_u64,
            random in prop::collection::vec(any::<u64>(), 16),
        ) {
            for denied in [false, true] {
                let mut left = SECOND * seconds as u32;
                let mut waits = 0;
                loop {
                    let random = random[waits as usize % random.len()];
                    let wait = match denied {
                        false => Backoff::LOGIN.delay(waits, random, left),
                        true => Backoff::DENIED.step(waits, random, left),
                    };
                    let Some(wait) = wait else { break };
                    // Even a login that fails at once takes some time.
                    left = left.saturating_sub(wait + Duration::from_millis(1));
                    waits += 1;
                }
                let most = if denied { SECOND } else { SECOND / 2 };
                prop_assert!(left < most, "{denied}: {left:?} after {waits}");
            }
        }
    }
}

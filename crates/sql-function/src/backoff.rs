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

    /// The wait before retry number `retry`, from 0, is shorter than this:
    /// `min(cap, base · 2^retry)`.
    #[must_use]
    pub(crate) fn ceiling(self, retry: u32) -> Duration {
        let times = 1_u32.checked_shl(retry).unwrap_or(u32::MAX);
        self.base.saturating_mul(times).min(self.cap)
    }

    /// The wait before retry number `retry`, to the microsecond. `random` is uniform over all of
    /// `u64`, and the wait uniform from 0 to `min(cap, base · 2^retry)`.
    ///
    /// `None` if the wait would leave no time for another attempt. The wait is not shortened to
    /// fit, because environments with a common deadline would all retry just before it.
    #[must_use]
    pub fn delay(self, retry: u32, random: u64, left: Duration) -> Option<Duration> {
        let ceiling = u64::try_from(self.ceiling(retry).as_micros()).unwrap_or(u64::MAX);
        // The upper half of the product is less than `ceiling`, so it is a `u64`.
        let micros = (u128::from(ceiling) * u128::from(random)) >> u64::BITS;
        let delay = Duration::from_micros(micros as u64);
        (delay < left).then_some(delay)
    }
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
    fn a_wait_that_leaves_no_time_is_none() {
        let half = u64::MAX / 2 + 1;
        assert_eq!(BACKOFF.delay(0, half, Duration::from_millis(50)), None);
        let left = Duration::from_micros(50_001);
        assert_eq!(BACKOFF.delay(0, half, left), Some(Duration::from_millis(50)));
        assert_eq!(BACKOFF.delay(0, 0, Duration::ZERO), None);
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
                None => prop_assert!(ceiling > left || left.is_zero()),
            }
        }
    }
}

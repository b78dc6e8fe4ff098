//! The cap on new connections per second. RDS throttles IAM connections beyond a rate that grows with the
//! instance; AWS has published no number since 2026-06-30
//! (<https://aws.amazon.com/about-aws/whats-new/2026/06/amazon-rds-iam/>).

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use crate::refusal::Refusal;

const WINDOW: Duration = Duration::from_secs(1);

/// A limit on logins in any one second. Refused logins do not count.
#[derive(Default)]
pub(crate) struct ConnectionCap {
    limit: Option<u32>,
    admitted: VecDeque<SystemTime>,
}

impl ConnectionCap {
    /// A cap of `limit` logins per second, or none.
    pub(crate) fn new(limit: Option<u32>) -> Self {
        Self { limit, admitted: VecDeque::new() }
    }

    /// Admits a login at `now`, or refuses it.
    pub(crate) fn admit(&mut self, now: SystemTime) -> Result<(), Refusal> {
        let Some(cap) = self.limit else { return Ok(()) };
        // Times ahead of `now` are left over from a clock that was set back.
        self.admitted.retain(|then| now.duration_since(*then).is_ok_and(|age| age < WINDOW));
        if self.admitted.len() as u64 >= u64::from(cap) {
            return Err(Refusal::TooManyConnections { cap });
        }
        self.admitted.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn at(millis: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(100_000 + millis)
    }

    #[test]
    fn any_one_second_holds_at_most_the_cap() {
        let mut cap = ConnectionCap::new(Some(2));
        let full = Err(Refusal::TooManyConnections { cap: 2 });
        assert_eq!(cap.admit(at(0)), Ok(()));
        assert_eq!(cap.admit(at(600)), Ok(()));
        assert_eq!(cap.admit(at(999)), full);
        assert_eq!(cap.admit(at(1000)), Ok(()), "the first one is a second ago");
        assert_eq!(cap.admit(at(1599)), full);
        assert_eq!(cap.admit(at(1600)), Ok(()));
    }

    #[test]
    fn none_is_no_cap_and_zero_lets_no_one_in() {
        let mut none = ConnectionCap::default();
        assert!((0..1000).all(|_| none.admit(at(0)).is_ok()));
        assert!(ConnectionCap::new(Some(0)).admit(at(0)).is_err());
    }

    #[test]
    fn a_clock_set_back_does_not_lock_anyone_out() {
        let mut cap = ConnectionCap::new(Some(1));
        assert_eq!(cap.admit(at(50_000)), Ok(()));
        assert_eq!(cap.admit(at(0)), Ok(()));
    }
}

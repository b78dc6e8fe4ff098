//! The two families of addresses, and in which order the addresses of a name are tried.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, Ordering};

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) fn of(address: IpAddr) -> Family {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    fn other(self) -> Family {
        match self {
            Family::V4 => Family::V6,
            Family::V6 => Family::V4,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        })
    }
}

/// The family that is tried first the next time (RFC 8305, section 4: a client should use what it has
/// learned of an address): that of the server that answered last.
#[derive(Debug, Default)]
pub struct Preference(AtomicU8);

impl Preference {
    /// The outcome of `login`, which is an attempt at `address`. The family of the address is preferred
    /// from then on if it succeeds or fails with an answer of the server. Otherwise the other
    /// one is, also if the login is dropped: something on the way may open connections, and lose what is
    /// sent on them.
    ///
    /// # Errors
    /// Those of `login`.
    pub async fn learn<T, E>(
        &self,
        address: IpAddr,
        login: impl Future<Output = Result<T, E>>,
        is_answer: impl FnOnce(&E) -> bool,
    ) -> Result<T, E> {
        let family = Family::of(address);
        let mut learning = Learning { preference: self, family: family.other() };
        let outcome = login.await;
        if outcome.as_ref().err().is_none_or(is_answer) {
            learning.family = family;
        }
        outcome
    }

    pub(crate) fn family(&self) -> Option<Family> {
        match self.0.load(Ordering::Relaxed) {
            4 => Some(Family::V4),
            6 => Some(Family::V6),
            _ => None,
        }
    }
}

/// What a preference will be at the end of a login, however it ends.
struct Learning<'a> {
    preference: &'a Preference,
    family: Family,
}

impl Drop for Learning<'_> {
    fn drop(&mut self) {
        let number = match self.family {
            Family::V4 => 4,
            Family::V6 => 6,
        };
        self.preference.0.store(number, Ordering::Relaxed);
    }
}

/// The addresses in the order in which they are tried: the families in turn, beginning with `first`,
/// or with the family of the first address. Within a family, the resolver's order is kept (RFC 6724).
pub(crate) fn in_turn(addresses: &[IpAddr], first: Option<Family>) -> Vec<IpAddr> {
    let Some(first) = first.or(addresses.first().map(|&ip| Family::of(ip))) else { return vec![] };
    let (mut ours, mut others): (Vec<IpAddr>, Vec<IpAddr>) =
        addresses.iter().partition(|&&ip| Family::of(ip) == first);
    ours.reverse();
    others.reverse();
    let mut all = Vec::with_capacity(addresses.len());
    while !(ours.is_empty() && others.is_empty()) {
        all.extend(ours.pop());
        all.extend(others.pop());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::future::{pending, ready};
    use std::time::Duration;
    use tokio::time::timeout;

    fn parsed(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns() {
        let found = parsed(&["fd00::1", "fd00::2", "fd00::3", "10.0.0.1", "10.0.0.2"]);
        let six = parsed(&["fd00::1", "10.0.0.1", "fd00::2", "10.0.0.2", "fd00::3"]);
        assert_eq!(in_turn(&found, None), six);
        let four = parsed(&["10.0.0.1", "fd00::1", "10.0.0.2", "fd00::2", "fd00::3"]);
        assert_eq!(in_turn(&found, Some(Family::V4)), four);
        assert_eq!(in_turn(&found[3..], Some(Family::V6)), found[3..], "a family that is missing");
        assert_eq!(in_turn(&[], Some(Family::V6)), [] as [IpAddr; 0]);
    }

    #[tokio::test]
    async fn the_family_of_what_answered_last_is_preferred() {
        let preference = Preference::default();
        assert_eq!(preference.family(), None);
        for (text, own, other) in
            [("10.0.0.1", Family::V4, Family::V6), ("fd00::1", Family::V6, Family::V4)]
        {
            let address = text.parse().unwrap();
            let after = async |outcome: Result<(), &str>| {
                let learned = preference.learn(address, ready(outcome), |error| *error == "denied");
                assert_eq!(learned.await, outcome);
                preference.family()
            };
            assert_eq!(after(Ok(())).await, Some(own));
            assert_eq!(after(Err("reset")).await, Some(other), "{text}: nothing answered");
            assert_eq!(after(Err("denied")).await, Some(own), "{text}: the server answered");
            let hangs = preference.learn(address, pending::<Result<(), ()>>(), |()| true);
            assert!(timeout(Duration::from_millis(5), hangs).await.is_err());
            assert_eq!(preference.family(), Some(other), "{text}: it was given up");
        }
    }

    proptest! {
        #[test]
        fn no_address_is_lost_and_no_family_waits(
            addresses in prop::collection::vec(any::<IpAddr>(), 0..9),
            six: Option<bool>,
        ) {
            let first = six.map(|six| if six { Family::V6 } else { Family::V4 });
            let all = in_turn(&addresses, first);
            for family in [Family::V4, Family::V6] {
                let of = |list: &[IpAddr]| {
                    list.iter().copied().filter(|&ip| Family::of(ip) == family).collect::<Vec<_>>()
                };
                prop_assert_eq!(of(&all), of(&addresses), "in the resolver's order");
                let at = all.iter().position(|&ip| Family::of(ip) == family);
                prop_assert!(at.is_none_or(|at| at <= 1), "the second address has the other family");
            }
        }
    }
}

//! Whether work that failed is done again.

use engine::Engine;
use std::time::Duration;

use crate::backoff::Backoff;
use crate::deadline::millis;
use crate::driver::Connector;
use crate::error::{Error, Kind};
use crate::place::{Finder, Need};
use crate::refusal::read_only_by_itself;
use crate::role::Open;
use crate::writer_search::Search;

/// How often work is done again whose connection broke before anything of it was run.
const LOSSES: u32 = 5;

/// The attempts at some work.
pub(crate) struct Retries {
    /// What the work needs.
    pub(crate) need: Need,
    pub(crate) search: Search,
    /// Whether the connection that it has is new, and its server said that it takes writes.
    is_new_at_writer: bool,
    was_refused: bool,
    /// How often a connection broke.
    lost: u32,
    /// Whether it was done again for another reason.
    was_again: bool,
}

impl Retries {
    pub(crate) fn new(need: Need) -> Retries {
        let search = Search::new();
        let (is_new_at_writer, was_refused, was_again) = (false, false, false);
        Retries { need, search, is_new_at_writer, was_refused, lost: 0, was_again }
    }

    /// Notes with what connection the work is done. The refusals of MySQL and MariaDB tell themselves whether
    /// it is the server or the transaction that is read-only.
    pub(crate) fn connected<C: Connector>(&mut self, open: &Open<C>) {
        self.is_new_at_writer =
            C::ENGINE == Engine::Postgres && !open.obtained.reused && open.read_only.is_none();
    }

    /// How long to wait until the work that failed with `error` is done again: nothing of it was executed. A
    /// server that takes no writes is replaced as often as there is time for it if the function itself finds
    /// the writer, unless it said that it does; a connection that broke is replaced at once, and then with
    /// backoff; everything else is worth one more attempt.
    ///
    /// # Errors
    /// It is not done again, and why it failed.
    pub(crate) fn again(
        &mut self,
        error: Error,
        finder: Finder,
        random: u64,
        left: Duration,
    ) -> Result<Duration, Error> {
        if !error.is_retryable() || self.search.is_over {
            return Err(error);
        }
        let wait = match (error.kind(), finder) {
            (Kind::ServerReadOnly, Finder::Search) => {
                if std::mem::replace(&mut self.was_refused, true) && self.is_new_at_writer {
                    return Err(read_only_by_itself(error));
                }
                // It writes.
                self.need = Need::Write;
                Some(Duration::ZERO)
            }
            (Kind::ServerReadOnly, Finder::Proxy) => once(&mut self.was_refused),
            (Kind::ServerReadOnly, Finder::Nobody) => None,
            (Kind::ConnectionLost, _) => {
                self.lost += 1;
                match self.lost {
                    1 => Some(Duration::ZERO),
                    lost if lost > LOSSES => None,
                    lost => Backoff::LOGIN.delay(lost - 2, random, left),
                }
            }
            _ => once(&mut self.was_again),
        };
        let Some(wait) = wait else { return Err(error) };
        let how = if error.is_stale() { "parsing the statement again" } else { "connecting again" };
        tracing::debug!(error = error.log(), wait_ms = millis(wait), "nothing was run; {how}");
        Ok(wait)
    }
}

/// At once, unless it `was` before.
fn once(was: &mut bool) -> Option<Duration> {
    (!std::mem::replace(was, true)).then_some(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fate;

    const MINUTE: Duration = Duration::from_secs(60);
    /// The longest waits.
    const RANDOM: u64 = u64::MAX;

    fn failed(kind: Kind) -> Error {
        Error::new(kind, "failed").with_fate(Fate::NotRun)
    }

    /// What follows after an error of this kind, with much time.
    fn next(retries: &mut Retries, kind: Kind, finder: Finder) -> Result<u128, Kind> {
        let next = retries.again(failed(kind), finder, RANDOM, MINUTE);
        next.map(|wait| wait.as_millis()).map_err(|error| error.kind())
    }

    #[test]
    fn what_may_have_run_is_not_done_again() {
        for kind in [Kind::ServerReadOnly, Kind::ConnectionLost, Kind::Query, Kind::Timeout] {
            for fate in [Fate::Unknown, Fate::Interrupted, Fate::CarriedOut] {
                let error = failed(kind).with_fate(fate);
                let again = Retries::new(Need::Write).again(error, Finder::Search, RANDOM, MINUTE);
                assert_eq!(again.unwrap_err().fate(), fate, "{kind:?}");
            }
        }
    }

    #[test]
    fn a_server_that_takes_no_writes_is_replaced_until_the_time_is_up() {
        let mut retries = Retries::new(Need::Perhaps);
        for _ in 0..9 {
            assert_eq!(next(&mut retries, Kind::ServerReadOnly, Finder::Search), Ok(0));
            assert_eq!(retries.need, Need::Write, "it writes");
        }
        retries.search.is_over = true;
        assert_eq!(
            next(&mut retries, Kind::ServerReadOnly, Finder::Search),
            Err(Kind::ServerReadOnly)
        );
    }

    #[test]
    fn what_was_refused_is_sent_again_only_where_it_may_come_to_the_writer() {
        let mut retries = Retries::new(Need::Write);
        retries.is_new_at_writer = true; // a proxy says nothing
        assert_eq!(next(&mut retries, Kind::ServerReadOnly, Finder::Proxy), Ok(0));
        let refused = Err(Kind::ServerReadOnly);
        assert_eq!(next(&mut retries, Kind::ServerReadOnly, Finder::Proxy), refused);
        let mut retries = Retries::new(Need::Write);
        assert_eq!(next(&mut retries, Kind::ServerReadOnly, Finder::Nobody), refused);
        assert_eq!(next(&mut retries, Kind::ConnectionLost, Finder::Nobody), Ok(0));
    }

    #[test]
    fn work_that_a_new_connection_to_the_writer_refuses_too_is_read_only_by_itself() {
        for first_is_new in [false, true] {
            let mut retries = Retries::new(Need::Write);
            retries.is_new_at_writer = first_is_new;
            // The server may have become read-only since the login.
            assert_eq!(next(&mut retries, Kind::ServerReadOnly, Finder::Search), Ok(0));
            retries.is_new_at_writer = false;
            assert_eq!(
                next(&mut retries, Kind::ServerReadOnly, Finder::Search),
                Ok(0),
                "an old one"
            );
            retries.is_new_at_writer = true;
            assert_eq!(next(&mut retries, Kind::ServerReadOnly, Finder::Search), Err(Kind::Query));
        }
    }

    #[test]
    fn a_connection_that_breaks_is_replaced_some_times() {
        let mut retries = Retries::new(Need::Read);
        let mut lost = |_| next(&mut retries, Kind::ConnectionLost, Finder::Search);
        let waits = [0, 1, 2, 3, 4, 5].map(&mut lost);
        assert_eq!(waits, [Ok(0), Ok(199), Ok(399), Ok(799), Ok(1599), Err(Kind::ConnectionLost)]);
        let mut retries = Retries::new(Need::Read);
        let soon = Duration::from_millis(20);
        for expected in [Some(Duration::ZERO), None] {
            let again = retries.again(failed(Kind::ConnectionLost), Finder::Search, RANDOM, soon);
            assert_eq!(again.ok(), expected, "no time is left for another wait");
        }
    }

    #[test]
    fn everything_else_is_done_again_once() {
        let mut retries = Retries::new(Need::Read);
        for expected in [true, false] {
            let error = Error::new(Kind::Query, "its plan is out of date").stale();
            assert_eq!(retries.again(error, Finder::Search, RANDOM, MINUTE).is_ok(), expected);
        }
    }
}

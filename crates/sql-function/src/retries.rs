//! Whether work that failed is done again.

use crate::error::{Error, Kind};
use crate::place::{Finder, Need};
use crate::writer_search::Search;

/// The attempts at some work.
pub(crate) struct Retries {
    /// What the work needs.
    pub(crate) need: Need,
    pub(crate) search: Search,
    /// Whether it was done again for another reason than a server that takes no writes.
    was_again: bool,
    was_refused: bool,
}

impl Retries {
    pub(crate) fn new(need: Need) -> Retries {
        Retries { need, search: Search::new(), was_again: false, was_refused: false }
    }

    /// Whether the work that failed with `error` is done again: nothing of it was executed. A server that
    /// takes no writes is replaced as often as there is time for it if the function itself finds the writer;
    /// everything else is worth one more attempt.
    pub(crate) fn again(&mut self, error: &Error, finder: Finder) -> bool {
        if !error.is_retryable() || self.search.is_over {
            return false;
        }
        let again = match (error.kind(), finder) {
            (Kind::ServerReadOnly, Finder::Search) => {
                // It writes.
                self.need = Need::Write;
                true
            }
            (Kind::ServerReadOnly, Finder::Proxy) => {
                !std::mem::replace(&mut self.was_refused, true)
            }
            (Kind::ServerReadOnly, Finder::Nobody) => false,
            _ => !std::mem::replace(&mut self.was_again, true),
        };
        if again {
            let how =
                if error.is_stale() { "parsing the statement again" } else { "connecting again" };
            tracing::debug!(error = error.log(), "nothing was run; {how}");
        }
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fate;

    fn failed(kind: Kind, fate: Fate) -> Error {
        Error::new(kind, "failed").with_fate(fate)
    }

    #[test]
    fn what_may_have_run_is_not_done_again() {
        for kind in [Kind::ServerReadOnly, Kind::ConnectionLost, Kind::Query, Kind::Timeout] {
            for fate in [Fate::Unknown, Fate::Interrupted, Fate::CarriedOut] {
                let again = Retries::new(Need::Write).again(&failed(kind, fate), Finder::Search);
                assert!(!again, "{kind:?} {fate:?}");
            }
        }
    }

    #[test]
    fn a_server_that_takes_no_writes_is_replaced_until_the_time_is_up() {
        let refused = failed(Kind::ServerReadOnly, Fate::NotRun);
        let mut retries = Retries::new(Need::Perhaps);
        for _ in 0..9 {
            assert!(retries.again(&refused, Finder::Search));
            assert_eq!(retries.need, Need::Write, "it writes");
        }
        retries.search.is_over = true;
        assert!(!retries.again(&refused, Finder::Search));
    }

    #[test]
    fn what_was_refused_is_sent_again_only_where_it_may_come_to_the_writer() {
        let refused = failed(Kind::ServerReadOnly, Fate::NotRun);
        let mut retries = Retries::new(Need::Write);
        assert!(retries.again(&refused, Finder::Proxy), "the proxy may have found the writer");
        assert!(!retries.again(&refused, Finder::Proxy));
        let mut retries = Retries::new(Need::Write);
        assert!(!retries.again(&refused, Finder::Nobody), "a reader endpoint leads to readers");
        let lost = failed(Kind::ConnectionLost, Fate::NotRun);
        assert!(retries.again(&lost, Finder::Nobody));
    }

    #[test]
    fn everything_else_is_done_again_once() {
        let lost = failed(Kind::ConnectionLost, Fate::NotRun);
        let mut retries = Retries::new(Need::Read);
        assert!(retries.again(&lost, Finder::Search));
        assert!(!retries.again(&lost, Finder::Search));
    }
}

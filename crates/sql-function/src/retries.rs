//! What the work of an event needs from its server, and whether work that failed is done again.

use crate::error::{Error, Kind};
use crate::writer_search::Search;

/// What work needs from its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Any server, preferably a reader: it only reads.
    Read,
    /// The writer, as far as that can be known at once: it may only read, as a procedure does, or it reads
    /// after a write of the same event.
    Perhaps,
    /// A server that takes writes, or that holds the locks which exclude other runs.
    Write,
}

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
    /// takes no writes is replaced as often as there is time for it if the writer `is_sought`; everything
    /// else is worth one more attempt.
    pub(crate) fn again(&mut self, error: &Error, is_sought: bool) -> bool {
        if !error.is_retryable() || self.search.is_over {
            return false;
        }
        let again = match error.kind() {
            Kind::ServerReadOnly if is_sought => {
                // It writes.
                self.need = Need::Write;
                true
            }
            Kind::ServerReadOnly => !std::mem::replace(&mut self.was_refused, true),
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
                let again = Retries::new(Need::Write).again(&failed(kind, fate), true);
                assert!(!again, "{kind:?} {fate:?}");
            }
        }
    }

    #[test]
    fn a_server_that_takes_no_writes_is_replaced_until_the_time_is_up() {
        let refused = failed(Kind::ServerReadOnly, Fate::NotRun);
        let mut retries = Retries::new(Need::Perhaps);
        for _ in 0..9 {
            assert!(retries.again(&refused, true));
            assert_eq!(retries.need, Need::Write, "it writes");
        }
        retries.search.is_over = true;
        assert!(!retries.again(&refused, true));
        // Through a proxy, which finds the writer itself, once.
        let mut retries = Retries::new(Need::Write);
        assert!(retries.again(&refused, false));
        assert!(!retries.again(&refused, false));
    }

    #[test]
    fn everything_else_is_done_again_once() {
        let lost = failed(Kind::ConnectionLost, Fate::NotRun);
        let mut retries = Retries::new(Need::Read);
        assert!(retries.again(&lost, true));
        assert!(!retries.again(&lost, true));
    }
}

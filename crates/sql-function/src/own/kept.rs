//! What a handler has changed for good, for the error that ends its invocation.

use crate::error::{Error, Fate, Kind};
use crate::loggable;
use crate::statement::Mode;

/// What is known about the writes of an invocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kept {
    /// Nothing was changed.
    #[default]
    Nothing,
    /// Something may have been changed.
    Perhaps,
    /// Something was changed.
    Something,
}

impl Kept {
    /// What is known while a write runs: it may be dropped before its answer.
    pub(crate) fn during(self, mode: Mode) -> Kept {
        if mode == Mode::Write { self.max(Kept::Perhaps) } else { self }
    }

    /// What is known after a write with this outcome.
    pub(crate) fn after<T>(self, mode: Mode, outcome: &Result<T, Error>) -> Kept {
        match outcome.as_ref().map_err(Error::fate) {
            _ if mode == Mode::Read => self,
            Ok(_) | Err(Fate::CarriedOut) => Kept::Something,
            Err(Fate::NotRun | Fate::Interrupted) => self,
            Err(Fate::Unknown) => self.max(Kept::Perhaps),
        }
    }

    /// The error of the invocation whose last error is `error`: it also says what became of what
    /// ran before.
    pub(crate) fn told(self, error: Error) -> Error {
        let (words, fate) = match self {
            Kept::Nothing => return error,
            Kept::Perhaps => ("an earlier write may have been carried out", Fate::Unknown),
            Kept::Something => ("an earlier write was carried out", Fate::CarriedOut),
        };
        let error = match error.kind() {
            // These types promise that nothing was changed.
            Kind::Timeout | Kind::ConnectionLost | Kind::QueryTransient | Kind::ServerReadOnly => {
                Error::new(Kind::OutcomeUnknown, words)
                    .caused_by(error)
                    .advice("check the data before sending the event again")
            }
            _ => error.with(loggable!("; {words}")),
        };
        error.with_fate(fate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_in_doubt_until_its_answer() {
        let ok = Ok(());
        let failed = |fate| Err::<(), _>(Error::new(Kind::Query, "refused").with_fate(fate));
        for before in [Kept::Nothing, Kept::Perhaps, Kept::Something] {
            assert_eq!(before.during(Mode::Read), before);
            assert_eq!(before.during(Mode::Write), before.max(Kept::Perhaps));
            assert_eq!(before.after(Mode::Read, &failed(Fate::Unknown)), before);
            assert_eq!(before.after(Mode::Write, &ok), Kept::Something);
            assert_eq!(before.after(Mode::Write, &failed(Fate::NotRun)), before);
            assert_eq!(before.after(Mode::Write, &failed(Fate::CarriedOut)), Kept::Something);
            let unknown = before.after(Mode::Write, &failed(Fate::Unknown));
            assert_eq!(unknown, before.max(Kept::Perhaps));
        }
    }

    #[test]
    fn an_error_does_not_promise_more_than_holds() {
        let late = || Error::new(Kind::Timeout, "timed out").with_fate(Fate::NotRun);
        assert_eq!(Kept::Nothing.told(late()).error_type(), "Timeout");
        let error = Kept::Something.told(late());
        assert_eq!((error.error_type(), error.fate()), ("OutcomeUnknown", Fate::CarriedOut));
        assert!(error.report().contains("an earlier write was carried out"), "{}", error.report());
        let own = Kept::Something.told(Error::own("OutOfStock", "none is left"));
        assert_eq!(own.error_type(), "OutOfStock");
        assert!(own.log().contains("carried out"), "{}", own.log());
    }
}

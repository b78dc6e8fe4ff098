//! Rows as the values of a handler.

use serde::de::DeserializeOwned;

use crate::driver::ExecResult;
use crate::error::{Error, Fate, Kind};
use crate::loggable;
use crate::response::StatementResult;
use crate::statement::Mode;

/// What a deployed statement returned to a handler.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// How many rows it changed; 0 for one that only reads.
    pub rows_affected: u64,
    /// The first value that the server generated for an inserted row, if the engine reports it.
    pub last_insert_id: Option<u64>,
    /// Whether it did not run: it is exclusive, and is already running elsewhere.
    pub skipped: bool,
}

impl<T: DeserializeOwned> Answer<T> {
    /// The answer of a statement that was run in `mode`, or skipped.
    ///
    /// # Errors
    /// Those of [`rows`].
    pub(crate) fn of(result: &StatementResult, mode: Mode, skipped: bool) -> Result<Self, Error> {
        let ExecResult { rows_affected, last_insert_id } = result.effect();
        Ok(Self { rows: rows(result, mode)?, rows_affected, last_insert_id, skipped })
    }
}

/// The rows of a statement that was run in `mode`, as the caller's type.
///
/// # Errors
/// [`Kind::Statement`]: they do not fit it, or there are several result sets.
pub(crate) fn rows<T: DeserializeOwned>(
    result: &StatementResult,
    mode: Mode,
) -> Result<Vec<T>, Error> {
    let name = &result.statement;
    let refused = |message| {
        let fate = if mode == Mode::Write { Fate::CarriedOut } else { Fate::NotRun };
        Error::new(Kind::Statement, message).with_fate(fate)
    };
    if !result.more_results.is_empty() {
        return Err(refused(loggable!("statement {name:?} returned several results"))
            .advice("use the driver's own client for a procedure with several results"));
    }
    serde_json::from_str(result.result.rows.get()).map_err(|error| {
        // It may quote a value.
        refused(loggable!("the rows of statement {name:?} do not fit the handler's type"))
            .says(error.to_string())
            .advice("compare the columns with the fields of the type; docs/TYPES.md has the JSON of each column type")
    })
}

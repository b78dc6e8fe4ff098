//! What is measured by how much of it there is: rows, columns, and events side by side.

use crate::Failure;
use crate::measure::Stage;
use crate::report::Row;
use crate::subject::Subject;
use crate::workload::{self, COLUMNS, ROWS};

/// What is counted.
pub(crate) struct Counts {
    /// Its name, in the plural.
    pub(crate) what: &'static str,
    /// How much of it.
    pub(crate) of: &'static [usize],
    /// Whether subjects can do it that take one event at a time: the floors and the peers.
    pub(crate) one_at_a_time: bool,
    /// How much of it a second.
    pub(crate) per_second: fn(&Stage<'_>, &Subject, usize) -> Result<f64, Failure>,
    /// Where a row of the report has it.
    pub(crate) part: fn(&mut Row) -> &mut Vec<(usize, f64)>,
}

pub(crate) const ALL: [Counts; 3] = [
    Counts {
        what: "rows",
        of: &ROWS,
        one_at_a_time: true,
        per_second: |stage, subject, count| {
            Ok(count as f64 / stage.statement(subject, &workload::rows(count))?)
        },
        part: |row| &mut row.rows_per_second,
    },
    Counts {
        what: "columns",
        of: &COLUMNS,
        one_at_a_time: true,
        per_second: |stage, subject, count| {
            Ok(count as f64 / stage.statement(subject, &workload::columns(count))?)
        },
        part: |row| &mut row.columns_per_second,
    },
    Counts {
        what: "events side by side",
        of: &[1, 4, 16, 64],
        one_at_a_time: false,
        per_second: |stage, subject, count| stage.side_by_side(subject, count),
        part: |row| &mut row.events_per_second,
    },
];

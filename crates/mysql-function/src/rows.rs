//! Reads the rows of a statement as they arrive.

use mysql_async::consts::ColumnType;
use mysql_async::prelude::Protocol;
use mysql_async::{Column as Meta, QueryResult};
use sql_function::{Column, Error, ExecResult, Fate, Kind, Rows, Statement, truncate};

use crate::literal::Whole;
use crate::{failure, value};

/// The longest name of a column in an error, in bytes.
const MAX_NAME: usize = 200;

/// Whether the values of a FLOAT may be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Floats {
    /// They are exact, or not used.
    Exact,
    /// They are text, rounded to six digits: a result that has one is refused.
    Rounded,
}

/// Writes every result set into `rows`. The columns of the first were checked before the statement
/// ran, where possible.
pub(crate) async fn read<P: Protocol>(
    result: &mut QueryResult<'_, '_, P>,
    statement: &Statement,
    whole: &Whole,
    rows: &mut Rows,
    floats: Floats,
    through_proxy: bool,
) -> Result<ExecResult, Error> {
    let failed = |error| failure::query(statement, error, through_proxy);
    let mut done = ExecResult::default();
    let mut sets = 0;
    // Reading the next set fails if there is an error in its place.
    while let Some(columns) = result.columns() {
        if columns.is_empty() {
            done.rows_affected = result.affected_rows();
            done.last_insert_id = result.last_insert_id();
            result.next().await.map_err(failed)?;
            continue;
        }
        if sets > 0 {
            rows.next_set();
        }
        sets += 1;
        let columns_named = named(&columns, statement, whole);
        let rounded = columns_named.iter().find(|column| is_float(column));
        let described = match rounded.filter(|_| floats == Floats::Rounded) {
            Some(column) => Err(refused_float(column)),
            None => rows.describe(columns_named),
        };
        if let Err(error) = described {
            let most = if statement.changes_rows() { u64::MAX } else { statement.max_rows };
            return Err(match ends_within(result, most).await {
                true => error.with_fate(Fate::CarriedOut),
                false => error.with_fate(Fate::Unknown).loses_connection(),
            });
        }
        loop {
            let row = match result.next().await {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(error) if failure::is_long_row(&error) => {
                    return Err(rows.too_large_at(rows.count() + 1));
                }
                Err(error) => return Err(failed(error)),
            };
            let values = row.unwrap();
            let pushed = rows.push(|json| {
                for (column, value) in columns.iter().zip(values) {
                    value::write(json.value(), column, value)?;
                }
                Ok(())
            });
            if let Err(error) = pushed {
                // A write is executed once its last row has arrived, and returns no more rows than
                // it changed. The rows of other statements are not read to their end.
                let whole = statement.changes_rows() && ends_within(result, u64::MAX).await;
                return Err(if whole { error.with_fate(Fate::CarriedOut) } else { error });
            }
        }
    }
    result.next().await.map_err(failed)?;
    Ok(changed(statement, done, rows))
}

/// Whether the column is a FLOAT.
pub(crate) fn is_float(column: &Column) -> bool {
    column.type_name == "float"
}

/// The result has a FLOAT that arrives as text.
pub(crate) fn refused_float(column: &Column) -> Error {
    let message = "the result has a FLOAT, which needs CAST(… AS DOUBLE): as text it is rounded to six digits";
    Error::new(Kind::Statement, message).says(truncate(&column.name, MAX_NAME).into_owned()).advice(
        "write CAST(… AS DOUBLE) around the column: only a prepared statement returns a FLOAT \
         exactly, and not every statement is prepared (through an RDS Proxy, that pins)",
    )
}

/// Discards up to `rows` rows of a refused result and of those after it. Whether that was all.
async fn ends_within<P: Protocol>(result: &mut QueryResult<'_, '_, P>, rows: u64) -> bool {
    for _ in 0..rows.saturating_add(1) {
        match result.next().await {
            Ok(None) if result.columns().is_none() => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    false
}

/// The effect of this statement. The numbers that come with a result set are those of an earlier
/// one.
fn changed(statement: &Statement, done: ExecResult, rows: &Rows) -> ExecResult {
    match () {
        () if statement.changes_rows() && rows.count() > 0 => {
            ExecResult { rows_affected: rows.count(), last_insert_id: None }
        }
        () if statement.changes_rows() || counts_rows(statement) => done,
        () => ExecResult::default(),
    }
}

/// Whether the server counts changed rows for a statement that is not only about rows.
fn counts_rows(statement: &Statement) -> bool {
    let verb = statement.verb();
    matches!(&*verb, "CALL" | "LOAD") || (verb == "CREATE" && statement.has_word("SELECT"))
}

/// Whether the result has a FLOAT, which the text protocol rounds to six digits.
pub(crate) fn has_float<P: Protocol>(result: &QueryResult<'_, '_, P>) -> bool {
    let is_float = |column: &Meta| column.column_type() == ColumnType::MYSQL_TYPE_FLOAT;
    result.columns_ref().iter().any(is_float)
}

/// The names and types of columns.
pub(crate) fn named(columns: &[Meta], statement: &Statement, whole: &Whole) -> Vec<Column> {
    let describe = |column: &Meta| {
        let name = column.name_str();
        let own = !(column.table_ref().is_empty() && column.org_name_ref().is_empty());
        let name = whole.name(&statement.sql, &name, own).unwrap_or_else(|| name.into_owned());
        Column { name, type_name: value::type_name(column) }
    };
    columns.iter().map(describe).collect()
}

//! What a statement returns, as it arrives.

use mysql_async::consts::ColumnType;
use mysql_async::prelude::Protocol;
use mysql_async::{Column as Meta, QueryResult};
use sql_function::{Column, Error, ExecResult, Fate, Rows, Statement};

use crate::literal::Whole;
use crate::{failure, value};

/// Writes every result set into `rows`. A statement that may have written is not carried out in vain
/// for what its columns are called: those of the first set were looked at before, where they could be.
pub(crate) async fn read<P: Protocol>(
    result: &mut QueryResult<'_, '_, P>,
    statement: &Statement,
    whole: &Whole,
    rows: &mut Rows,
) -> Result<ExecResult, Error> {
    let failed = |error| failure::query(statement, error);
    let mut done = ExecResult::default();
    let mut sets = 0;
    // An error in place of a set is the answer to asking for more.
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
        let described = rows.describe(describe(&columns, statement, whole));
        if let Err(error) = described {
            let error = error.fated(Fate::Unknown);
            let ended = ends_within(result, statement.max_rows).await;
            return Err(if ended { error } else { error.loses_connection() });
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
                // What it changed is known when its last row has come, and there are no more of them
                // than it changed. Of anything else the rest is not read.
                let whole = statement.changes_rows() && ends_within(result, u64::MAX).await;
                return Err(if whole { error.fated(Fate::CarriedOut) } else { error });
            }
        }
    }
    result.next().await.map_err(failed)?;
    Ok(changed(statement, done, rows))
}

/// Reads on, for what is refused already: whether that was all, in no more rows than the statement may
/// return.
async fn ends_within<P: Protocol>(result: &mut QueryResult<'_, '_, P>, rows: u64) -> bool {
    for _ in 0..rows.saturating_add(1) {
        match result.next().await {
            Ok(Some(_)) => {}
            Ok(None) if result.columns().is_none() => return true,
            Ok(None) | Err(_) => return false,
        }
    }
    false
}

/// The numbers that are this statement's own: a result set comes with those of an earlier one.
fn changed(statement: &Statement, done: ExecResult, rows: &Rows) -> ExecResult {
    match () {
        () if statement.changes_rows() && rows.count() > 0 => {
            ExecResult { rows_affected: rows.count(), last_insert_id: None }
        }
        () if statement.changes_rows() || counts_rows(statement) => done,
        () => ExecResult::default(),
    }
}

/// Whether the server counts the rows that a statement changed which is about more than them.
fn counts_rows(statement: &Statement) -> bool {
    let verb = statement.verb();
    matches!(&*verb, "CALL" | "LOAD") || (verb == "CREATE" && statement.has_word("SELECT"))
}

/// Whether the text protocol would round a value: it has six digits for a FLOAT.
pub(crate) fn has_float<P: Protocol>(result: &QueryResult<'_, '_, P>) -> bool {
    let is_float = |column: &Meta| column.column_type() == ColumnType::MYSQL_TYPE_FLOAT;
    result.columns_ref().iter().any(is_float)
}

pub(crate) fn describe(columns: &[Meta], statement: &Statement, whole: &Whole) -> Vec<Column> {
    let describe = |column: &Meta| {
        let name = column.name_str();
        let own = !(column.table_ref().is_empty() && column.org_name_ref().is_empty());
        let name = whole.name(&statement.sql, &name, own).unwrap_or_else(|| name.into_owned());
        Column { name, type_name: value::type_name(column) }
    };
    columns.iter().map(describe).collect()
}

//! Statement files at volume: whatever a file holds, it is read or refused, and never ends the
//! function.

use proptest::prelude::*;
use std::time::Duration;

use super::options::MAX_TIMEOUT;
use super::{Mode, Statement};
use crate::sql::{Dialect, MYSQL};

/// Lines as files have them, and lines that are nearly such.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "--[ ]{0,1}(param|params|parm|schedule|Schedule)[ ]{0,1}:[ ]{0,1}(a int|b text\\[\\]\\?|\\[1, ?2?\\]|cron\\([0-9*? ]{0,12}\\)|rate\\([0-9] (minutes?|days?)\\)|at\\([0-9T:-]{0,19}\\))?\\PC{0,5}",
        "[ \t]{0,2}--[ ]{0,2}(mode|exclusive|timeout|max_rows|Mode|mod)[ ]{0,1}:[ ]{0,2}(read|write|true|false|[0-9]{0,21}(ms|s|m|h)?|\\PC{0,5})",
        "-- \\PC{0,20}",
        "\\PC{0,30}",
        "(SELECT|/\\*|\\*/|#|\\(|--|;|'|\\$1|\\?| ){0,6}",
    ]
}

/// A timeout as text, and its value.
fn timeout() -> impl Strategy<Value = (String, Duration)> {
    (1..100_000_u64, 0..3_usize).prop_map(|(count, unit)| {
        let (unit, millis) = [("ms", 1), ("s", 1_000), ("m", 60_000)][unit];
        (format!("{count}{unit}"), Duration::from_millis(count * millis).min(MAX_TIMEOUT))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30_000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(
        lines in prop::collection::vec(line(), 0..8),
        newline in prop_oneof!["\n", "\r\n", "\r"],
        mysql: bool,
    ) {
        let sql = lines.join(&newline);
        let dialect = if mysql { MYSQL } else { Dialect::Postgres };
        match Statement::parse("s", sql.clone(), dialect) {
            Ok(statement) => {
                prop_assert_eq!(&statement.sql, &sql, "the SQL was changed");
                prop_assert!(statement.timeout.is_none_or(|timeout| !timeout.is_zero()));
                prop_assert!(!statement.verb().is_empty());
                let _ = (statement.main_verb(), statement.params(), statement.is_atomic());
                // Read again, it is the same.
                let again = Statement::parse("s", sql, dialect).ok();
                prop_assert_eq!(again, Some(statement));
            }
            Err(error) => prop_assert!(error.report().contains("What to do")),
        }
    }

    #[test]
    fn options_come_back_as_they_were_written(
        write in prop::option::of(any::<bool>()),
        exclusive in prop::option::of(any::<bool>()),
        timeout in prop::option::of(timeout()),
        max_rows in prop::option::of(any::<u64>()),
        order in Just([0_usize, 1, 2, 3]).prop_shuffle(),
        prose in "[A-Z][a-z ]{0,10}",
    ) {
        let mode = if write == Some(true) { "write" } else { "read" };
        let options = [
            write.map(|_| format!("-- mode: {mode}\n")),
            exclusive.map(|exclusive| format!("-- exclusive:{exclusive}\n")),
            timeout.as_ref().map(|(text, _)| format!("  -- timeout: {text}  \n")),
            max_rows.map(|rows| format!("\n-- max_rows: {rows}\n")),
        ];
        let mut sql = format!("-- {prose}: as it is.\n");
        sql.extend(order.iter().filter_map(|&index| options[index].as_deref()));
        sql += "SELECT 1\n-- mode: nonsense\n";
        let statement = Statement::parse("s", sql, MYSQL).unwrap();
        let mode = if write == Some(true) { Mode::Write } else { Mode::Read };
        prop_assert_eq!(statement.mode, mode);
        prop_assert_eq!(statement.exclusive, exclusive == Some(true));
        prop_assert_eq!(statement.timeout, timeout.map(|(_, timeout)| timeout));
        prop_assert_eq!(statement.max_rows, max_rows.unwrap_or(10_000));
    }
}

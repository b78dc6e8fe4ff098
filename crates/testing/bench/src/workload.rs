//! The databases and the statements that are measured.

use std::fs;
use std::path::{Path, PathBuf};

use engine::Engine;
use local_rds::Server;

use crate::Failure;

/// How many rows a statement returns.
pub(crate) const ROWS: [usize; 6] = [1, 10, 100, 1_000, 10_000, 100_000];
/// How many columns a statement's row has.
pub(crate) const COLUMNS: [usize; 4] = [1, 10, 100, 1_000];

/// The statement of cold and warm starts: three rows.
pub(crate) const ITEMS: &str = "items";
/// Its SQL.
const READ: &str = "SELECT id, name FROM items";

/// What a function sends for [`ITEMS`], with the commands that make the session a new one. MySQL's statement ends
/// without any: the next one sets what it needs.
fn flight(engine: Engine) -> String {
    match engine {
        Engine::Postgres => format!(
            "BEGIN READ ONLY; {READ}; COMMIT; RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; CLOSE ALL; UNLISTEN *; \
             DISCARD TEMP; DISCARD SEQUENCES; SELECT pg_catalog.pg_advisory_unlock_all(), \
             EXISTS (SELECT FROM pg_catalog.pg_prepared_statement() WHERE from_sql), \
             pg_catalog.transaction_timestamp() OPERATOR(pg_catalog.=) pg_catalog.statement_timestamp()"
        ),
        Engine::MySql | Engine::MariaDb => format!("SET SESSION TRANSACTION READ ONLY; {READ}"),
    }
}

/// A server of `engine` with a table of three rows, and one of the most that is read.
pub(crate) fn server(engine: Engine) -> Result<Server, Failure> {
    let numbers = match engine {
        Engine::Postgres => {
            "SELECT n, 'item ' || n FROM generate_series(1, 100000) AS n".to_owned()
        }
        Engine::MySql | Engine::MariaDb => {
            let digit = "(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5
                UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)";
            let number = "1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d";
            format!(
                "SELECT {number}, CONCAT('item ', {number})
                 FROM {digit} a, {digit} b, {digit} c, {digit} e, {digit} f"
            )
        }
    };
    let setup = format!(
        "CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(50) NOT NULL);
         INSERT INTO items VALUES (1, 'first'), (2, 'second'), (3, 'third');
         CREATE TABLE many (id INT PRIMARY KEY, name VARCHAR(50) NOT NULL);
         INSERT INTO many {numbers}"
    );
    // The servers of MySQL and MariaDB do it by themselves.
    let analyze = if engine == Engine::Postgres { "; ANALYZE many" } else { "" };
    Ok(Server::builder(engine).setup(setup + analyze).start()?)
}

/// The name of the statement that returns so many rows of two columns.
pub(crate) fn rows(count: usize) -> String {
    format!("rows-{count}")
}

/// The name of the statement that returns a row of so many columns.
pub(crate) fn columns(count: usize) -> String {
    format!("columns-{count}")
}

/// An event that runs the statement.
pub(crate) fn event(statement: &str) -> String {
    format!(r#"{{"statement":"{statement}"}}"#)
}

/// An event for a floor, which runs the statement so often.
pub(crate) fn repeated(statement: &str, count: usize) -> String {
    format!(r#"{{"statement":"{statement}","repeat":"{count}"}}"#)
}

/// Writes the statements into a folder of `parent`.
pub(crate) fn write_statements(parent: &Path) -> Result<PathBuf, Failure> {
    let folder = parent.join("statements");
    fs::create_dir_all(&folder)?;
    let write = |name: &str, sql: String| fs::write(folder.join(format!("{name}.sql")), sql);
    write(ITEMS, READ.into())?;
    for count in ROWS {
        let sql = format!("-- max_rows: {count}\nSELECT id, name FROM many WHERE id <= {count}");
        write(&rows(count), sql)?;
    }
    for count in COLUMNS {
        let list: Vec<_> = (1..=count).map(|number| format!("{number} AS c{number}")).collect();
        write(&columns(count), format!("SELECT {}", list.join(", ")))?;
    }
    Ok(folder)
}

/// Writes what the functions send into another folder of `parent`, as a floor's statements: each has its engine's name.
pub(crate) fn write_flights(parent: &Path) -> Result<PathBuf, Failure> {
    let folder = parent.join("flights");
    fs::create_dir_all(&folder)?;
    for engine in Engine::ALL {
        fs::write(folder.join(format!("{engine}.sql")), flight(engine))?;
    }
    Ok(folder)
}

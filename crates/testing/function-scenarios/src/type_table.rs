//! `docs/TYPES.md`, checked against real servers.

use engine::Engine;
use function_harness::Harness;
use std::fmt::Write as _;

const DOCUMENT: &str = include_str!("../../../../docs/TYPES.md");

/// One line of a table.
struct Line<'a> {
    sql_type: &'a str,
    reported: &'a str,
    value: &'a str,
    json: &'a str,
}

/// The engine's section of the document, and the name of the engine in it.
fn section(engine: Engine) -> (&'static str, &'static str) {
    let heading = match engine {
        Engine::MySql | Engine::MariaDb => "## MySQL and MariaDB",
        Engine::Postgres => "## PostgreSQL",
    };
    let (_, section) = DOCUMENT.split_once(heading).expect("the engine has a section");
    (section.split("\n## ").next().unwrap(), engine.title())
}

/// Makes a table `line_N` with a value in its column `v` for each line of the table of the server's engine
/// that applies to its version. Returns how many there are.
pub(crate) async fn make_tables(harness: &Harness) -> usize {
    let server = &harness.server;
    let (section, name) = section(server.engine());
    let lines = lines(section, name, server.version());
    assert!(lines.len() > 30, "{} lines", lines.len());
    // Only this mode stores zero dates.
    let mut tables = String::from(match server.engine() {
        Engine::Postgres => "",
        Engine::MySql | Engine::MariaDb => "SET SESSION sql_mode = '';\n",
    });
    if let Some((_, types)) = section.split_once("```sql\n") {
        tables += types.split("```").next().unwrap();
    }
    for (number, Line { sql_type, value, .. }) in lines.iter().enumerate() {
        writeln!(tables, "CREATE TABLE line_{number} (v {sql_type});").unwrap();
        writeln!(tables, "INSERT INTO line_{number} VALUES ({value});").unwrap();
    }
    harness.execute(&tables).await;
    lines.len()
}

/// Every line of the engine's table: a column of the type with the value is returned as the JSON and the
/// type name that the line shows, through an RDS Proxy too.
pub async fn documented(engine: Engine, bootstrap: &str) {
    Harness::on_both_endpoints(engine, bootstrap, documented_on).await;
}

async fn documented_on(harness: Harness) {
    let engine = harness.server.engine();
    let (section, name) = section(engine);
    let lines = lines(section, name, harness.server.version());
    let count = make_tables(&harness).await;
    let statements: Vec<_> =
        (0..count).map(|at| (format!("line_{at}"), format!("SELECT v FROM line_{at}"))).collect();
    let statements: Vec<_> = statements.iter().map(|(name, sql)| (&**name, &**sql)).collect();
    let function = harness.deploy_with(&[("AWS_LAMBDA_LOG_LEVEL", "WARN")], &statements).await;
    let mut wrong = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let result = function.exactly(&format!("line_{number}")).await;
        let is = (result.columns[0]["type"].as_str(), result.rows[0]["v"].get());
        if is != (line.reported, line.json) {
            wrong.push(format!("{} {}: {} {}", line.sql_type, line.value, is.0, is.1));
        }
    }
    assert!(wrong.is_empty(), "on {name}, docs/TYPES.md is wrong about\n{}", wrong.join("\n"));
}

/// The lines of a section that apply to the engine called `engine`, of the version `found`.
fn lines<'a>(section: &'a str, engine: &str, found: &str) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.trim_matches('|').split(" |").map(str::trim).collect();
        let &[sql_type, reported, value, json, server] = &*cells else {
            panic!("a line of {} cells: {line}", cells.len())
        };
        if applies(server, engine, found) {
            let [sql_type, reported, value, json] = [sql_type, reported, value, json].map(code);
            lines.push(Line { sql_type, reported, value, json });
        }
    }
    lines
}

/// Whether a line applies, given its last cell: nothing, an engine, or an engine and its first version with
/// the type, as `MariaDB 10.7`.
fn applies(cell: &str, engine: &str, found: &str) -> bool {
    let (name, since) = cell.split_once(' ').unwrap_or((cell, ""));
    let numbers = |version: &str| -> Vec<u32> {
        version.split(['.', '-']).map_while(|number| number.parse().ok()).collect()
    };
    cell.is_empty() || name == engine && numbers(found) >= numbers(since)
}

/// The text between the first two backticks of a cell.
fn code(cell: &str) -> &str {
    cell.split('`').nth(1).unwrap_or_else(|| panic!("no code in the cell {cell:?}"))
}

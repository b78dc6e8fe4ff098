//! What an event does to its session is not the next event's, and what a server's own settings say is
//! nobody's surprise.

use local_rds::{Engine, Profile, Server};
use proptest::collection;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::{Deployed, Rig};

const ADD: &str = r#"{"statement":"add-item","params":[4,"four"]}"#;
const ITEMS: &str = r#"{"statement":"items"}"#;

/// Runs a scenario on a server as RDS has it, and on one whose settings are as they should not be.
pub async fn on_both_profiles(engine: Engine, bootstrap: &str, scenario: impl AsyncFn(Rig)) {
    for profile in [Profile::Rds, Profile::Untidy] {
        scenario(Rig::with(Server::builder(engine).profile(profile), bootstrap).await).await;
    }
}

/// Sends sequences of the statements called `names`, at random. After each, `observe` looks at what it
/// left, and a write that follows must be `kept`: found once, by the id it has.
pub async fn at_random(
    function: &Deployed<'_>,
    names: &[&str],
    observe: impl AsyncFn(&str),
    kept: impl AsyncFn(u32) -> usize,
) {
    let strategy = collection::vec((0..names.len(), 0..3_usize), 1..=6);
    let mut runner = TestRunner::default();
    for round in 0..40 {
        let sequence = strategy.new_tree(&mut runner).unwrap().current();
        let mut sent = vec![];
        for (name, form) in sequence {
            let call = format!(r#"{{"statement":"{}"}}"#, names[name]);
            let event = match form {
                0 => call,
                1 => format!(r#"{{"transaction":[{call}]}}"#),
                _ => format!(r#"{{"transaction":[{ITEMS},{call},{ITEMS}]}}"#),
            };
            let outcome = function.invoke(&event).await;
            sent.push((event, outcome.err()));
        }
        let sent = format!("{sent:#?}");
        observe(&sent).await;
        let id = 1000 + round;
        let add = format!(r#"{{"statement":"add-item","params":[{id},"kept"]}}"#);
        assert_eq!(function.ok(&add).await["rows_affected"], 1, "after {sent}");
        assert_eq!(kept(id).await, 1, "after {sent}");
    }
}

/// A procedure leaves its transaction open. That is told, nothing of it stays, and what the next
/// event writes lasts.
pub async fn open_transaction(engine: Engine, bootstrap: &str) {
    on_both_profiles(engine, bootstrap, open_transaction_on).await;
}

async fn open_transaction_on(rig: Rig) {
    let engine = rig.server.engine();
    let statements = [
        ("leave", "-- mode: write\nCALL leave_open()"),
        ("half", "-- mode: write\nCALL half()"),
        ("begin", "-- mode: write\nBEGIN"),
        ("end", "-- mode: write\nCOMMIT"),
        ("unbound", "CALL leave_open()"),
    ];
    let function = rig.deploy_with(&[], &statements).await;
    for name in ["begin", "end"] {
        let alone = format!(r#"{{"statement":"{name}"}}"#);
        let message = function.fails(&alone, "Statement").await;
        assert!(message.contains("controls transactions"), "{message}");
        let event = format!(r#"{{"transaction":[{ADD},{alone}]}}"#);
        function.fails(&event, "Statement").await;
    }
    let message = function.fails(r#"{"statement":"unbound"}"#, "Statement").await;
    assert!(message.contains("-- mode: write"), "{message}");
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    if engine != Engine::Postgres {
        // PostgreSQL's procedures cannot leave a transaction open.
        let insert = |id| format!("INSERT INTO app.items VALUES ({id}, 'held')");
        for (name, last) in [("leave_open", "DO 0"), ("half", "SIGNAL SQLSTATE '45000'")] {
            let id = name.len();
            let body = format!("START TRANSACTION; {}; {last}", insert(id));
            rig.execute(&format!("CREATE PROCEDURE app.{name}() BEGIN {body}; END")).await;
        }
        let message = function.fails(r#"{"statement":"leave"}"#, "Query").await;
        assert!(message.contains("left a transaction open, which was rolled back"), "{message}");
        function.fails(r#"{"statement":"half"}"#, "Query").await;
    }
    let event = format!(r#"{{"transaction":[{ADD}]}}"#);
    function.ok(&event).await;
    let seen = rig.execute(&format!("SELECT id FROM {}items WHERE id > 3", schema(engine))).await;
    assert_eq!(seen.len(), 1, "another connection sees what was told as done, and no more");
}

/// A server that is set up as badly as servers are gives the same answers.
pub async fn server_settings(engine: Engine, bootstrap: &str) {
    let mut server = Server::builder(engine);
    if engine != Engine::Postgres {
        let settings = [("sql-mode", ""), ("autocommit", "0"), ("completion-type", "CHAIN")];
        for (name, value) in settings {
            server = server.setting(name, value);
        }
        server = server.setting("init-connect", "SET NAMES latin1");
    }
    let rig = Rig::with(server, bootstrap).await;
    let function = rig.deploy(&[]).await;
    let long = "x".repeat(300);
    let event = format!(r#"{{"statement":"add-item","params":[4,"{long}"]}}"#);
    function.fails(&event, "Query").await;
    function.ok(r#"{"statement":"add-item","params":[4,"é😀"]}"#).await;
    let rows = function.ok(ITEMS).await["rows"].clone();
    assert_eq!(rows[3], json!({"id": 4, "name": "é😀"}));
    let seen = rig.execute(&format!("SELECT id FROM {}items WHERE id > 3", schema(engine))).await;
    assert_eq!(seen.len(), 1, "a write that was told as done has been committed");
}

/// The next event has a session as a new environment would.
pub async fn next_event(engine: Engine, bootstrap: &str) {
    on_both_profiles(engine, bootstrap, next_event_on).await;
}

async fn next_event_on(rig: Rig) {
    let engine = rig.server.engine();
    let changes: &[&str] = match engine {
        Engine::Postgres => &[
            "CREATE TEMPORARY TABLE items (id INT, name TEXT)",
            "SET search_path = pg_catalog",
            "SELECT set_config('search_path', 'pg_catalog', false)",
        ],
        _ => &[
            "CREATE TEMPORARY TABLE items (id INT, name TEXT)",
            "SET SESSION sql_select_limit = 1",
            "SET @@session.sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'",
        ],
    };
    let names: Vec<_> = (0..changes.len()).map(|number| format!("change-{number}")).collect();
    let texts: Vec<_> = changes.iter().map(|sql| format!("-- mode: write\n{sql}")).collect();
    let statements: Vec<_> =
        names.iter().zip(&texts).map(|(name, sql)| (name.as_str(), sql.as_str())).collect();
    let function = rig.deploy_with(&[], &statements).await;
    for name in &names {
        function.ok(&format!(r#"{{"statement":"{name}"}}"#)).await;
        assert_eq!(function.ok(ITEMS).await["row_count"], 3, "after {name}");
    }
}

/// A parameter's kind is this event's own: what an earlier event sent does not change a comparison.
pub async fn parameter_kinds(engine: Engine, bootstrap: &str) {
    on_both_profiles(engine, bootstrap, parameter_kinds_on).await;
}

async fn parameter_kinds_on(rig: Rig) {
    let engine = rig.server.engine();
    let codes = format!("{}codes", schema(engine));
    rig.execute(&format!("CREATE TABLE {codes} (code VARCHAR(9))")).await;
    rig.execute(&format!("INSERT INTO {codes} VALUES ('7'), ('07'), ('007')")).await;
    if engine == Engine::Postgres {
        rig.execute("GRANT SELECT, DELETE ON codes TO lambda_user").await;
    }
    let placeholder = if engine == Engine::Postgres { "$1" } else { "?" };
    let sql = format!("-- mode: write\nDELETE FROM {codes} WHERE code = {placeholder}");
    let function = rig.deploy_with(&[], &[("drop-code", &sql)]).await;
    function.ok(r#"{"statement":"drop-code","params":[8]}"#).await;
    let response = function.ok(r#"{"statement":"drop-code","params":["007"]}"#).await;
    assert_eq!(response["rows_affected"], 1);
}

/// A session token of 8 KB logs in.
pub async fn long_token(engine: Engine, bootstrap: &str) {
    let rig = Rig::start(engine, bootstrap).await;
    let mut key = rig.server.access_key();
    key.session_token = Some("Ab0/".repeat(2048));
    rig.server.iam().set_keys(vec![key.clone()]);
    let function = rig.deploy_signed_by(key, &[]).await;
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
}

/// What an administrator puts before the name of a table.
fn schema(engine: Engine) -> &'static str {
    if engine == Engine::Postgres { "" } else { "app." }
}

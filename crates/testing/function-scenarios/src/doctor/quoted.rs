//! Names of every kind in what the doctor prints: its SQL is run exactly as printed, and grants the
//! intended rights and no others.

use diagnosis::Cause;
use engine::Engine;
use function_harness::Harness;
use serde_json::Value;

use super::mended::run;
use super::{allow, diagnosis, is_healthy, named, names};

/// Users, databases and a schema whose names a server could misread.
pub async fn quoted(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    allow(&harness, &harness.server.resource_arn("*"));
    for user in ["o'neil", r#"back\slash "q" `b`"#] {
        made(&harness, user).await;
    }
    let user = ("DB_USER", "o'neil");
    spelled_otherwise(&harness).await;
    elsewhere(&harness, user).await;
    if engine == Engine::MySql {
        too_long_for_mysql(&harness).await;
    }

    // A pattern with `_` as a wildcard would include the third.
    for database in ["my-app", "my_app", "myXapp"] {
        let name = match engine {
            Engine::Postgres => format!("\"{database}\""),
            Engine::MySql | Engine::MariaDb => format!("`{database}`"),
        };
        harness.execute(&format!("CREATE DATABASE {name}")).await;
        if engine == Engine::Postgres {
            harness.execute(&format!("REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")).await;
        }
    }
    for database in ["my-app", "my_app"] {
        let settings = [user, ("DB_NAME", database)];
        let diagnosis = named(&harness, &settings, "login", Cause::DatabaseDenied).await;
        run(&harness, text(&diagnosis, Cause::DatabaseDenied, "fix"));
        // The function may use it now, and it is empty.
        named(&harness, &settings, "statements", Cause::TableMissing).await;
    }
    named(&harness, &[user, ("DB_NAME", "myXapp")], "login", Cause::DatabaseDenied).await;
}

/// A missing user is created, and everything is right.
async fn made(harness: &Harness, user: &str) {
    let settings = [("DB_USER", user)];
    let function = harness.deploy(&settings).await;
    run(harness, text(&diagnosis(&function).await, Cause::UserNotForIam, "fix"));
    if harness.server.engine() == Engine::Postgres {
        let diagnosis = names(&function, "statements", Cause::RightsMissing).await;
        run(harness, text(&diagnosis, Cause::RightsMissing, "fix"));
    }
    is_healthy(&harness.deploy(&settings).await).await;
}

/// A name that MySQL truncates is reported as such, even if the truncated name is another user's.
async fn too_long_for_mysql(harness: &Harness) {
    let kept = "u".repeat(32);
    made(harness, &kept).await;
    let settings = [("DB_USER", &*format!("{kept}v"))];
    let diagnosis = named(harness, &settings, "login", Cause::UserSpelling).await;
    let because = text(&diagnosis, Cause::UserSpelling, "because");
    assert!(because.contains("DB_USER has 33"), "{because}");
}

/// The printed check shows the user, whose name differs in case and hyphen.
async fn spelled_otherwise(harness: &Harness) {
    for (user, own, cause) in [
        ("O'Neil", "o'neil", Cause::UserCase),
        ("lambda-user", "lambda_user", Cause::UserSpelling),
        ("lambda_user", "lambda-user", Cause::UserSpelling),
    ] {
        if user == harness.server.user() || (own != "o'neil" && own != harness.server.user()) {
            continue;
        }
        let diagnosis = named(harness, &[("DB_USER", user)], "login", cause).await;
        let shown = run(harness, text(&diagnosis, cause, "confirm"));
        assert!(shown.iter().any(|name| name == own), "{user}: {shown:?}");
    }
}

/// A statement reads a table outside the default schema or database. If the server's message names the
/// schema, so does the SQL; otherwise the reader replaces the default one, as instructed.
async fn elsewhere(harness: &Harness, user: (&str, &str)) {
    let engine = harness.server.engine();
    let (usual, own) = match engine {
        Engine::Postgres => ("\"public\"", "\"Year's-Q_1\""),
        Engine::MySql | Engine::MariaDb => ("`app`", "`Year's-Q\\_1`"),
    };
    let schema = own.replace('\\', "");
    let kind = if engine == Engine::Postgres { "SCHEMA" } else { "DATABASE" };
    let table = format!("{schema}.closed");
    harness.execute(&format!("CREATE {kind} {schema}; CREATE TABLE {table} (id INT)")).await;
    let function =
        harness.deploy_with(&[user], &[("closed", &format!("SELECT * FROM {table}"))]).await;

    if engine != Engine::MySql {
        let diagnosis = names(&function, "statements", Cause::RightsMissing).await;
        run(harness, text(&diagnosis, Cause::RightsMissing, "fix"));
        is_healthy(&function).await;
    }
    if engine == Engine::Postgres {
        harness.execute(&format!("REVOKE ALL ON {table} FROM \"o'neil\"")).await;
    }
    if engine != Engine::MariaDb {
        let diagnosis = names(&function, "statements", Cause::RightsMissing).await;
        let fix = text(&diagnosis, Cause::RightsMissing, "fix");
        assert!(fix.contains(usual) && fix.contains("if it is another"), "{fix}");
        run(harness, &fix.replace(usual, own));
        is_healthy(&function).await;
    }
}

/// What the doctor says about a cause.
fn text<'a>(diagnosis: &'a Value, cause: Cause, field: &str) -> &'a str {
    let causes = diagnosis["causes"].as_array().unwrap();
    let named = causes.iter().find(|one| one["cause"] == cause.id());
    named.unwrap_or_else(|| panic!("no {cause:?}: {diagnosis:#}"))[field].as_str().unwrap()
}

/// The printed check parses a statement with parameters, quotes and comments, and runs nothing.
pub async fn checked(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let parameter = if engine == Engine::Postgres { "$1" } else { "?" };
    let sql = format!(
        "-- mode: write\n-- it's an order; not more\n\
         INSERT INTO later (name) SELECT name FROM items WHERE name <> 'o''neil;' AND name = {parameter};\n"
    );
    let function = harness.deploy_with(&[], &[("order", &sql)]).await;
    let diagnosis = names(&function, "statements", Cause::TableMissing).await;
    let confirm = text(&diagnosis, Cause::TableMissing, "confirm");
    let command = diagnosis::commands(confirm).next().expect("a command");
    let file = harness.folder().join("order.sql");
    std::fs::write(&file, &sql).unwrap();
    // What the client is given.
    let command = command.replace("STATEMENT.sql", file.to_str().unwrap());
    let (command, client) = command.rsplit_once(" | ").unwrap();
    assert_eq!(client, if engine == Engine::Postgres { "psql" } else { "mysql" });
    let output = std::process::Command::new("sh").args(["-c", command]).output().unwrap();
    let script = String::from_utf8(output.stdout).unwrap();

    let error = harness.server.execute(&script).expect_err("the table is missing");
    assert!(format!("{error:?}").contains("later"), "{error:?}");
    harness.execute("CREATE TABLE later (name TEXT)").await;
    harness.execute(&script).await;
    assert!(harness.execute("SELECT * FROM later").await.is_empty(), "it ran");
}

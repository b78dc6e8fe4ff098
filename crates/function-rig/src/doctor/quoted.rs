//! Names of every kind in what the doctor prints: its SQL is run as it stands there, and gives the
//! rights that are meant and no others.

use local_rds::Engine;
use serde_json::Value;

use super::mended::run;
use super::{allow, diagnosis, is_healthy, named, names};
use crate::{Deployed, Rig};

/// Users, databases and a schema whose names a server could read otherwise.
pub async fn quoted(engine: Engine, bootstrap: &str) {
    let rig = Rig::start(engine, bootstrap).await;
    allow(&rig, &rig.server.resource_arn("*"));
    for user in ["o'neil", r#"back\slash "q" `b`"#] {
        made(&rig, user).await;
    }
    let user = ("DB_USER", "o'neil");
    spelled_otherwise(&rig).await;
    elsewhere(&rig, user).await;

    // A pattern that `_` was a wildcard of would take the third in.
    for database in ["my-app", "my_app", "myXapp"] {
        let name = match engine {
            Engine::Postgres => format!("\"{database}\""),
            Engine::MySql | Engine::MariaDb => format!("`{database}`"),
        };
        rig.execute(&format!("CREATE DATABASE {name}")).await;
        if engine == Engine::Postgres {
            rig.execute(&format!("REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")).await;
        }
    }
    for database in ["my-app", "my_app"] {
        let settings = [user, ("DB_NAME", database)];
        let diagnosis = named(&rig, &settings, "login", "database-denied").await;
        run(&rig, text(&diagnosis, "database-denied", "fix"));
        // It may be used now, and is empty.
        named(&rig, &settings, "statements", "table-missing").await;
    }
    named(&rig, &[user, ("DB_NAME", "myXapp")], "login", "database-denied").await;
}

/// A user that is not there is made, and finds everything right.
async fn made(rig: &Rig, user: &str) {
    let settings = [("DB_USER", user)];
    let function = rig.deploy(&settings).await;
    run(rig, text(&diagnosis(&function).await, "user-not-for-iam", "fix"));
    if rig.server.engine() == Engine::Postgres {
        let diagnosis = names(&function, "statements", "rights-missing").await;
        run(rig, text(&diagnosis, "rights-missing", "fix"));
    }
    is_healthy(&rig.deploy(&settings).await).await;
}

/// The check that is printed shows the user, whose name has other capitals and another hyphen.
async fn spelled_otherwise(rig: &Rig) {
    for (user, own, cause) in [
        ("O'Neil", "o'neil", "user-name-case"),
        ("lambda-user", "lambda_user", "user-name-spelling"),
        ("lambda_user", "lambda-user", "user-name-spelling"),
    ] {
        if user == rig.server.user() || (own != "o'neil" && own != rig.server.user()) {
            continue;
        }
        let diagnosis = named(rig, &[("DB_USER", user)], "login", cause).await;
        let shown = run(rig, text(&diagnosis, cause, "confirm"));
        assert!(shown.iter().any(|name| name == own), "{user}: {shown:?}");
    }
}

/// A statement reads a table outside of the usual schema or database.
async fn elsewhere(rig: &Rig, user: (&str, &str)) {
    let (setup, statement) = match rig.server.engine() {
        Engine::Postgres => (
            r#"CREATE SCHEMA "Year's-Q_1"; CREATE TABLE "Year's-Q_1".closed (id INT)"#,
            r#"SELECT * FROM "Year's-Q_1".closed"#,
        ),
        Engine::MySql | Engine::MariaDb => (
            "CREATE DATABASE `Year's-Q_1`; CREATE TABLE `Year's-Q_1`.closed (id INT)",
            "SELECT * FROM `Year's-Q_1`.closed",
        ),
    };
    rig.execute(setup).await;
    let deploy =
        async || -> Deployed<'_> { rig.deploy_with(&[user], &[("closed", statement)]).await };
    let diagnosis = names(&deploy().await, "statements", "rights-missing").await;
    let fix = text(&diagnosis, "rights-missing", "fix");
    println!("{fix}\n{}", text(&diagnosis, "rights-missing", "because"));
    run(rig, fix);
    is_healthy(&deploy().await).await;
}

/// What the doctor says of a cause that it names.
fn text<'a>(diagnosis: &'a Value, cause: &str, field: &str) -> &'a str {
    let causes = diagnosis["causes"].as_array().unwrap();
    let named = causes.iter().find(|one| one["cause"] == cause);
    named.unwrap_or_else(|| panic!("no {cause}: {diagnosis:#}"))[field].as_str().unwrap()
}

//! Logins that the server denies or refuses on a working connection.

use diagnosis::Cause;
use engine::Engine;
use function_harness::Harness;
use local_rds::Server;
use local_rds::iam::AccessKey;
use serde_json::Value;
use std::time::{Duration, Instant};

use super::{allow, is_healthy, named, names};

/// The verifier denies, for one reason after another.
pub async fn denied(engine: Engine, bootstrap: &str) {
    let cname = "db.corp.example";
    let alias = "alias.zyx987wvu654.eu-west-1.rds.amazonaws.com";
    let server = Server::builder(engine).also_named(cname).also_named(alias);
    let harness = Harness::with_layer(server, bootstrap).await;
    let iam = harness.server.iam();
    // The endpoint it is signed for.
    let at_cname = [("DB_HOST", cname), ("DB_REGION", "eu-west-1")];
    let diagnosis = named(&harness, &at_cname, "login", Cause::SignedForCname).await;
    let fix = diagnosis["causes"][0]["fix"].as_str().unwrap();
    assert!(fix.contains(harness.server.host()), "{fix}");
    named(&harness, &[("DB_HOST", alias)], "login", Cause::WrongEndpoint).await;
    named(&harness, &[("DB_PORT", "13306")], "login", Cause::WrongPort).await;

    // The user it is signed for. MySQL's user has a hyphen, PostgreSQL's an underscore.
    let (other_case, other_spelling) = match engine {
        Engine::Postgres => ("Lambda_User", "lambda-user"),
        Engine::MySql | Engine::MariaDb => ("Lambda-User", "lambda_user"),
    };
    named(&harness, &[("DB_USER", "nobody-here")], "login", Cause::UserNotForIam).await;
    named(&harness, &[("DB_USER", other_case)], "login", Cause::UserCase).await;
    named(&harness, &[("DB_USER", other_spelling)], "login", Cause::UserSpelling).await;

    // The time of its signature.
    for minutes in [-60, -20, 20, 60] {
        iam.set_clock_offset(minutes * 60);
        let diagnosis = named(&harness, &[], "login", Cause::ClockOff).await;
        let because = diagnosis["causes"][0]["because"].as_str().unwrap();
        assert!(because.contains(if minutes < 0 { "earlier" } else { "later" }), "{because}");
    }
    iam.set_clock_offset(0);
    throttled(&harness).await;

    // The policy.
    allow(&harness, &harness.server.resource_arn("somebody-else"));
    let diagnosis = named(&harness, &[], "login", Cause::PolicyMissing).await;
    lists(&diagnosis, &[Cause::PolicyWrongResource, Cause::IamOff]);
    let wrong_id = [("DB_RESOURCE_ID", "local-database")];
    named(&harness, &wrong_id, "login", Cause::PolicyWrongResource).await;
    allow(&harness, &harness.server.resource_arn("*"));

    // No client can tell an unknown key from one that is not allowed: it is among the causes, but not
    // the first.
    iam.set_keys(vec![AccessKey::random()]);
    let diagnosis = named(&harness, &[], "login", Cause::PolicyMissing).await;
    lists(&diagnosis, &[Cause::AccessKeyUnknown, Cause::ChangePending]);
    iam.set_keys(vec![harness.server.access_key()]);

    is_healthy(&harness.deploy(&[]).await).await;
}

/// The login cap is reached when the doctor logs in, but not when it retries.
async fn throttled(harness: &Harness) {
    let iam = harness.server.iam();
    let function = harness.deploy(&[]).await;
    function.ok(r#"{"statement":"items"}"#).await;
    iam.set_connection_cap(Some(0));
    let tokens = || iam.refusals().iter().filter(|line| line.contains("connections")).count();
    let before = tokens();
    let watch = async {
        let deadline = Instant::now() + Duration::from_secs(30);
        while tokens() == before {
            assert!(Instant::now() < deadline, "the doctor does not log in: {:?}", iam.refusals());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        iam.set_connection_cap(None);
    };
    let (diagnosis, ()) = tokio::join!(names(&function, "login", Cause::Throttled), watch);
    lists(&diagnosis, &[Cause::ChangePending]);
}

pub(super) fn lists(diagnosis: &Value, causes: &[Cause]) {
    let all: Vec<_> = diagnosis["causes"].as_array().unwrap().iter().collect();
    for cause in causes {
        assert!(all.iter().any(|one| one["cause"] == cause.id()), "no {cause:?}: {diagnosis:#}");
    }
}

/// The endpoint of a global database names no region, and the configured region is another.
pub async fn no_region(engine: Engine, bootstrap: &str) {
    let server = Server::builder(engine).named("db.global-abc123def456.global.rds.amazonaws.com");
    let harness = Harness::with_layer(server, bootstrap).await;
    let elsewhere = [("DB_REGION", "us-east-1")];
    let diagnosis = named(&harness, &elsewhere, "login", Cause::WrongRegion).await;
    let fix = diagnosis["causes"][0]["fix"].as_str().unwrap();
    assert!(fix.contains("(eu-west-1)"), "{fix}");
    is_healthy(&harness.deploy(&[]).await).await;
}

/// A proxy that asks for passwords.
pub async fn proxy(engine: Engine, bootstrap: &str) {
    let server =
        Server::builder(engine).named("app.proxy-abc123def456.eu-west-1.rds.amazonaws.com");
    let harness = Harness::with(server, bootstrap).await;
    harness
        .server
        .execute(&user(engine, "by_password", "IDENTIFIED BY 'secret'", "LOGIN"))
        .unwrap();
    named(&harness, &[("DB_USER", "by_password")], "login", Cause::ProxyWithoutIam).await;
    let function = harness.deploy(&[("DB_RESOURCE_ID", "prx-0123456789abcdef0")]).await;
    let diagnosis = match engine {
        Engine::Postgres => is_healthy(&function).await,
        // An example statement is exclusive, and MySQL's locks pin.
        _ => names(&function, "statements", Cause::ProxyPins).await,
    };
    assert_eq!(diagnosis["steps"][2]["facts"]["kind"], "proxy");
}

/// SQL that creates a user, with each engine's options.
fn user(engine: Engine, name: &str, mysql: &str, postgres: &str) -> String {
    match engine {
        Engine::Postgres => format!("CREATE ROLE {name} {postgres};"),
        Engine::MySql | Engine::MariaDb => format!("CREATE USER {name}@'%' {mysql};"),
    }
}

/// The server accepts the token, but refuses the login.
pub async fn refused(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    allow(&harness, &harness.server.resource_arn("*"));
    let sql = |sql: &str| harness.server.execute(sql).unwrap();

    // For a missing database, MySQL says that the user may not use it.
    let unknown = [("DB_NAME", "no_such_database")];
    if engine == Engine::Postgres {
        named(&harness, &unknown, "login", Cause::DatabaseUnknown).await;
        sql("CREATE DATABASE closed; ");
        sql("REVOKE CONNECT ON DATABASE closed FROM PUBLIC");
    } else {
        let diagnosis = named(&harness, &unknown, "login", Cause::DatabaseDenied).await;
        lists(&diagnosis, &[Cause::DatabaseUnknown]);
        sql("CREATE DATABASE closed");
    }
    named(&harness, &[("DB_NAME", "closed")], "login", Cause::DatabaseDenied).await;

    let iam = "IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL";
    sql(&user(engine, "locked", &format!("{iam} ACCOUNT LOCK"), "NOLOGIN IN ROLE rds_iam"));
    named(&harness, &[("DB_USER", "locked")], "login", Cause::UserLocked).await;
    sql(&user(
        engine,
        "busy",
        &format!("{iam} WITH MAX_USER_CONNECTIONS 1"),
        "LOGIN CONNECTION LIMIT 1 IN ROLE rds_iam",
    ));
    if engine != Engine::Postgres {
        sql("GRANT ALL ON app.* TO busy@'%'");
    }
    // One function holds the connection that the other needs.
    let holder = harness.deploy(&[("DB_USER", "busy")]).await;
    let _ = holder.invoke(r#"{"statement":"items"}"#).await;
    named(&harness, &[("DB_USER", "busy")], "login", Cause::TooManyConnections).await;
}

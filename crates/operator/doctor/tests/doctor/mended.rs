//! Fixes, as a new user would try them: a set-up is broken, and exactly what the doctor prints is done until
//! the doctor finds no problem.
//!
//! SQL between backticks is run as the administrator, and variables are set to what the fix says or the
//! printed check returns.

use diagnosis::{Cause, commands};
use local_rds::{Engine, Server};
use serde_json::Value;

use crate::run::{Doctor, first_cause, server};

/// One server for all: each set-up is repaired before the next is broken.
fn every_set_up(engine: Engine) {
    let server = &server(engine);
    let any_user = server.resource_arn("*");
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"rds-db:connect",
            "Resource":"{any_user}"}}}}"#
    );
    server.iam().set_policy(&policy).unwrap();
    a_user_that_is_missing_is_made(server);
    a_user_that_is_not_for_iam_is_changed(server);
    a_name_with_other_capitals_is_set_right(server);
    a_database_that_is_not_there_is_named_right(server);
    a_cname_gives_way_to_the_endpoint(server);
    another_regions_bundle_gives_way_to_the_right_one(server);
    a_region_that_contradicts_the_host_is_left_out(server);
}

#[test]
fn mysql() {
    every_set_up(Engine::MySql);
}

#[test]
fn postgres() {
    every_set_up(Engine::Postgres);
}

/// What the doctor printed for the first cause.
struct Printed {
    confirm: String,
    fix: String,
}

/// Runs the doctor, which must rank `cause` first.
fn printed(doctor: &Doctor, cause: Cause) -> Printed {
    let (code, diagnosis) = doctor.diagnosis();
    assert_eq!((code, first_cause(&diagnosis)), (Some(1), cause.id()), "{diagnosis:#}");
    let text = |field: &str| diagnosis["causes"][0][field].as_str().unwrap().to_owned();
    Printed { confirm: text("confirm"), fix: text("fix") }
}

fn assert_healthy(doctor: &Doctor) {
    let (code, diagnosis) = doctor.diagnosis();
    assert_eq!((code, &diagnosis["ok"]), (Some(0), &Value::Bool(true)), "{diagnosis:#}");
}

/// Runs a text's SQL as the administrator, and returns all values.
fn run_sql(server: &Server, text: &str) -> Vec<String> {
    assert!(text.contains("as the administrator: "), "{text}");
    let mut values = Vec::new();
    for sql in commands(text) {
        let rows = server.execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        values.extend(rows.into_iter().flatten().flatten());
    }
    values
}

/// The user does not exist: the printed SQL creates it, and a second diagnosis says which privileges its
/// statements need.
fn a_user_that_is_missing_is_made(server: &Server) {
    let mut doctor = Doctor::for_server(server);
    doctor.set("DB_USER", "newcomer");
    run_sql(server, &printed(&doctor, Cause::UserNotForIam).fix);
    if server.engine() == Engine::Postgres {
        run_sql(server, &printed(&doctor, Cause::RightsMissing).fix);
    }
    assert_healthy(&doctor);
}

/// The user exists, but was not created for IAM.
fn a_user_that_is_not_for_iam_is_changed(server: &Server) {
    let doctor = Doctor::for_server(server);
    let user = server.user();
    let broken = match server.engine() {
        Engine::Postgres => format!("REVOKE rds_iam FROM \"{user}\""),
        _ => format!("ALTER USER '{user}'@'%' IDENTIFIED WITH caching_sha2_password BY 'w'"),
    };
    server.execute(&broken).unwrap();
    let fix = printed(&doctor, Cause::UserNotForIam).fix;
    // "unless it is there already": it is.
    let fix = fix.replace(&format!("`CREATE ROLE \"{user}\" LOGIN`"), "");
    run_sql(server, &fix);
    assert_healthy(&doctor);
}

/// `DB_USER` differs in case: the printed check shows the exact name.
fn a_name_with_other_capitals_is_set_right(server: &Server) {
    let mut doctor = Doctor::for_server(server);
    doctor.set("DB_USER", &server.user().to_uppercase());
    let Printed { confirm, fix } = printed(&doctor, Cause::UserCase);
    assert!(fix.starts_with("set DB_USER to the name exactly as the database shows it"), "{fix}");
    doctor.set("DB_USER", &run_sql(server, &confirm)[0]);
    assert_healthy(&doctor);
}

/// `DB_NAME` does not exist: the printed check lists the databases.
fn a_database_that_is_not_there_is_named_right(server: &Server) {
    let mut doctor = Doctor::for_server(server);
    doctor.set("DB_NAME", "ap");
    let cause = match server.engine() {
        Engine::Postgres => Cause::DatabaseUnknown,
        _ => Cause::DatabaseDenied,
    };
    let Printed { confirm, fix } = printed(&doctor, cause);
    assert!(fix.contains("DB_NAME"), "{fix}");
    let check = confirm.split_once("as the administrator: ").unwrap().1;
    let list = server.execute(commands(check).next().unwrap()).unwrap();
    let near = list.into_iter().flatten().flatten().find(|name| name.starts_with("ap"));
    doctor.set("DB_NAME", &near.expect("the list shows the database"));
    assert_healthy(&doctor);
}

/// `DB_HOST` is a CNAME: the fix says where to find the endpoint, and does not trust an unverified server
/// for it.
fn a_cname_gives_way_to_the_endpoint(server: &Server) {
    let mut doctor = Doctor::for_server(server).with("--region eu-west-1");
    doctor.set("DB_HOST", "database.example.com");
    let fix = printed(&doctor, Cause::SignedForCname).fix;
    assert!(fix.starts_with("set DB_HOST to the endpoint that RDS shows, "), "{fix}");
    assert!(!fix.contains(".rds.amazonaws.com"), "{fix}");
    doctor.set("DB_HOST", server.host());
    assert_healthy(&doctor);
}

/// `DB_CA_BUNDLE` has the roots of another region: the fix names the file to trust, which for a local server
/// is its own.
fn another_regions_bundle_gives_way_to_the_right_one(server: &Server) {
    let mut doctor = Doctor::for_server(server);
    let all = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../certs/global-bundle.pem");
    let all = std::fs::read_to_string(all).unwrap();
    // The first root of the file is that of af-south-1.
    let first = all.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap();
    let foreign = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(foreign.path(), first).unwrap();
    doctor.set("DB_CA_BUNDLE", foreign.path().to_str().unwrap());
    let fix = printed(&doctor, Cause::BundleOfOtherRegion).fix;
    assert!(fix.contains("/opt/rds-ca/eu-west-1-bundle.pem"), "{fix}");
    doctor.set("DB_CA_BUNDLE", server.ca_bundle().to_str().unwrap());
    assert_healthy(&doctor);
}

/// `DB_REGION` is not the endpoint's: the fix is to omit it.
fn a_region_that_contradicts_the_host_is_left_out(server: &Server) {
    let mut doctor = Doctor::for_server(server);
    doctor.set("DB_REGION", "us-east-1");
    let fix = printed(&doctor, Cause::RegionContradicts).fix;
    assert!(fix.starts_with("remove DB_REGION"), "{fix}");
    doctor.set("DB_REGION", "");
    assert_healthy(&doctor);
}

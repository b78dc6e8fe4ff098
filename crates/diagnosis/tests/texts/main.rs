//! The texts of the table with those of both engines.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

// The functions are programs: their texts are compiled in here.
#[path = "../../../mysql-function/src/texts.rs"]
mod mysql;
#[path = "../../../postgres-function/src/texts.rs"]
mod postgres;
mod troubleshooting;

use diagnosis::{Cause, EngineTexts, Filled, Part, Placeholders, RdsResource, commands, parts};
use mysql::MYSQL;
use postgres::POSTGRES;

const HOST: &str = "shop.abc123def456.eu-west-1.rds.amazonaws.com";

fn of(texts: &EngineTexts) -> Placeholders {
    Placeholders::of_engine(texts)
        .with_resource(RdsResource::Instance)
        .with("host", HOST)
        .with("port", "5432")
        .with("region", "eu-west-1")
        .with("partition", "aws")
        .with("identifier", "shop")
}

#[test]
fn placeholders_are_filled_and_the_others_stand_in_capitals() {
    let placeholders = of(POSTGRES).with("user", "lambda_user");
    let filled = placeholders.fill(Cause::PolicyMissing);
    let arn = "arn:aws:rds-db:eu-west-1:ACCOUNT:dbuser:db-ID/lambda_user";
    assert!(filled.fix.contains(arn), "{filled:?}");
    let filled = placeholders.fill(Cause::UserNotForIam);
    assert!(filled.fix.contains("GRANT CONNECT ON DATABASE \"DATABASE\""), "{filled:?}");
    let filled = placeholders.fill(Cause::SignedForCname);
    assert!(filled.fix.contains("RDS shows, and"), "{filled:?}");
}

#[test]
fn names_are_quoted_in_commands() {
    let [mysql, postgres] = [MYSQL, POSTGRES].map(|texts| {
        of(texts).with("user", "o'neil").with("database", "my_app").with("bundle", "/tmp/my ca.pem")
    });
    let grant = "``GRANT SELECT, INSERT, UPDATE, DELETE ON `my\\_app`.* TO 'o''neil'@'%'``";
    let fix = mysql.fill(Cause::DatabaseDenied).fix;
    assert!(fix.ends_with(&format!("as the administrator: {grant}")), "{fix}");
    let fix = mysql.fill(Cause::RightsMissing).fix;
    assert!(fix.contains(grant) && fix.ends_with("in place of my_app if it is another"));
    let fix = postgres.fill(Cause::DatabaseDenied).fix;
    assert!(fix.ends_with("`GRANT CONNECT ON DATABASE \"my_app\" TO \"o'neil\"`"), "{fix}");
    let fix = postgres.clone().with("schema", "Reports").fill(Cause::RightsMissing).fix;
    assert!(fix.contains("`GRANT USAGE ON SCHEMA \"Reports\" TO \"o'neil\"; "), "{fix}");
    let confirm = postgres.fill(Cause::PolicyMissing).confirm;
    let arn = "'arn:aws:rds-db:eu-west-1:ACCOUNT:dbuser:db-ID/o'\\''neil'";
    assert!(confirm.ends_with(&format!("--resource-arns {arn}`")), "{confirm}");
    let confirm = mysql.fill(Cause::BundleUnusable).confirm;
    assert_eq!(confirm, "`openssl storeutl -noout -text -certs '/tmp/my ca.pem'`");
}

/// A value in a command has a form. Those without one are checked when they are read: they are
/// of a host's or a region's characters.
#[test]
fn every_name_in_a_command_has_a_form() {
    let of_causes = Cause::ALL.iter().map(|cause| cause.entry());
    let texts = of_causes.flat_map(|entry| [entry.title, entry.confirm, entry.fix]);
    let of_engines = [MYSQL, POSTGRES].into_iter().flat_map(EngineTexts::entries);
    for text in texts.chain(of_engines.map(|(_, text)| text)) {
        for command in commands(text) {
            for name in ["user", "database", "schema", "function", "bundle", "arn"] {
                assert!(!command.contains(&format!("{{{name}}}")), "{command}");
            }
        }
    }
}

/// The texts of causes are checked beside their table.
#[test]
fn engines_texts_have_no_final_dot() {
    for (name, text) in [MYSQL, POSTGRES].into_iter().flat_map(EngineTexts::entries) {
        assert!(!text.is_empty() && !text.ends_with('.') && !text.contains("  "), "{name}");
    }
}

#[test]
fn every_cause_is_filled_whole_for_both_engines() {
    for placeholders in [MYSQL, POSTGRES].map(of) {
        for cause in Cause::ALL {
            let Filled { title, confirm, fix } = placeholders.fill(*cause);
            for text in [title, confirm, fix] {
                assert!(!text.contains(['{', '}']), "{cause:?}: {text}");
                let open =
                    parts(&text).any(|part| matches!(part, Part::Text(t) if t.contains('`')));
                assert!(!open, "a backtick that nothing closes: {cause:?}: {text}");
            }
        }
    }
}

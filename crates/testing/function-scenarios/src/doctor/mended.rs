//! Set-ups that are repaired with what the doctor prints and nothing else: its SQL is run and its
//! settings are applied exactly as printed.

use diagnosis::{Cause, commands};
use engine::Engine;
use function_harness::Harness;
use serde_json::Value;

use super::{allow, is_healthy, named, names};

/// Seven repairs.
pub async fn mended(engine: Engine, bootstrap: &str) {
    let alias = "db.corp.example";
    let server = local_rds::Server::builder(engine).also_named(alias);
    let harness = Harness::with_layer(server, bootstrap).await;

    // 1: the policy. The doctor fills in everything but the reader's account.
    allow(&harness, &harness.server.resource_arn("somebody-else"));
    let id = harness.server.iam().resource().resource_id.clone();
    let diagnosis =
        named(&harness, &[("DB_RESOURCE_ID", &id)], "login", Cause::PolicyMissing).await;
    let arn = word(fix(&diagnosis), "arn:").replace(":ACCOUNT:", ":123456789012:");
    allow(&harness, &arn);
    is_healthy(&harness.deploy(&[("DB_RESOURCE_ID", &id)]).await).await;

    // 2: the host name that tokens are signed for.
    let at_alias = [("DB_HOST", alias), ("DB_REGION", "eu-west-1")];
    let diagnosis = named(&harness, &at_alias, "login", Cause::SignedForCname).await;
    let host = fix(&diagnosis).split(['(', ')']).nth(1).unwrap().to_owned();
    is_healthy(&harness.deploy(&[("DB_HOST", &host), ("DB_REGION", "")]).await).await;

    // 3: the spelling of the user.
    let upper = harness.server.user().to_uppercase();
    let diagnosis = named(&harness, &[("DB_USER", &upper)], "login", Cause::UserCase).await;
    let because = diagnosis["causes"][0]["because"].as_str().unwrap();
    let user = because.split('"').nth(1).unwrap().to_owned();
    is_healthy(&harness.deploy(&[("DB_USER", &user)]).await).await;

    // 4 and 5: a missing user, who then, on PostgreSQL, has no rights to the table.
    allow(&harness, &harness.server.resource_arn("*"));
    let newcomer = [("DB_USER", "newcomer")];
    let diagnosis = named(&harness, &newcomer, "login", Cause::UserNotForIam).await;
    run(&harness, fix(&diagnosis));
    if engine == Engine::Postgres {
        let diagnosis = named(&harness, &newcomer, "statements", Cause::RightsMissing).await;
        run(&harness, fix(&diagnosis));
    }
    is_healthy(&harness.deploy(&newcomer).await).await;

    // 6: a locked user.
    let lock = match engine {
        Engine::Postgres => "ALTER ROLE newcomer NOLOGIN",
        Engine::MySql | Engine::MariaDb => "ALTER USER newcomer@'%' ACCOUNT LOCK",
    };
    harness.server.execute(lock).unwrap();
    let diagnosis = named(&harness, &newcomer, "login", Cause::UserLocked).await;
    run(&harness, fix(&diagnosis));
    is_healthy(&harness.deploy(&newcomer).await).await;

    // 7: a statement that writes without saying so.
    let sql = "DELETE FROM items WHERE id = 100";
    let function = harness.deploy_with(&[], &[("undeclared", sql)]).await;
    let diagnosis = names(&function, "statements", Cause::StatementMode).await;
    let line = fix(&diagnosis).split('"').nth(1).unwrap();
    is_healthy(&harness.deploy_with(&[], &[("undeclared", &format!("{line}\n{sql}"))]).await).await;
}

/// The doctor's first fix.
fn fix(diagnosis: &Value) -> &str {
    diagnosis["causes"][0]["fix"].as_str().unwrap()
}

/// Runs, as the administrator, what stands between backticks. Gives all values of all rows.
pub(super) fn run(harness: &Harness, text: &str) -> Vec<String> {
    let mut values = Vec::new();
    for sql in commands(text) {
        let rows = harness.server.execute(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        values.extend(rows.into_iter().flatten().flatten());
    }
    values
}

/// The word that begins with `start`.
fn word(text: &str, start: &str) -> String {
    let mut words = text.split([' ', ',', ';', '`']);
    words.find(|word| word.starts_with(start)).unwrap_or_else(|| panic!("{text}")).to_owned()
}

//! Logins that succeed, with something wrong in the database or the statements.

use diagnosis::Cause;
use engine::Engine;
use function_harness::Harness;

use super::{is_healthy, named, names};

/// Users with too many rights, a read-only server, statements that do not match the schema.
pub async fn inside(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let sql = |of_mysql: &str, of_postgres: &str| {
        let sql = if engine == Engine::Postgres { of_postgres } else { of_mysql };
        harness.server.execute(sql).unwrap();
    };
    is_healthy(&harness.deploy(&[]).await).await;

    sql("GRANT CREATE USER ON *.* TO 'lambda-user'@'%'", "ALTER ROLE lambda_user CREATEROLE");
    named(&harness, &[], "database", Cause::MasterUser).await;
    sql("REVOKE CREATE USER ON *.* FROM 'lambda-user'@'%'", "ALTER ROLE lambda_user NOCREATEROLE");

    sql("SET GLOBAL read_only = ON", "ALTER DATABASE app SET default_transaction_read_only = on");
    named(&harness, &[], "database", Cause::ReadOnly).await;
    sql("SET GLOBAL read_only = OFF", "ALTER DATABASE app RESET default_transaction_read_only");

    sql(
        "CREATE DATABASE other; CREATE TABLE other.closed (id INT)",
        "CREATE SCHEMA other; CREATE TABLE other.closed (id INT); \
         GRANT USAGE ON SCHEMA other TO lambda_user; REVOKE ALL ON other.closed FROM lambda_user",
    );
    for (name, statement, cause) in [
        ("typo", "SELEC 1", Cause::StatementInvalid),
        ("gone", "SELECT * FROM no_such_table", Cause::TableMissing),
        ("column", "SELECT no_such_column FROM items", Cause::TableMissing),
        ("closed", "SELECT * FROM other.closed", Cause::RightsMissing),
        ("undeclared", "DELETE FROM items", Cause::StatementMode),
    ] {
        let function = harness.deploy_with(&[], &[(name, statement)]).await;
        let diagnosis = names(&function, "statements", cause).await;
        let listed = diagnosis["steps"][9]["facts"]["statements"].as_array().unwrap();
        for one in listed {
            assert_eq!(one["ok"], one["name"] != name, "{diagnosis:#}");
        }
    }
    let rows = harness.server.execute("SELECT COUNT(*) FROM items").unwrap();
    assert_eq!(rows[0][0].as_deref(), Some("3"), "a statement was run");
    is_healthy(&harness.deploy(&[]).await).await;
}

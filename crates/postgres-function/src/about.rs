//! What the server says of itself and of the user, for a diagnosis.

use sql_function::doctor::About;
use sql_function::{Error as Failure, Mode, Statement};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

use crate::failure;

const SERVER: &str = "\
SELECT version(), current_user::text, coalesce(s.version, ''), coalesce(s.cipher, ''),
       pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool,
       extract(epoch FROM clock_timestamp())::float8,
       r.rolsuper OR r.rolcreaterole OR EXISTS (
           SELECT FROM pg_roles a WHERE a.rolname = 'rds_superuser'
           AND pg_has_role(current_user, a.oid, 'member'))
FROM pg_roles r LEFT JOIN pg_stat_ssl s ON s.pid = pg_backend_pid()
WHERE r.rolname = current_user";

const GRANTS: &str = "\
SELECT 'member of ' || r.rolname
FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles u ON u.oid = m.member
WHERE u.rolname = current_user
UNION ALL
SELECT privilege || ' on database ' || current_database()
FROM unnest(ARRAY['CONNECT', 'CREATE', 'TEMPORARY']) AS privilege
WHERE has_database_privilege(current_database(), privilege)";

pub(crate) async fn ask(client: &Client) -> Result<About, Error> {
    let server = client.query_one(SERVER, &[]).await?;
    let grants = client.query(GRANTS, &[]).await?;
    Ok(About {
        settings: vec![],
        version: server.try_get(0)?,
        user: server.try_get(1)?,
        tls_version: server.try_get(2)?,
        tls_cipher: server.try_get(3)?,
        read_only: server.try_get(4)?,
        clock: server.try_get(5)?,
        is_administrator: server.try_get(6)?,
        grants: grants.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?,
    })
}

/// What a plan that writes begins its lines with.
const WRITES: [&str; 4] = ["Insert on ", "Update on ", "Delete on ", "Merge on "];

/// Has the server plan the statement, which checks the user's rights as running it would: parsing
/// alone does not. What can be parsed but not planned (CALL, for one) is left at that.
pub(crate) async fn check_rights(
    client: &Client,
    statement: &Statement,
    params: usize,
) -> Result<(), Failure> {
    let failed = |error| failure::query(statement, error);
    // The SQL may end in a comment, or a semicolon.
    let prepare = format!("PREPARE rds_iam_lambda_doctor AS\n{}", statement.sql);
    match client.batch_execute(&prepare).await {
        Ok(()) => {}
        Err(error) if error.code() == Some(&SqlState::SYNTAX_ERROR) => return Ok(()),
        Err(error) => return Err(failed(error)),
    }
    let values = if params == 0 {
        String::new()
    } else {
        format!("({})", ["NULL"].repeat(params).join(", "))
    };
    let explain = format!("EXPLAIN EXECUTE rds_iam_lambda_doctor{values}");
    let plan = client.simple_query(&explain).await;
    client.batch_execute("DEALLOCATE rds_iam_lambda_doctor").await.map_err(failed)?;
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            return Err(failed(error));
        }
        // Such as a type that takes no NULL.
        Err(_) => return Ok(()),
    };
    let writes = plan.iter().any(|message| match message {
        SimpleQueryMessage::Row(row) => {
            let line = row.get(0).unwrap_or_default().trim_start().trim_start_matches("->").trim();
            WRITES.iter().any(|start| line.starts_with(start))
        }
        _ => false,
    });
    if writes && statement.mode == Mode::Read {
        return Err(failure::undeclared_write(statement));
    }
    Ok(())
}

//! What the server reports about itself and the user, for a diagnosis.

use sql_function::diagnose::ServerInfo;
use tokio_postgres::{Client, Error};

// Every name is qualified with pg_catalog and every type is exact, so that nothing that users created is
// called.

const SERVER: &str = "\
SELECT pg_catalog.version(), CURRENT_USER::pg_catalog.text,
       COALESCE(s.version, ''::pg_catalog.text), COALESCE(s.cipher, ''::pg_catalog.text),
       pg_catalog.pg_is_in_recovery() OR EXISTS (
           SELECT FROM pg_catalog.pg_settings d
           WHERE d.name OPERATOR(pg_catalog.=) 'default_transaction_read_only'::pg_catalog.text
           AND d.setting OPERATOR(pg_catalog.=) 'on'::pg_catalog.text
           AND d.source OPERATOR(pg_catalog.<>) ALL
               ('{user,database user}'::pg_catalog.text[])),
       EXTRACT(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.float8,
       r.rolsuper OR r.rolcreaterole OR EXISTS (
           SELECT FROM pg_catalog.pg_roles a
           WHERE a.rolname OPERATOR(pg_catalog.=) 'rds_superuser'::pg_catalog.name
           AND pg_catalog.pg_has_role(r.oid, a.oid, 'member'::pg_catalog.text))
FROM pg_catalog.pg_roles r LEFT JOIN pg_catalog.pg_stat_ssl s
     ON s.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
WHERE r.rolname OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.name";

const GRANTS: &str = "\
SELECT 'member of '::pg_catalog.text OPERATOR(pg_catalog.||) r.rolname::pg_catalog.text
FROM pg_catalog.pg_auth_members m
     JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) m.roleid
     JOIN pg_catalog.pg_roles u ON u.oid OPERATOR(pg_catalog.=) m.member
WHERE u.rolname OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.name
UNION ALL
SELECT p.privilege OPERATOR(pg_catalog.||) ' on database '::pg_catalog.text
       OPERATOR(pg_catalog.||) pg_catalog.current_database()::pg_catalog.text
FROM pg_catalog.unnest('{CONNECT,CREATE,TEMPORARY}'::pg_catalog.text[]) AS p(privilege)
WHERE pg_catalog.has_database_privilege(
    pg_catalog.current_database()::pg_catalog.text, p.privilege)";

/// The settings that the role or the database gives new sessions in place of the server's. A setting with a
/// dot in its name belongs to an extension or a user, and may contain anything.
const SETTINGS: &str = "\
SELECT s.name OPERATOR(pg_catalog.||) ' is '::pg_catalog.text OPERATOR(pg_catalog.||) s.setting
       OPERATOR(pg_catalog.||) ', set for the '::pg_catalog.text OPERATOR(pg_catalog.||) s.source
FROM pg_catalog.pg_settings s
WHERE s.source OPERATOR(pg_catalog.=) ANY ('{user,database,database user}'::pg_catalog.text[])
  AND pg_catalog.strpos(s.name, '.'::pg_catalog.text) OPERATOR(pg_catalog.=) 0
ORDER BY s.name";

/// Begins a transaction that cannot change anything. It does not wait long, either, except through an
/// RDS Proxy, which pins the session at any `SET`: the function's own deadline ends it there.
pub(crate) fn begin(through_proxy: bool) -> &'static str {
    if through_proxy {
        "BEGIN READ ONLY"
    } else {
        "BEGIN READ ONLY; SET LOCAL statement_timeout = '5s'; SET LOCAL lock_timeout = '1s'"
    }
}

pub(crate) async fn query(client: &Client, through_proxy: bool) -> Result<ServerInfo, Error> {
    client.batch_execute(begin(through_proxy)).await?;
    let info = answers(client).await;
    client.batch_execute("ROLLBACK").await?;
    info
}

async fn answers(client: &Client) -> Result<ServerInfo, Error> {
    let server = client.query_one(SERVER, &[]).await?;
    let grants = client.query(GRANTS, &[]).await?;
    let settings = client.query(SETTINGS, &[]).await?;
    Ok(ServerInfo {
        settings: settings.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?,
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

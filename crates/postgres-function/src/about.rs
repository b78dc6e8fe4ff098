//! What the server says of itself and of the user, for a diagnosis.

use sql_function::doctor::About;
use tokio_postgres::{Client, Error};

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

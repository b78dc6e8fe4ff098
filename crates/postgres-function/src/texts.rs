//! PostgreSQL's part of the causes' texts.

use diagnosis::EngineTexts;

/// For PostgreSQL and Aurora PostgreSQL.
pub(crate) const POSTGRES: &EngineTexts = &EngineTexts {
    engine: "PostgreSQL",
    starttls: "postgres",
    parse_statement: "`(echo 'PREPARE parsed AS'; cat STATEMENT.sql) | psql` (PREPARE takes SELECT, INSERT, \
         UPDATE, DELETE, MERGE and VALUES)",
    create_user: "`CREATE ROLE {user:postgres_name} LOGIN` (unless it exists), then `GRANT rds_iam \
         TO {user:postgres_name}; GRANT CONNECT ON DATABASE {database:postgres_name} TO \
         {user:postgres_name}`",
    show_user: "`SELECT rolname, rolcanlogin, pg_has_role(rolname, 'rds_iam', 'member') AS iam FROM \
         pg_roles WHERE strpos(translate(lower(rolname), '-', '_'), \
         translate(lower({user:postgres_string}), '-', '_')) > 0`: iam must be true",
    unlock_user: "`ALTER ROLE {user:postgres_name} LOGIN`",
    show_grants: "`\\du {user:postgres_name}` and `\\dp *.*` in psql",
    show_databases: "`SELECT datname FROM pg_database`",
    grant_database: "`GRANT CONNECT ON DATABASE {database:postgres_name} TO {user:postgres_name}`",
    schema: "public",
    grant_tables: "`GRANT USAGE ON SCHEMA {schema:postgres_name} TO {user:postgres_name}; GRANT SELECT, \
         INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema:postgres_name} TO \
         {user:postgres_name}`, with the table's schema in place of {schema} if it is another",
    show_connections: "`SELECT count(*), current_setting('max_connections') FROM pg_stat_activity; SELECT \
         rolconnlimit FROM pg_roles WHERE rolname = {user:postgres_string}`",
    connections_setting: "max_connections or the role's CONNECTION LIMIT",
    show_hosts: "`SELECT * FROM pg_hba_file_rules`",
    allow_host: "on RDS, check DB_NAME, DB_USER and that TLS is on; on a self-managed server, add a line to \
         pg_hba.conf",
    show_tls: "`SHOW ssl`: must be on",
    tls_setting: "ssl_min_protocol_version",
    show_read_only: "`SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')`",
    unset_read_only: "if default_transaction_read_only is on, and it was you who set it, run ALTER \
         DATABASE or ALTER ROLE … RESET default_transaction_read_only; a blue/green deployment sets it \
         to keep writes away from the database that is not in production",
    show_time: "`SELECT now()`",
};

//! MySQL's part of the causes' texts.

use diagnosis::EngineTexts;

/// For MySQL, MariaDB and Aurora MySQL.
pub(crate) const MYSQL: &EngineTexts = &EngineTexts {
    engine: "MySQL",
    starttls: "mysql",
    // The text of the file as a string. The client reads it to its end, semicolons included.
    parse_statement: "`(printf \"PREPARE parsed FROM '\"; sed \"s/['\\\\\\\\]/\\\\\\\\&/g\" STATEMENT.sql; echo \
         \"'\") | mysql`",
    create_user: "`CREATE USER IF NOT EXISTS {user:mysql_string}@'%' IDENTIFIED WITH \
         AWSAuthenticationPlugin AS 'RDS'; ALTER USER {user:mysql_string}@'%' IDENTIFIED WITH \
         AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL; GRANT SELECT, INSERT, UPDATE, DELETE ON \
         {database:mysql_pattern}.* TO {user:mysql_string}@'%'`",
    show_user: "`SELECT user, host, plugin FROM mysql.user WHERE INSTR(REPLACE(LOWER(user), '-', '_'), \
         REPLACE(LOWER({user:mysql_string}), '-', '_'))`: the plugin must be \
         AWSAuthenticationPlugin",
    unlock_user: "`ALTER USER {user:mysql_string}@'%' ACCOUNT UNLOCK`",
    show_grants: "`SHOW GRANTS FOR {user:mysql_string}@'%'`",
    show_databases: "`SHOW DATABASES`",
    grant_database: "`GRANT SELECT, INSERT, UPDATE, DELETE ON {database:mysql_pattern}.* TO \
         {user:mysql_string}@'%'`",
    schema: "{database}",
    grant_tables: "`GRANT SELECT, INSERT, UPDATE, DELETE ON {schema:mysql_pattern}.* TO \
         {user:mysql_string}@'%'`, with the table's database in place of {schema} if it is another",
    show_connections: "`SHOW STATUS LIKE 'Threads_connected'; SHOW VARIABLES LIKE 'max%connections'; SHOW \
         CREATE USER {user:mysql_string}@'%'`",
    connections_setting: "max_connections or the user's MAX_USER_CONNECTIONS",
    show_hosts: "`SELECT user, host FROM mysql.user; SELECT * FROM performance_schema.host_cache`",
    allow_host: "create the user for any host ({user:mysql_string}@'%'); if the host is blocked because of \
         many connection errors, run `FLUSH HOSTS` (`TRUNCATE TABLE performance_schema.host_cache`) \
         as the administrator",
    show_tls: "`SHOW VARIABLES LIKE 'tls_version'`: must name TLSv1.2 or TLSv1.3",
    tls_setting: "tls_version",
    show_read_only: "`SELECT @@global.read_only`",
    unset_read_only: "on a self-managed server, `SET GLOBAL read_only = OFF`",
    show_time: "`SELECT UTC_TIMESTAMP()`",
};

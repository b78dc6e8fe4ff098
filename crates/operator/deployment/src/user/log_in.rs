//! The line that runs the SQL: a client that logs in as the master user, with verified TLS.
//!
//! No password and no token is an argument, which every user of a machine can read: a client asks for the
//! password, and gets a token in its environment.

use std::path::Path;

use aws_cli::Database;
use diagnosis::shell;
use engine::Engine;

/// The file with the SQL, in the line.
const FILE: &str = "user.sql";

/// The line for a database, as a comment of SQL; nothing where RDS does not say who the master user is.
pub(crate) fn comment(
    found: &Database,
    engine: Engine,
    database: &str,
    certs: &Path,
    profile: Option<&str>,
) -> String {
    let Some(master) = found.master_user.as_deref() else { return String::new() };
    // Its certificate is of Amazon Trust Services.
    let roots =
        if found.internet_access_gateway { "amazon-trust-roots.pem" } else { "global-bundle.pem" };
    let roots = certs.join(roots).display().to_string();
    let client = match engine {
        Engine::Postgres => psql(found, master, database, &roots),
        Engine::MySql | Engine::MariaDb => mysql(found, engine, master, database, &roots),
    };
    // A comment ends where a line does, and a name in it must not go on.
    let line = |text: String| text.replace(['\n', '\r'], " ");
    if !found.internet_access_gateway {
        return line(format!("-- With this text in {FILE}, run:  {client} < {FILE}")) + "\n";
    }
    let right = line(format!(
        "-- {master} logs in with a token; your credentials need rds-db:connect on dbuser:{}/{master}.",
        found.resource_id
    ));
    let token = token(found, master, profile);
    let run = line(format!(
        "-- With this text in {FILE}, run:  PGPASSWORD=\"$({token})\" {client} < {FILE}"
    ));
    format!("{right}\n{run}\n")
}

/// The command that prints a token of `user`. It is valid for 15 minutes.
fn token(found: &Database, user: &str, profile: Option<&str>) -> String {
    let profile = profile.map(|name| format!(" --profile {}", shell(name))).unwrap_or_default();
    format!(
        "aws rds generate-db-auth-token --region {} --hostname {} --port {} --username {}{profile}",
        shell(&found.region),
        shell(&found.endpoint),
        found.port,
        shell(user)
    )
}

/// <https://www.postgresql.org/docs/17/libpq-connect.html#LIBPQ-CONNSTRING>
fn psql(found: &Database, user: &str, database: &str, roots: &str) -> String {
    let connection = format!(
        "host={} port={} user={} dbname={} sslmode=verify-full sslrootcert={}",
        setting(&found.endpoint),
        found.port,
        setting(user),
        setting(database),
        setting(roots)
    );
    format!("psql --set ON_ERROR_STOP=1 {}", shell(&connection))
}

/// A value in a connection string of libpq.
fn setting(value: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !matches!(c, '\'' | '\\');
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

/// The clients differ: <https://dev.mysql.com/doc/refman/8.4/en/connection-options.html>,
/// <https://mariadb.com/kb/en/mariadb-command-line-client/>.
fn mysql(found: &Database, engine: Engine, user: &str, database: &str, roots: &str) -> String {
    let (client, verified) = match engine {
        Engine::MariaDb => ("mariadb", "--ssl-verify-server-cert"),
        _ => ("mysql", "--ssl-mode=VERIFY_IDENTITY"),
    };
    format!(
        "{client} --host={} --port={} --user={} --password {verified} --ssl-ca={} --database={}",
        shell(&found.endpoint),
        found.port,
        shell(user),
        shell(roots),
        shell(database)
    )
}

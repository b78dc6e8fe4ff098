//! What the server reports about itself and the user, for a diagnosis.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};
use sql_function::diagnose::ServerInfo;

use crate::session::{MAX_PACKET, is_on};

const SERVER: &str = "SELECT VERSION(), CURRENT_USER(), \
                      CAST(@@global.read_only AS CHAR), CAST(@@global.innodb_read_only AS CHAR), \
                      CAST(UNIX_TIMESTAMP(NOW(6)) AS CHAR)";
/// The settings that a new session starts with, before the function sets its own.
const SETTINGS: &str = "SELECT @@global.sql_mode, CAST(@@global.autocommit AS CHAR), \
                        CAST(@@global.completion_type AS CHAR), @@global.init_connect, \
                        CAST(@@global.sql_select_limit AS CHAR), \
                        CAST(@@global.max_allowed_packet AS CHAR)";
/// Privileges of an administrator, which the user of a function does not need.
const ADMINISTRATION: [&str; 4] = ["ALL PRIVILEGES", "SUPER", "CREATE USER", "GRANT OPTION"];

pub(crate) async fn query(conn: &mut Conn) -> Result<ServerInfo, Error> {
    type Answer = (String, String, String, String, String);
    let server: Option<Answer> = conn.query_first(SERVER).await?;
    let (version, user, read_only, innodb_read_only, clock) = server.unwrap_or_default();
    let settings: Option<Settings> = conn.query_first(SETTINGS).await?;
    let grants: Vec<String> = conn.query("SHOW GRANTS").await?;
    let grants: Vec<_> = grants.into_iter().map(without_password).collect();
    Ok(ServerInfo {
        version,
        settings: settings.map(differing).unwrap_or_default(),
        tls_version: status(conn, "Ssl_version").await?,
        tls_cipher: status(conn, "Ssl_cipher").await?,
        user,
        is_administrator: grants.iter().any(|grant| administers(grant)),
        grants,
        read_only: is_on(&read_only) || is_on(&innodb_read_only),
        clock: clock.parse().unwrap_or_default(),
    })
}

type Settings = (String, String, String, String, String, String);

/// The settings that differ from those of the function's sessions, and what the function does about it.
fn differing(settings: Settings) -> Vec<String> {
    let (sql_mode, autocommit, completion_type, init_connect, select_limit, packet) = settings;
    let strict = ["STRICT_TRANS_TABLES", "STRICT_ALL_TABLES"];
    let is_strict = sql_mode.split(',').any(|mode| strict.contains(&mode));
    let most: u64 = select_limit.parse().unwrap_or(u64::MAX);
    let packet: usize = packet.parse().unwrap_or(MAX_PACKET);
    let mut differing = vec![];
    let mut tell = |differs: bool, text: String| {
        if differs {
            differing.push(text);
        }
    };
    let mode =
        format!("sql_mode is {sql_mode:?}, not strict: the function adds STRICT_TRANS_TABLES");
    tell(!is_strict, mode);
    tell(!is_on(&autocommit), "autocommit is OFF: the function sets it ON".into());
    let chains = !matches!(&*completion_type, "NO_CHAIN" | "0");
    tell(chains, format!("completion_type is {completion_type}: the function sets NO_CHAIN"));
    let limited = format!("sql_select_limit is {most}: the function removes the limit");
    tell(most < u64::from(u32::MAX), limited);
    // It may hold a secret.
    let init = "init_connect is set: the function applies its own settings after it";
    tell(!init_connect.is_empty(), init.into());
    let small = format!("max_allowed_packet is {packet} bytes: longer statements are refused");
    tell(packet < MAX_PACKET, small);
    differing
}

async fn status(conn: &mut Conn, name: &str) -> Result<String, Error> {
    let sql = format!("SHOW SESSION STATUS LIKE '{name}'");
    let row: Option<(String, String)> = conn.query_first(sql).await?;
    Ok(row.map(|(_, value)| value).unwrap_or_default())
}

/// MariaDB also shows how the user logs in, with the hash of the password.
fn without_password(grant: String) -> String {
    match grant.split_once(" IDENTIFIED ") {
        Some((grant, _)) => grant.to_owned(),
        None => grant,
    }
}

fn administers(grant: &str) -> bool {
    grant.contains(" ON *.* ") && ADMINISTRATION.iter().any(|right| grant.contains(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn administrators_are_told_from_users_and_hashes_are_removed() {
        let user = "GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*94BD' REQUIRE SSL";
        let user = without_password(user.to_owned());
        assert_eq!(user, "GRANT USAGE ON *.* TO `u`@`%`");
        assert!(!administers(&user));
        assert!(!administers("GRANT ALL PRIVILEGES ON `app`.* TO `u`@`%`"));
        assert!(administers("GRANT SELECT, CREATE USER ON *.* TO `admin`@`%` WITH GRANT OPTION"));
    }
}

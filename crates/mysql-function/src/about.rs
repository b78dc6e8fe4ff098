//! What the server says of itself and of the user, for a diagnosis.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};
use sql_function::doctor::About;

const SERVER: &str = "SELECT VERSION(), CURRENT_USER(), \
                      CAST(@@global.read_only AS CHAR), CAST(@@global.innodb_read_only AS CHAR), \
                      CAST(UNIX_TIMESTAMP(NOW(6)) AS CHAR)";
/// What an administrator may do, and the user of a function need not.
const ADMINISTRATION: [&str; 4] = ["ALL PRIVILEGES", "SUPER", "CREATE USER", "GRANT OPTION"];

pub(crate) async fn ask(conn: &mut Conn) -> Result<About, Error> {
    type Answer = (String, String, String, String, String);
    let server: Option<Answer> = conn.query_first(SERVER).await?;
    let (version, user, read_only, innodb_read_only, clock) = server.unwrap_or_default();
    let grants: Vec<String> = conn.query("SHOW GRANTS").await?;
    let grants: Vec<_> = grants.into_iter().map(without_password).collect();
    Ok(About {
        version,
        tls_version: status(conn, "Ssl_version").await?,
        tls_cipher: status(conn, "Ssl_cipher").await?,
        user,
        is_administrator: grants.iter().any(|grant| administers(grant)),
        grants,
        read_only: is_on(&read_only) || is_on(&innodb_read_only),
        clock: clock.parse().unwrap_or_default(),
    })
}

async fn status(conn: &mut Conn, name: &str) -> Result<String, Error> {
    let sql = format!("SHOW SESSION STATUS LIKE '{name}'");
    let row: Option<(String, String)> = conn.query_first(sql).await?;
    Ok(row.map(|(_, value)| value).unwrap_or_default())
}

/// MariaDB 12 has words for more kinds of it.
fn is_on(value: &str) -> bool {
    !matches!(value, "" | "0" | "OFF")
}

/// MariaDB shows how a user logs in, with the hash of a password.
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
    fn administrators_are_told_from_users_and_hashes_are_left_out() {
        let user = "GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*94BD' REQUIRE SSL";
        let user = without_password(user.to_owned());
        assert_eq!(user, "GRANT USAGE ON *.* TO `u`@`%`");
        assert!(!administers(&user));
        assert!(!administers("GRANT ALL PRIVILEGES ON `app`.* TO `u`@`%`"));
        assert!(administers("GRANT SELECT, CREATE USER ON *.* TO `admin`@`%` WITH GRANT OPTION"));
    }
}

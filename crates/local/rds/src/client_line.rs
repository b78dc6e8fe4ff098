//! The command line that opens a session in the engine's own client.

use engine::Engine;

use crate::server::Server;

/// The longest line, in columns: indented, it still fits 80.
const WIDTH: usize = 76;

impl Server {
    /// A command line for a shell that opens a session in `psql` or `mysql`, on lines of at most 76
    /// columns. `token` is a command that prints a token.
    ///
    /// It works in the clients of MySQL and of MariaDB, which is what Debian and others call `mysql`.
    /// `--ssl-mode`, which only MySQL's knows, must be `loose`, so that the other warns and goes on: it
    /// verifies the server because of `--ssl-ca`. Neither can dial another address than the name that it
    /// verifies, so the name is not verified. The CA has signed for no other server.
    #[must_use]
    pub fn client_line(&self, token: &str) -> String {
        let (address, bundle) = (self.address(), self.ca_bundle().display());
        let (ip, port, user, database) =
            (address.ip(), address.port(), self.user(), self.database());
        fold(match self.engine() {
            // In double quotes, too, a backslash joins lines.
            Engine::Postgres => vec![
                format!("PGPASSWORD=\"$({token})\""),
                "psql".to_owned(),
                format!("\"host={}", self.host()),
                format!("hostaddr={ip}"),
                format!("port={port}"),
                format!("dbname={database}"),
                format!("user={user}"),
                "sslmode=verify-full".to_owned(),
                format!("sslrootcert={bundle}\""),
            ],
            Engine::MySql | Engine::MariaDb => vec![
                format!("MYSQL_PWD=\"$({token})\""),
                "mysql".to_owned(),
                format!("--host={ip}"),
                format!("--port={port}"),
                format!("--user={user}"),
                "--enable-cleartext-plugin".to_owned(),
                "--loose-ssl-mode=VERIFY_CA".to_owned(),
                format!("--ssl-ca={bundle}"),
                database.to_owned(),
            ],
        })
    }
}

/// Joins words to lines of at most [`WIDTH`] columns, each of which but the last ends in a backslash.
fn fold(words: Vec<String>) -> String {
    let mut folded = String::new();
    let mut column = 0;
    for word in words {
        // A space before, and a space and a backslash behind.
        if column > 0 && column + 1 + word.len() + 2 > WIDTH {
            folded += " \\\n ";
            column = 1;
        }
        if column > 0 {
            folded += " ";
            column += 1;
        }
        column += word.len();
        folded += &word;
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::{WIDTH, fold};

    #[test]
    fn a_line_is_folded_between_words() {
        let words: Vec<_> = (20..40).map(|length| "x".repeat(length)).collect();
        let folded = fold(words.clone());
        assert!(folded.lines().all(|line| line.len() <= WIDTH), "{folded}");
        assert_eq!(folded.replace(" \\\n  ", " "), words.join(" "));
        assert_eq!(fold(vec!["a".into(), "b".into()]), "a b");
    }
}

//! The handler's SQL, for each engine.

use engine::Engine;

/// The texts of an engine.
pub(crate) struct Sql {
    pub(crate) one: &'static str,
    pub(crate) add: &'static str,
    pub(crate) returning: &'static str,
    pub(crate) set: &'static str,
    pub(crate) temporary: &'static str,
    pub(crate) sleep: &'static str,
    pid: &'static str,
    port: &'static str,
    raw: [&'static str; 2],
}

const MYSQL: Sql = Sql {
    one: "SELECT 1 AS v",
    add: "INSERT INTO items (id, name) VALUES (?, ?)",
    returning: "INSERT INTO items (id, name) VALUES (?, 'returned') RETURNING id AS v",
    set: "SET SESSION sql_select_limit = 1",
    temporary: "CREATE TEMPORARY TABLE items (id INT, name TEXT)",
    sleep: "SELECT SLEEP(?) AS v",
    pid: "SELECT CONNECTION_ID() AS v",
    port: "SELECT @@port AS v",
    raw: ["INSERT INTO items (id, name) VALUES (50, 'raw')", "SELECT SLEEP(600) FROM items"],
};

const POSTGRES: Sql = Sql {
    one: "SELECT 1 AS v",
    add: "INSERT INTO items (id, name) VALUES ($1, $2)",
    returning: "INSERT INTO items (id, name) VALUES ($1, 'returned') RETURNING id AS v",
    set: "SET search_path = pg_catalog",
    temporary: "CREATE TEMPORARY TABLE items (id INT, name TEXT)",
    sleep: "SELECT pg_sleep($1)::text AS v",
    pid: "SELECT pg_backend_pid() AS v",
    port: "SELECT inet_server_port() AS v",
    raw: ["INSERT INTO items (id, name) VALUES (50, 'raw')", "SELECT pg_sleep(600)"],
};

impl Sql {
    pub(crate) fn of(engine: Engine) -> &'static Sql {
        if engine == Engine::Postgres { &POSTGRES } else { &MYSQL }
    }

    /// What is run with the driver's own client.
    pub(crate) fn raw(&self, number: u64) -> &'static str {
        self.raw[usize::from(number > 0)]
    }

    /// The text of a step that reads.
    pub(crate) fn read(&self, word: &str) -> Option<&'static str> {
        Some(match word {
            "one" => self.one,
            "pid" => self.pid,
            "port" => self.port,
            "count" => "SELECT COUNT(*) AS v FROM items",
            "broken" => "SELECT v FROM no_such_table",
            "sneaky" => "DELETE FROM items",
            "two" => "SELECT 1 AS v; SELECT 2 AS v",
            "sleep" => self.sleep,
            _ => return None,
        })
    }
}

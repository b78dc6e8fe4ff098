//! What a read sees of the table of the [`Ledger`](super::Ledger).

use engine::Engine;
use serde_json::Value;
use std::collections::BTreeSet;

/// How many writes the statement returns at most: reading more would only keep the machine busy.
const LIMIT: usize = 50;

/// The statement `newest`, as [`deploy_with`](super::deploy_with) takes it: a value that each read chooses, the port
/// of the server that runs it, and the newest writes there. A function needs it for the ledger's reads.
pub fn newest(engine: Engine) -> (&'static str, String) {
    let (value, port) = match engine {
        Engine::Postgres => ("$1::int", "inet_server_port()"),
        Engine::MySql | Engine::MariaDb => ("CAST(? AS SIGNED)", "@@port"),
    };
    let sql = format!(
        "-- timeout: 5s\nSELECT {value} AS v, {port} AS port, id, n FROM (SELECT 1 AS one) AS one
         LEFT JOIN (SELECT id, n FROM hits ORDER BY id DESC LIMIT {LIMIT}) AS newest ON TRUE"
    );
    ("newest", sql)
}

/// The answer of the statement `newest`.
#[derive(Debug)]
pub(super) struct View {
    /// Which server answered.
    pub(super) port: u64,
    /// The ids of the newest writes. Each has been run once.
    pub(super) ids: BTreeSet<usize>,
}

impl View {
    /// Reads a result. It must be the answer to `value`.
    pub(super) fn of(result: &Value, value: usize) -> View {
        let rows = result["rows"].as_array().unwrap_or_else(|| panic!("no rows: {result}"));
        let number = |row: &Value, column: &str| row[column].as_u64();
        let mut ids = BTreeSet::new();
        for row in rows {
            assert_eq!(row["v"], value, "another invocation's answer: {result}");
            if let Some(id) = number(row, "id") {
                assert_eq!(row["n"], 1, "write {id} ran more than once: {result}");
                ids.insert(id as usize);
            }
        }
        let port = rows.first().and_then(|row| number(row, "port"));
        View { port: port.unwrap_or_else(|| panic!("no port: {result}")), ids }
    }

    /// The first write that would be in the answer if the server had it: the answer leaves out older ones.
    pub(super) fn first(&self) -> usize {
        let is_full = self.ids.len() == LIMIT;
        self.ids.first().copied().filter(|_| is_full).unwrap_or(0)
    }
}

//! What a server of MySQL or MariaDB was sent, line by line of its general log, held to what AWS says pins a
//! session of an RDS Proxy:
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html>.

use crate::harness::Harness;

/// The session variables that a proxy tracks.
const TRACKED: [&str; 21] = [
    "AUTOCOMMIT",
    "AUTO_INCREMENT_INCREMENT",
    "CHARACTER_SET_CLIENT",
    "CHARACTER_SET_CONNECTION",
    "CHARACTER_SET_DATABASE",
    "CHARACTER_SET_FILESYSTEM",
    "CHARACTER_SET_RESULTS",
    "CHARACTER_SET_SERVER",
    "COLLATION_CONNECTION",
    "COLLATION_DATABASE",
    "COLLATION_SERVER",
    "INTERACTIVE_TIMEOUT",
    "NAMES",
    "NET_WRITE_TIMEOUT",
    "QUERY_CACHE_TYPE",
    "SESSION_TRACK_SCHEMA",
    "SQL_MODE",
    "TIME_ZONE",
    "TRANSACTION",
    "TRANSACTION_READ_ONLY",
    "WAIT_TIMEOUT",
];
/// What pins wherever it is in a statement. No name and no value in these tests contains one.
const PINS: [&str; 14] = [
    "/*!",
    "/*M!",
    "PREPARE ",
    "EXECUTE ",
    "GET_LOCK",
    "LOCK TABLE",
    "READ LOCK",
    "ROW_COUNT",
    "FOUND_ROWS",
    "TEMPORARY",
    ":=",
    "INTO @",
    "SET @A",
    "SET TRANSACTION",
];

/// A line of the log.
#[derive(Debug)]
pub struct Line {
    /// The number of the connection.
    pub thread: u64,
    /// The command: `Query`, `Prepare`, `Execute` and others.
    pub command: String,
    /// The SQL.
    pub text: String,
}

impl Line {
    /// Why it pins.
    pub fn pins(&self) -> Option<String> {
        if matches!(&*self.command, "Prepare" | "Execute" | "Close stmt" | "Reset stmt") {
            return Some(self.command.clone());
        }
        if self.text.len() > 16 << 10 {
            return Some("more than 16 KB".to_owned());
        }
        let text = self.text.to_ascii_uppercase();
        if let Some(part) = PINS.iter().find(|part| text.contains(**part)) {
            return Some((*part).to_owned());
        }
        text.split(';').find_map(|one| untracked(one.trim()))
    }
}

/// The first variable that `SET …` sets and a proxy does not track.
fn untracked(sql: &str) -> Option<String> {
    let (mut depth, mut quoted) = (0, false);
    let parts = sql.strip_prefix("SET ")?.split(move |c| {
        quoted ^= c == '\'';
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0 && !quoted
    });
    let names = parts.map(|part| part.trim().trim_start_matches("SESSION ").to_owned());
    let name = |part: &String| part.split([' ', '=']).next().unwrap_or_default().to_owned();
    names.map(|part| name(&part)).find(|name| !TRACKED.contains(&&**name))
}

/// Has the server log everything from now on.
pub async fn log(harness: &Harness) {
    harness.execute("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON").await;
}

/// What the IAM user has sent since the last time. The end of a connection is logged at any time after it.
pub async fn sent(harness: &Harness) -> Vec<Line> {
    let rows = harness
        .execute(
            "SELECT thread_id, command_type, CONVERT(argument USING utf8mb4) FROM mysql.general_log \
             WHERE user_host LIKE '%lambda-user%' AND command_type <> 'Quit' ORDER BY event_time",
        )
        .await;
    harness.execute("TRUNCATE mysql.general_log").await;
    let line = |row: Vec<Option<String>>| {
        let [thread, command, text] =
            <[_; 3]>::try_from(row).unwrap().map(Option::unwrap_or_default);
        Line { thread: thread.parse().unwrap(), command, text }
    };
    rows.into_iter().map(line).collect()
}

/// Fails if any of them pins.
#[track_caller]
pub fn expect_unpinned(what: &str, lines: &[Line]) {
    assert!(!lines.is_empty(), "{what}: nothing was logged");
    for line in lines {
        assert_eq!(line.pins(), None, "{what}: {line:?}");
    }
}

//! PostgreSQL: a hot standby follows the primary by streaming its log.

use crate::Error;
use crate::administrator::Administrator;
use crate::replication::{REPLICATION_USER, Replication, Source, TIMEOUT, wait_until};
use crate::running::Running;
use crate::server_engine::Plan;

const SETTINGS: &[(&str, &str)] = &[
    ("wal_level", "replica"),
    // No fewer than where the data was made.
    ("max_wal_senders", "10"),
    ("wal_keep_size", "64MB"),
    ("wal_retrieve_retry_interval", "100ms"),
    // A reader of Aurora's answers queries whatever the writer does.
    ("max_standby_streaming_delay", "-1"),
];

/// PostgreSQL.
pub(crate) struct PostgresReplication;

impl Replication for PostgresReplication {
    fn settings(&self, _number: u32) -> Vec<(String, String)> {
        SETTINGS.iter().map(|&(name, value)| (name.into(), value.into())).collect()
    }

    fn user(&self, password: &str) -> String {
        format!("CREATE USER {REPLICATION_USER} REPLICATION PASSWORD '{password}';")
    }

    fn begin_to_follow(&self, plan: &Plan, source: &Source) -> Result<(), Error> {
        let Source { port, password, .. } = source;
        let text = format!(
            "primary_conninfo = 'host=127.0.0.1 port={port} user={REPLICATION_USER} \
             password={password} sslmode=require'\n"
        );
        for (name, text) in [("source.conf", &*text), ("standby.signal", "")] {
            plan.account.write(&plan.folder.data().join(name), text)?;
        }
        Ok(())
    }

    fn follow(&self, administrator: &mut Administrator, source: &Source) -> Result<(), Error> {
        wait_until("the standby has what the primary wrote", || {
            self.has(administrator, &source.position)
        })
    }

    fn position(&self, administrator: &mut Administrator) -> Result<String, Error> {
        one(
            administrator,
            "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                 ELSE pg_current_wal_flush_lsn() END",
        )
    }

    fn has(&self, administrator: &mut Administrator, position: &str) -> Result<bool, Error> {
        let sql = format!("SELECT pg_last_wal_replay_lsn() >= '{position}'");
        Ok(one(administrator, &sql)? == "t")
    }

    /// The server ends, after a standby has everything that it wrote: a "fast" shutdown waits for that.
    fn retire(&self, running: &Running) -> Result<String, Error> {
        wait_until("a standby follows", || {
            running.with_administrator(|administrator| {
                let sql = "SELECT count(*) > 0 FROM pg_stat_replication WHERE state = 'streaming'";
                Ok(one(administrator, sql)? == "t")
            })
        })?;
        running.stop(libc::SIGINT)?;
        last_checkpoint(running)
    }

    fn promote(&self, running: &Running) -> Result<(), Error> {
        let sql = format!("SELECT pg_promote(true, {})", TIMEOUT.as_secs());
        match running.with_administrator(|administrator| one(administrator, &sql))?.as_str() {
            "t" => Ok(()),
            _ => Err(Error::new("the standby is not promoted")),
        }
    }
}

/// Where the last record of a server begins that has ended by itself.
fn last_checkpoint(running: &Running) -> Result<String, Error> {
    let plan = running.plan();
    let mut command = plan.installation.tool("pg_controldata");
    command.arg("-D").arg(plan.folder.data()).env("LC_ALL", "C");
    let failed = "reading the position of the primary failed";
    let output = child_process::run(command, b"").map_err(Error::because(failed))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let line = printed.lines().find_map(|line| line.strip_prefix("Latest checkpoint location:"));
    let line = line.ok_or_else(|| Error::new(format!("{failed}: {}", output.status)))?;
    Ok(line.trim().to_owned())
}

/// The only value of the only row.
fn one(administrator: &mut Administrator, sql: &str) -> Result<String, Error> {
    let rows = administrator.run(sql).map_err(Error::because("replication failed"))?;
    Ok(rows.into_iter().flatten().flatten().next().unwrap_or_default())
}

//! MySQL and MariaDB: a replica follows its source by global transaction identifiers (GTIDs).

use std::fs::{self, File};

use super::reader_mark;
use crate::Error;
use crate::administrator::{Administrator, Row};
use crate::replication::{REPLICATION_USER, Replication, Source, wait_until};
use crate::running::Running;
use crate::server_engine::Plan;

const SETTINGS: &[(&str, &str)] = &[
    ("log-bin", "binlog"),
    ("relay-log", "relay"),
    // After the server was killed it asks the source again.
    ("relay-log-recovery", "ON"),
    ("sync-binlog", "0"),
    ("binlog-format", "ROW"),
];
const SETTINGS_OF_MYSQL: &[(&str, &str)] =
    &[("gtid-mode", "ON"), ("enforce-gtid-consistency", "ON")];
const SETTINGS_OF_MARIADB: &[(&str, &str)] = &[("log-slave-updates", "ON")];

/// MySQL and MariaDB.
pub(crate) struct MySqlReplication {
    pub(crate) is_mariadb: bool,
}

impl Replication for MySqlReplication {
    fn settings(&self, number: u32) -> Vec<(String, String)> {
        let own = if self.is_mariadb { SETTINGS_OF_MARIADB } else { SETTINGS_OF_MYSQL };
        let all = SETTINGS.iter().chain(own).map(|&(name, value)| (name.into(), value.into()));
        all.chain([("server-id".to_owned(), number.to_string())]).collect()
    }

    fn user(&self, password: &str) -> String {
        format!(
            "CREATE USER '{REPLICATION_USER}'@'%' IDENTIFIED BY '{password}' REQUIRE SSL;
             GRANT REPLICATION SLAVE ON *.* TO '{REPLICATION_USER}'@'%';"
        )
    }

    fn begin_to_follow(&self, plan: &Plan, _source: &Source) -> Result<(), Error> {
        let mark = reader_mark(&plan.folder);
        File::create(&mark).map(drop).map_err(Error::io("create", &mark))
    }

    fn follow(&self, administrator: &mut Administrator, source: &Source) -> Result<(), Error> {
        let Source { port, password, position } = source;
        let sql = if self.is_mariadb {
            let own = one(administrator, "SELECT @@global.gtid_binlog_pos")?;
            let begin = match &*own {
                "" => String::new(),
                own => format!("SET GLOBAL gtid_slave_pos = '{own}';"),
            };
            format!(
                "{begin}
                 CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {port},
                     MASTER_USER = '{REPLICATION_USER}', MASTER_PASSWORD = '{password}',
                     MASTER_SSL = 1, MASTER_SSL_VERIFY_SERVER_CERT = 0, MASTER_CONNECT_RETRY = 1,
                     MASTER_HEARTBEAT_PERIOD = 1, MASTER_USE_GTID = slave_pos;
                 START SLAVE"
            )
        } else {
            format!(
                "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {port},
                     SOURCE_USER = '{REPLICATION_USER}', SOURCE_PASSWORD = '{password}',
                     SOURCE_SSL = 1, SOURCE_CONNECT_RETRY = 1, SOURCE_HEARTBEAT_PERIOD = 1,
                     SOURCE_AUTO_POSITION = 1;
                 START REPLICA"
            )
        };
        run(administrator, &sql)?;
        wait_until("the replica has what the source wrote", || self.has(administrator, position))
    }

    fn position(&self, administrator: &mut Administrator) -> Result<String, Error> {
        let position =
            if self.is_mariadb { "@@global.gtid_current_pos" } else { "@@global.gtid_executed" };
        one(administrator, &format!("SELECT {position}"))
    }

    fn has(&self, administrator: &mut Administrator, position: &str) -> Result<bool, Error> {
        let sql = if self.is_mariadb {
            // It returns 0 at once, or -1 when the time is up.
            format!("SELECT MASTER_GTID_WAIT('{position}', 0.01) = 0")
        } else {
            format!("SELECT GTID_SUBSET('{position}', @@global.gtid_executed)")
        };
        let has = one(administrator, &sql)? == "1";
        if !has {
            assert_goes_on(administrator)?;
        }
        Ok(has)
    }

    /// The server goes on, as a reader.
    fn retire(&self, running: &Running) -> Result<String, Error> {
        running.with_administrator(|administrator| {
            // It waits for transactions that are about to commit, and those behind a lock would be long.
            disconnect(administrator)?;
            run(administrator, "SET GLOBAL read_only = ON")?;
            disconnect(administrator)?;
            self.position(administrator)
        })
    }

    fn promote(&self, running: &Running) -> Result<(), Error> {
        let mark = reader_mark(&running.plan().folder);
        fs::remove_file(&mark).map_err(Error::io("remove", &mark))?;
        let sql = if self.is_mariadb {
            "STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = OFF"
        } else {
            "STOP REPLICA; RESET REPLICA ALL; SET GLOBAL read_only = OFF"
        };
        running.with_administrator(|administrator| run(administrator, sql).map(drop))
    }
}

/// Fails if the replica could not do what the source did.
fn assert_goes_on(administrator: &mut Administrator) -> Result<(), Error> {
    /// The place of `Last_SQL_Error` in the answer, of MySQL and of MariaDB.
    const LAST_SQL_ERROR: usize = 37;
    let status = run(administrator, "SHOW REPLICA STATUS")?.into_iter().next();
    match status.and_then(|row| row.into_iter().nth(LAST_SQL_ERROR)?).unwrap_or_default().as_str() {
        "" => Ok(()),
        why => Err(Error::new(format!("replication has stopped: {why}"))),
    }
}

/// Ends every connection but the administrator's and those of replication.
fn disconnect(administrator: &mut Administrator) -> Result<(), Error> {
    let sql = format!(
        "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID()
         AND user NOT IN ('{REPLICATION_USER}', 'system user', 'event_scheduler')"
    );
    for row in run(administrator, &sql)? {
        // It may have ended by itself.
        let id = row.into_iter().flatten().next().unwrap_or_default();
        let _ = administrator.run(&format!("KILL {id}"));
    }
    Ok(())
}

fn run(administrator: &mut Administrator, sql: &str) -> Result<Vec<Row>, Error> {
    administrator.run(sql).map_err(Error::because("replication failed"))
}

/// The only value of the only row.
fn one(administrator: &mut Administrator, sql: &str) -> Result<String, Error> {
    let rows = run(administrator, sql)?;
    Ok(rows.into_iter().flatten().flatten().next().unwrap_or_default())
}

//! Clusters: what the writer wrote is on the reader, and the writer moves.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::{Duration, Instant};

use local_rds::{Cluster, Engine, Server, Topology, Version};

use crate::client::{self, Transport};
use crate::lifecycle::processes_in;
use crate::token::Claim;

const SETUP: &str = "CREATE TABLE a (id INT PRIMARY KEY)";

/// The ids in the table.
fn ids(server: &Server) -> Vec<String> {
    let rows = server.execute("SELECT id FROM a ORDER BY id").unwrap();
    rows.into_iter().flatten().flatten().collect()
}

/// Whether the server says that it is a reader.
fn is_reader(server: &Server) -> bool {
    let sql = match server.engine() {
        Engine::Postgres => "SELECT pg_is_in_recovery()",
        _ => "SELECT @@global.read_only",
    };
    let row = server.execute(sql).unwrap().remove(0);
    ["t", "1", "ON"].contains(&row[0].as_deref().unwrap())
}

fn the_writer_moves_with_everything(engine: Engine) {
    let cluster = Cluster::builder(engine).setup(SETUP).start().unwrap();
    let folders =
        cluster.members().each_ref().map(|it| it.ca_bundle().parent().unwrap().to_owned());
    let bundles = cluster.members().each_ref().map(|it| fs::read(it.ca_bundle()).unwrap());
    assert_eq!(bundles[0], bundles[1]);

    let mut written = vec![];
    for (round, trouble) in ["none", "none", "paused", "killed", "reader killed"].iter().enumerate()
    {
        assert!(!is_reader(cluster.writer()) && is_reader(cluster.reader()), "round {round}");
        let sql = format!("INSERT INTO a VALUES ({round})");
        cluster.writer().execute(&sql).unwrap();
        written.push(round.to_string());
        cluster.catch_up().unwrap();
        assert_eq!(ids(cluster.reader()), written);
        match *trouble {
            "paused" => cluster.writer().pause(),
            "killed" => cluster.writer().kill().unwrap(),
            "reader killed" => cluster.reader().kill().unwrap(),
            _ => {}
        }
        let writer = cluster.writer().address();
        cluster.fail_over().unwrap_or_else(|error| {
            let logs = cluster.members().each_ref().map(|it| it.log());
            panic!("{trouble}: {}\n{}\n---\n{}", crate::client::chain(&error), logs[0], logs[1])
        });
        assert_eq!(cluster.reader().address(), writer);
        for member in cluster.members() {
            assert_eq!(ids(member), written, "{trouble}");
        }
        // PostgreSQL's has the password of the replication user, on each server that has followed.
        for source in folders.each_ref().map(|folder| folder.join("data/source.conf")) {
            let mode = fs::metadata(&source).map(|file| file.mode() & 0o777);
            assert!(mode.as_ref().ok().is_none_or(|mode| *mode == 0o600), "{source:?}: {mode:?}");
            assert_eq!(source.exists(), engine == Engine::Postgres, "{source:?}");
        }
    }
    // A server that comes back is what it was.
    for member in cluster.members() {
        let was = is_reader(member);
        member.kill().unwrap();
        member.restart().unwrap();
        assert_eq!(is_reader(member), was);
    }
    cluster.writer().execute("INSERT INTO a VALUES (99)").unwrap();
    cluster.catch_up().unwrap();
    assert_eq!(ids(cluster.reader()).last().unwrap(), "99");
    drop(cluster);
    for folder in folders {
        assert_eq!(processes_in(&folder), [0; 0]);
        assert!(!folder.exists());
    }
}

/// What the IAM user reads on `server`, logged in at `host`.
fn read(server: &Server, host: &str, sql: &str) -> Vec<String> {
    let token = Claim { host: host.to_owned(), ..Claim::of(server) }.sign();
    client::query(server, Transport::Verified, server.user(), &token, sql).unwrap()
}

/// SQL by which a client finds the writer, where a cluster of `engine` says who that is.
fn who_writes(engine: Engine) -> Vec<(Topology, &'static str)> {
    match engine {
        Engine::Postgres => vec![
            (
                Topology::Aurora,
                "SELECT server_id, aurora_db_instance_identifier() FROM aurora_replica_status()
                 WHERE session_id = 'MASTER_SESSION_ID' AND last_update_timestamp <= now()",
            ),
            (
                Topology::MultiAz,
                "SELECT split_part(endpoint, '.', 1) FROM rds_tools.show_topology('a-client')
                 WHERE id = rds_tools.multi_az_db_cluster_source_dbi_resource_id()",
            ),
        ],
        _ => vec![(
            Topology::MultiAz,
            // A replica says which server_id its source has; the writer has no source.
            "SELECT SUBSTRING_INDEX(endpoint, '.', 1) FROM mysql.rds_topology WHERE id = @@server_id",
        )],
    }
}

/// On MySQL, a reader says who writes in `SHOW REPLICA STATUS`, which the user may ask.
fn assert_source_is_named(cluster: &Cluster) {
    const SQL: &str = "SHOW REPLICA STATUS";
    const SOURCE_SERVER_ID: usize = 39;
    let id = cluster.writer().execute("SELECT @@server_id").unwrap();
    // A reader that has nothing to ask for may still be connecting: it learns the id then.
    let deadline = Instant::now() + Duration::from_secs(20);
    let status = loop {
        let status = cluster.reader().execute(SQL).unwrap();
        if status[0][SOURCE_SERVER_ID].as_deref() != Some("0") || Instant::now() > deadline {
            break status;
        }
        thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status[0][SOURCE_SERVER_ID], id[0][0], "{status:?}");
    for (server, rows) in [(cluster.reader(), 1), (cluster.writer(), 0)] {
        assert_eq!(read(server, cluster.endpoint(), SQL).len(), rows);
    }
}

fn both_say_who_writes_at_every_endpoint(engine: Engine) {
    for (topology, sql) in who_writes(engine) {
        let cluster = Cluster::builder(engine).topology(topology).start().unwrap();
        for _ in 0..2 {
            let writer = cluster.instance_endpoint(cluster.writer()).split('.').next().unwrap();
            for member in cluster.members() {
                let own = cluster.instance_endpoint(member);
                let answers = [cluster.endpoint(), cluster.reader_endpoint(), own];
                let answers = answers.map(|host| read(member, host, sql));
                let expected = match engine {
                    Engine::Postgres => writer,
                    _ => own.split('.').next().unwrap(),
                };
                assert_eq!(answers, [[expected]; 3], "{topology:?}");
                let other = cluster.members().iter().find(|it| it.address() != member.address());
                let foreign = cluster.instance_endpoint(other.unwrap());
                let token = Claim { host: foreign.to_owned(), ..Claim::of(member) }.sign();
                client::log_in(member, &token).unwrap_err();
            }
            if engine != Engine::Postgres {
                assert_source_is_named(&cluster);
            }
            cluster.fail_over().unwrap();
        }
    }
    let aurora = Cluster::builder(engine).topology(Topology::Aurora).start();
    assert_eq!(aurora.is_ok(), engine == Engine::Postgres, "{aurora:?}");
}

/// What the reader has that the writer has not ends the replication of MySQL, and PostgreSQL's refuses it.
fn a_reader_with_rows_of_its_own_is_noticed(engine: Engine) {
    let cluster = Cluster::builder(engine).setup(SETUP).start().unwrap();
    let own = cluster.reader().execute("INSERT INTO a VALUES (1)");
    if engine == Engine::Postgres {
        let refused = client::chain(&own.unwrap_err());
        assert!(refused.contains("25006"), "{refused}");
        return;
    }
    cluster.writer().execute("INSERT INTO a VALUES (1)").unwrap();
    let stopped = client::chain(&cluster.catch_up().unwrap_err());
    assert!(stopped.contains("replication has stopped: "), "{stopped}");
}

/// Replication has had other words in other versions.
fn the_writer_moves_in_the_oldest_and_the_newest_version(engine: Engine) {
    for version in Version::ends(engine) {
        let cluster = Cluster::builder(version).setup(SETUP).start().unwrap();
        for round in 0..2 {
            cluster.writer().execute(&format!("INSERT INTO a VALUES ({round})")).unwrap();
            cluster.fail_over().unwrap();
        }
        assert_eq!(ids(cluster.writer()), ["0", "1"]);
        assert_eq!(ids(cluster.reader()), ["0", "1"]);
    }
}

crate::for_each_engine! {
    the_writer_moves_in_the_oldest_and_the_newest_version,
    a_reader_with_rows_of_its_own_is_noticed,
    both_say_who_writes_at_every_endpoint,
    the_writer_moves_with_everything,
}

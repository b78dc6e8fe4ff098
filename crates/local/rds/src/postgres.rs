//! PostgreSQL: how its data is initialised, how it is started, and who may log in.

mod connection;
pub(crate) mod replication;

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use engine::Engine;
use libc::c_int;
use local_packages::Installation;
use plugin_protocol::PAM_FOLDER_VARIABLE;

use crate::account::Account;
use crate::administrator::Administrator;
use crate::folder::Folder;
use crate::profile::Profile;
use crate::run::must_succeed;
use crate::server_engine::{DATABASE, Plan, ServerEngine};
use crate::{Error, plugins, setup_sql};

const USER: &str = "lambda_user";

const PLUGIN_FILE: &str = "pam_rds_iam.so";
/// RDS's name for its PAM service is not known; this one appears in no message.
const SERVICE: &str = "rds-iam";

/// Who may log in, and how (pg_hba.conf): members of `rds_iam` with a token, as on RDS; others with a
/// password, which only another server of a cluster has here; nobody without TLS.
const RULES: &str = "\
hostssl   all         +rds_iam     all pam pamservice=rds-iam
hostssl   all         all          all scram-sha-256
hostssl   replication rdsrepladmin all scram-sha-256
hostnossl all         all          all reject
local     all         all              reject
";
/// During setup, the administrator may log in over the Unix socket, which nobody else can reach.
const RULES_OF_SETUP: &str = "local all postgres trust\n";

/// Small and fast, for data that need not survive a power failure.
const SETTINGS: &str = "\
fsync = off
full_page_writes = off
# A commit survives the server, but is not flushed to the disk.
synchronous_commit = on
max_connections = 100
shared_buffers = 16MB
wal_level = minimal
max_wal_senders = 0
jit = off
# In the data folder, so that it is removed with it.
dynamic_shared_memory_type = mmap
listen_addresses = '127.0.0.1'
# Whom to follow, on a server of a cluster.
include_if_exists = 'source.conf'
";

const INITDB: &[&str] =
    &["--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=reject", "--no-sync"];

/// Of the three databases that `initdb` makes, one stays as the template and one becomes ours: each is
/// 300 files, which take longer to copy than the server takes to start. `postgres --single` reads one
/// statement per line.
const DATABASES: &[&str] = &[
    "UPDATE pg_database SET datistemplate = false WHERE datname = 'template0'\n",
    "DROP DATABASE template0\n",
    "ALTER DATABASE postgres RENAME TO ",
    DATABASE,
    "\n",
];

/// How long the server may take to reload its settings.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// PostgreSQL.
pub(crate) struct Postgres;

impl ServerEngine for Postgres {
    fn user(&self) -> &'static str {
        USER
    }

    fn recipe(&self) -> String {
        [INITDB, DATABASES].concat().concat()
    }

    fn initialize(
        &self,
        server: &Installation,
        account: Account,
        data: &Path,
    ) -> Result<(), Error> {
        let mut command = server.tool("initdb");
        command.args(INITDB).arg("--pgdata").arg(data).current_dir(data);
        if let Some(share) = share(server) {
            command.arg("-L").arg(share);
        }
        account.run(&mut command);
        must_succeed(command, b"", "initialising postgres")?;

        let mut command = server.command();
        command.args(["--single", "-c", "exit_on_error=on", "-c", "fsync=off", "-D"]);
        command.arg(data).arg("template1").current_dir(data);
        account.run(&mut command);
        must_succeed(command, DATABASES.concat().as_bytes(), "initialising postgres")
    }

    /// Puts the PAM module and its service where the server finds them, and writes its settings.
    fn configure(&self, plan: &Plan) -> Result<(), Error> {
        let folder = &plan.folder;
        let module = folder.plugins().join(PLUGIN_FILE);
        plugins::write(plugins::PAM, &module)?;
        let service = folder.plugins().join(SERVICE);
        let module = module.display();
        let text = format!("auth required {module}\naccount required {module}\n");
        fs::write(&service, text).map_err(Error::io("write", &service))?;

        let path = folder.data().join("postgresql.conf");
        fs::write(&path, settings(folder, plan.tls)).map_err(Error::io("write", &path))?;
        write_rules(folder, RULES_OF_SETUP)
    }

    fn command(&self, plan: &Plan, port: u16) -> Result<Command, Error> {
        let folder = &plan.folder;
        let mut command = plan.installation.command();
        command.arg("-D").arg(folder.data()).arg("-p").arg(port.to_string());
        command
            .env("LD_PRELOAD", folder.plugins().join(PLUGIN_FILE))
            .env(PAM_FOLDER_VARIABLE, folder.plugins());
        Ok(command)
    }

    /// An immediate shutdown, which returns the server's shared memory to the system.
    fn end_signal(&self) -> c_int {
        libc::SIGQUIT
    }

    fn connect(&self, folder: &Folder, port: u16) -> io::Result<Administrator> {
        let run = folder.run();
        Administrator::connect(async move { connection::connect(&run, port, DATABASE).await })
    }

    fn set_up(
        &self,
        administrator: &mut Administrator,
        setup: &str,
        profile: Profile,
    ) -> Result<(), Error> {
        administrator
            .run(&format!(
                "CREATE ROLE rds_iam;
                 CREATE USER {USER};
                 GRANT rds_iam TO {USER};
                 ALTER DATABASE {DATABASE} OWNER TO {USER};
                 ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {USER};
                 ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO {USER};"
            ))
            .map_err(Error::because("creating the IAM user failed"))?;
        administrator
            .run(setup)
            .map_err(|error| setup_sql::refused(Engine::Postgres, setup, &error))?;
        administrator
            .run(&profile.postgres_role(USER))
            .map(drop)
            .map_err(Error::because("setting up the IAM user's role failed"))
    }

    fn lock_administrator(
        &self,
        administrator: &mut Administrator,
        folder: &Folder,
        port: u16,
    ) -> Result<(), Error> {
        write_rules(folder, RULES)?;
        let locking = "locking the administrator failed";
        administrator.run("SELECT pg_reload_conf()").map_err(Error::because(locking))?;
        // The server reloads its rules some time later.
        let deadline = Instant::now() + RELOAD_TIMEOUT;
        while self.connect(folder, port).is_ok() {
            if Instant::now() > deadline {
                return Err(Error::new(locking));
            }
            thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    fn unlock_administrator(&self, folder: &Folder) -> Result<(), Error> {
        // The rules for everyone else stay.
        write_rules(folder, &[RULES_OF_SETUP, RULES].concat())
    }

    fn clean_up(&self, folder: &Folder) {
        remove_shared_memory(folder);
    }

    fn reload_certificate(
        &self,
        administrator: &mut Administrator,
        port: u16,
    ) -> Result<bool, Error> {
        const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
        reload_settings(administrator)
            .map_err(Error::because("reloading the certificate failed"))?;
        // The main process tells the others to reload before it is done itself, and answers a new
        // connection once it is.
        TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .and_then(|mut stream| {
                stream.write_all(&SSL_REQUEST)?;
                stream.read_exact(&mut [0])
            })
            .map_err(Error::because("the server does not answer after reloading its settings"))?;
        Ok(true)
    }
}

/// The folder that `initdb` reads, which it finds by its own place unless that is not the server's: Debian's
/// `/usr/share/postgresql/17` for `/usr/lib/postgresql/17/bin/postgres`.
fn share(server: &Installation) -> Option<PathBuf> {
    let numbers = server.base().file_name()?;
    let share = server.base().ancestors().nth(3)?.join("share/postgresql").join(numbers);
    share.join("postgres.bki").exists().then_some(share)
}

/// Has the server reload its settings, and waits until the administrator's process has.
fn reload_settings(administrator: &mut Administrator) -> io::Result<()> {
    const READ_AT: &str = "SELECT pg_conf_load_time()::text";
    let before = administrator.run(READ_AT)?;
    administrator.run("SELECT pg_reload_conf()")?;
    let deadline = Instant::now() + RELOAD_TIMEOUT;
    while administrator.run(READ_AT)? == before {
        if Instant::now() > deadline {
            return Err(io::Error::other("the server does not reload its settings"));
        }
        thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}

/// The text of `postgresql.conf`.
fn settings(folder: &Folder, tls: bool) -> String {
    let mut text = SETTINGS.to_owned();
    text += if tls { "ssl = on\n" } else { "ssl = off\n" };
    // RDS's time zone. Debian's PostgreSQL reads zones from the system, which may have none.
    if Path::new("/usr/share/zoneinfo/UTC").exists() {
        text += "timezone = 'UTC'\n";
    }
    let paths = [
        ("unix_socket_directories", folder.run()),
        ("ssl_cert_file", folder.certificate()),
        ("ssl_key_file", folder.key()),
    ];
    for (name, path) in paths {
        text += &format!("{name} = '{}'\n", path.display());
    }
    text
}

/// Removes the shared memory that a killed server leaves, and that tells PostgreSQL whether another
/// server runs on its data. Line 7 of `postmaster.pid` has its key and number (`pidfile.h`).
#[allow(unsafe_code)]
fn remove_shared_memory(folder: &Folder) {
    let file = fs::read_to_string(folder.data().join("postmaster.pid")).unwrap_or_default();
    let line = file.lines().nth(6).unwrap_or_default();
    if let Some(id) = line.split_whitespace().nth(1).and_then(|id| id.parse().ok()) {
        // SAFETY: removal takes no buffer. The segment is that of our own server, which is gone.
        unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
    }
}

fn write_rules(folder: &Folder, rules: &str) -> Result<(), Error> {
    let path = folder.data().join("pg_hba.conf");
    fs::write(&path, rules).map_err(Error::io("write", &path))
}

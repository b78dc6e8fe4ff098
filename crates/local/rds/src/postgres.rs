//! PostgreSQL: how its data are initialised, how it is started, and who may log in.

mod administrator;

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use local_packages::Installation;
use pam_module::CONFIGURATION_VARIABLE;

pub(crate) use administrator::Administrator;

use crate::account::Account;
use crate::administrator::Row;
use crate::folder::Folder;
use crate::profile::Profile;
use crate::server::DATABASE;
use crate::{Error, plugins, process};

/// The port of an RDS endpoint with this engine.
pub(crate) const ENDPOINT_PORT: u16 = 5432;
/// The IAM user.
pub(crate) const USER: &str = "lambda_user";

const PLUGIN_FILE: &str = "pam_rds_iam.so";
/// The name of RDS's own PAM service is not known; this one appears in no message.
const SERVICE: &str = "rds-iam";

/// Who may log in, and how (pg_hba.conf): members of `rds_iam` with a token, as on RDS; others, who
/// have no password here, with one; nobody without TLS.
const RULES: &str = "\
hostssl   all +rds_iam all pam pamservice=rds-iam
hostssl   all all      all scram-sha-256
hostnossl all all      all reject
local     all all          reject
";
/// While a server is set up, its administrator may come over the Unix socket, which nobody else can
/// reach.
const RULES_OF_SETUP: &str = "local all postgres trust\n";

/// Small and quick, with data that need not survive a power cut.
const SETTINGS: &str = "\
fsync = off
full_page_writes = off
# A commit is with the system, and so outlives the server, but is not forced to the disk.
synchronous_commit = on
max_connections = 100
shared_buffers = 16MB
wal_level = minimal
max_wal_senders = 0
jit = off
# In the data folder, so that it is removed with it.
dynamic_shared_memory_type = mmap
listen_addresses = '127.0.0.1'
";

const INITDB: &[&str] =
    &["--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=reject", "--no-sync"];

/// Of the three databases that `initdb` makes, one stays to make others from, and one becomes ours:
/// each is 300 files, which take longer to copy than the server takes to start. One statement to a
/// line, as `postgres --single` reads them.
const DATABASES: &[&str] = &[
    "UPDATE pg_database SET datistemplate = false WHERE datname = 'template0'\n",
    "DROP DATABASE template0\n",
    "ALTER DATABASE postgres RENAME TO ",
    DATABASE,
    "\n",
];

/// What initialised data depend on, beside the version.
pub(crate) fn recipe() -> String {
    [INITDB, DATABASES].concat().concat()
}

/// Makes the system tables in the empty folder `data`.
pub(crate) fn initialise(
    server: &Installation,
    account: Account,
    data: &Path,
) -> Result<(), Error> {
    let mut command = server.tool("initdb");
    command.args(INITDB).arg("--pgdata").arg(data).current_dir(data);
    account.run(&mut command);
    process::must_succeed(command, b"", "initialising postgres")?;

    let mut command = server.command();
    command.args(["--single", "-c", "exit_on_error=on", "-c", "fsync=off", "-D"]);
    command.arg(data).arg("template1").current_dir(data);
    account.run(&mut command);
    process::must_succeed(command, DATABASES.concat().as_bytes(), "initialising postgres")
}

/// Puts the PAM module and its service where the server finds them, and writes its configuration.
pub(crate) fn configure(folder: &Folder, tls: bool) -> Result<(), Error> {
    let from = plugins::PAM.find()?;
    let module = folder.plugins().join(PLUGIN_FILE);
    fs::copy(&from, &module).map_err(Error::io("copy", &from))?;
    let service = folder.plugins().join(SERVICE);
    let module = module.display();
    let text = format!("auth required {module}\naccount required {module}\n");
    fs::write(&service, text).map_err(Error::io("write", &service))?;

    let settings = folder.data().join("postgresql.conf");
    fs::write(&settings, self::settings(folder, tls)).map_err(Error::io("write", &settings))?;
    write_rules(folder, RULES_OF_SETUP)
}

/// The text of `postgresql.conf`.
fn settings(folder: &Folder, tls: bool) -> String {
    let mut text = SETTINGS.to_owned();
    text += if tls { "ssl = on\n" } else { "ssl = off\n" };
    // RDS's zone. Debian's PostgreSQL reads zones from the system, which may have none.
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

/// The server, listening on `port` of the loopback address.
pub(crate) fn command(server: &Installation, folder: &Folder, port: u16) -> Command {
    let mut command = server.command();
    command.arg("-D").arg(folder.data()).arg("-p").arg(port.to_string());
    command
        .env("LD_PRELOAD", folder.plugins().join(PLUGIN_FILE))
        .env(CONFIGURATION_VARIABLE, folder.plugins());
    command
}

/// The administrator, once the server answers.
pub(crate) fn connect(folder: &Folder, port: u16) -> io::Result<Administrator> {
    Administrator::connect(&socket(folder, port), DATABASE)
}

/// Makes the IAM user, and runs `setup`.
pub(crate) fn admit(
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
    administrator.run(setup).map_err(Error::because("the SQL for setting up failed"))?;
    administrator
        .run(&profile.postgres_role(USER))
        .map(drop)
        .map_err(Error::because("setting up the IAM user's role failed"))
}

/// Has the server let the administrator in when it starts, beside everyone it let in before.
pub(crate) fn unlock_administrator(folder: &Folder) -> Result<(), Error> {
    write_rules(folder, &[RULES_OF_SETUP, RULES].concat())
}

/// Locks out everyone who is not an IAM user, but for this connection of the administrator's.
pub(crate) fn lock_administrator(
    administrator: &mut Administrator,
    folder: &Folder,
    port: u16,
) -> Result<(), Error> {
    write_rules(folder, RULES)?;
    let locking = "locking the administrator failed";
    administrator.run("SELECT pg_reload_conf()").map_err(Error::because(locking))?;
    // The server reads its rules again some time later.
    let deadline = Instant::now() + Duration::from_secs(10);
    while connect(folder, port).is_ok() {
        if Instant::now() > deadline {
            return Err(Error::new(locking));
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Returns to the system the shared memory that a killed server leaves, by which it tells whether
/// another one runs on its data. Line 7 of `postmaster.pid` has its key and number (`pidfile.h`).
#[allow(unsafe_code)]
pub(crate) fn remove_shared_memory(folder: &Folder) {
    let file = fs::read_to_string(folder.data().join("postmaster.pid")).unwrap_or_default();
    let line = file.lines().nth(6).unwrap_or_default();
    if let Some(id) = line.split_whitespace().nth(1).and_then(|id| id.parse().ok()) {
        // SAFETY: removal takes no buffer. The segment is that of our own server, which is gone.
        unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
    }
}

/// Has the server read its settings and certificate again, and waits until it has.
pub(crate) fn reload(
    execute: impl Fn(&str) -> Result<Vec<Row>, Error>,
    address: SocketAddr,
) -> Result<(), Error> {
    const READ_AT: &str = "SELECT pg_conf_load_time()::text";
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let before = execute(READ_AT)?;
    execute("SELECT pg_reload_conf()")?;
    let deadline = Instant::now() + Duration::from_secs(10);
    while execute(READ_AT)? == before {
        if Instant::now() > deadline {
            return Err(Error::new("the server does not read its settings again"));
        }
        thread::sleep(Duration::from_millis(2));
    }
    // The administrator's process has read them because the main one told it to, on its way. That
    // one answers a new connection when it is through.
    TcpStream::connect(address)
        .and_then(|mut stream| {
            stream.write_all(&SSL_REQUEST)?;
            stream.read_exact(&mut [0])
        })
        .map_err(Error::because("the server does not answer after it read its settings"))
}

fn socket(folder: &Folder, port: u16) -> PathBuf {
    folder.run().join(format!(".s.PGSQL.{port}"))
}

fn write_rules(folder: &Folder, rules: &str) -> Result<(), Error> {
    let path = folder.data().join("pg_hba.conf");
    fs::write(&path, rules).map_err(Error::io("write", &path))
}

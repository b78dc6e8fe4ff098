//! MySQL and MariaDB: how their data is initialised, how they are started, and who may log in.

mod connection;
pub(crate) mod replication;

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use engine::Engine;
use libc::c_int;
use local_packages::Installation;

use crate::account::Account;
use crate::administrator::Administrator;
use crate::folder::Folder;
use crate::profile::{MYSQL_ADMINISTRATOR, Profile};
use crate::run::must_succeed;
use crate::server_engine::{DATABASE, Plan, ServerEngine};
use crate::{Error, plugins, setup_sql};

const USER: &str = "lambda-user";

const PLUGIN_FILE: &str = "aws_authentication.so";
/// A component that MySQL 9 loads at each start from the folder of plugins.
const COMPONENT: &str = "component_reference_cache.so";

/// Settings for the initialisation and for each start: small and fast, for data that need not survive a
/// power failure. `loose-` marks settings that not every version has.
const SMALL: &[&str] = &[
    "--innodb-buffer-pool-size=32M",
    "--innodb-doublewrite=OFF",
    // A commit survives the server, but is not flushed to the disk.
    "--innodb-flush-log-at-trx-commit=2",
    "--performance-schema=OFF",
    "--skip-log-bin",
];
const SMALL_MYSQL: &[&str] = &[
    "--loose-innodb-redo-log-capacity=8M",
    "--innodb-flush-method=nosync",
    "--mysqlx=OFF",
    // Debian's default is a folder that only an installed package has.
    "--secure-file-priv=NULL",
    // Keys for other authentication methods, which take a second.
    "--loose-auto-generate-certs=OFF",
    "--loose-caching-sha2-password-auto-generate-rsa-keys=OFF",
    "--loose-sha256-password-auto-generate-rsa-keys=OFF",
];
const SMALL_MARIADB: &[&str] = &[
    "--innodb-log-file-size=8M",
    "--innodb-flush-method=nosync",
    "--aria-log-file-size=8M",
    "--aria-pagecache-buffer-size=8M",
];

/// The users of a fresh MariaDB: `root`, who is locked later, and no anonymous ones.
const MARIADB_ACCOUNTS: &str = "DELETE FROM global_priv WHERE User = '' OR \
                                (User = 'root' AND Host <> 'localhost');\n";

/// MySQL and MariaDB, which are started and set up in the same way.
pub(crate) struct MySql {
    pub(crate) is_mariadb: bool,
}

impl ServerEngine for MySql {
    fn user(&self) -> &'static str {
        USER
    }

    fn recipe(&self) -> String {
        self.small().copied().chain([MARIADB_ACCOUNTS]).collect()
    }

    fn initialize(
        &self,
        server: &Installation,
        account: Account,
        data: &Path,
    ) -> Result<(), Error> {
        let mut command = self.base_command(server, data)?;
        account.run(&mut command);
        let input = if self.is_mariadb {
            command.arg("--bootstrap");
            mariadb_system_tables(server)?
        } else {
            command.arg("--initialize-insecure");
            String::new()
        };
        must_succeed(command, input.as_bytes(), &format!("initialising {}", server.engine))
    }

    /// Puts the authentication plugin where the server finds it.
    fn configure(&self, plan: &Plan) -> Result<(), Error> {
        let Plan { installation, folder, .. } = plan;
        // The data is a copy, whose UUID no two servers of a cluster may have. MySQL makes another.
        let identity = folder.data().join("auto.cnf");
        match fs::remove_file(&identity) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::io("remove", &identity)(error));
            }
            _ => {}
        }
        plugins::write(plugins::MYSQL, &folder.plugins().join(PLUGIN_FILE))?;
        let component = ["lib/mysql/plugin", "lib64/mysql/plugin", "lib/plugin"]
            .iter()
            .map(|place| installation.base().join(place).join(COMPONENT))
            .find(|path| path.exists());
        if let Some(component) = component {
            let link = folder.plugins().join(COMPONENT);
            symlink(component, &link).map_err(Error::io("create", &link))?;
        }
        Ok(())
    }

    fn command(&self, plan: &Plan, port: u16) -> Result<Command, Error> {
        let folder = &plan.folder;
        let mut command = self.base_command(&plan.installation, &folder.data())?;
        let mut path = |name: &str, path: &Path| {
            command.arg(format!("--{name}={}", path.display()));
        };
        path("socket", &socket(folder));
        path("pid-file", &folder.run().join("server.pid"));
        path("tmpdir", &folder.run());
        path("plugin-dir", &folder.plugins());
        if plan.tls {
            path("ssl-cert", &folder.certificate());
            path("ssl-key", &folder.key());
            command.args(["--require-secure-transport=ON", "--tls-version=TLSv1.2,TLSv1.3"]);
        } else {
            // MySQL makes its own certificates; allowing no TLS version turns TLS off.
            command.arg("--tls-version=");
        }
        command
            .arg(format!("--plugin-load-add=AWSAuthenticationPlugin={PLUGIN_FILE}"))
            .arg(format!("--port={port}"))
            .args(["--bind-address=127.0.0.1", "--skip-name-resolve"])
            .arg("--max-connections=150")
            .args(plan.profile.mysql_arguments());
        if reader_mark(folder).exists() {
            command.arg("--read-only=ON");
        }
        if init_file(folder).exists() {
            command.arg(format!("--init-file={}", init_file(folder).display()));
        }
        Ok(command)
    }

    fn end_signal(&self) -> c_int {
        libc::SIGKILL
    }

    fn connect(&self, folder: &Folder, _port: u16) -> io::Result<Administrator> {
        let socket = socket(folder);
        let mut administrator =
            Administrator::connect(async move { connection::connect(&socket).await })?;
        administrator.run(MYSQL_ADMINISTRATOR)?;
        Ok(administrator)
    }

    fn set_up(
        &self,
        administrator: &mut Administrator,
        setup: &str,
        _profile: Profile,
    ) -> Result<(), Error> {
        administrator
            .run(&format!(
                "CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4;
                 CREATE USER '{USER}'@'%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS';
                 ALTER USER '{USER}'@'%' REQUIRE SSL;
                 GRANT ALL PRIVILEGES ON {DATABASE}.* TO '{USER}'@'%';
                 USE {DATABASE};"
            ))
            .map_err(Error::because("creating the IAM user failed"))?;
        let engine = if self.is_mariadb { Engine::MariaDb } else { Engine::MySql };
        administrator.run(setup).map_err(|error| setup_sql::refused(engine, setup, &error))?;
        Ok(())
    }

    fn lock_administrator(
        &self,
        administrator: &mut Administrator,
        _folder: &Folder,
        _port: u16,
    ) -> Result<(), Error> {
        administrator
            .run(&format!(
                // Not replicated: each server of a cluster does it.
                "USE {DATABASE}; SET SESSION sql_log_bin = 0;
                 ALTER USER 'root'@'localhost' ACCOUNT LOCK; SET SESSION sql_log_bin = 1;"
            ))
            .map(drop)
            .map_err(Error::because("locking the administrator failed"))
    }

    fn unlock_administrator(&self, folder: &Folder) -> Result<(), Error> {
        let path = init_file(folder);
        let sql = "SET SESSION sql_log_bin = 0;\nALTER USER 'root'@'localhost' ACCOUNT UNLOCK;\n";
        fs::write(&path, sql).map_err(Error::io("write", &path))
    }

    fn reload_certificate(
        &self,
        administrator: &mut Administrator,
        _port: u16,
    ) -> Result<bool, Error> {
        // MySQL reloads only what it can verify itself, and starts with anything.
        if self.is_mariadb {
            administrator
                .run("FLUSH SSL")
                .map_err(Error::because("reloading the certificate failed"))?;
        }
        Ok(self.is_mariadb)
    }
}

impl MySql {
    fn small(&self) -> impl Iterator<Item = &'static &'static str> {
        let own = if self.is_mariadb { SMALL_MARIADB } else { SMALL_MYSQL };
        SMALL.iter().chain(own)
    }

    /// The server with what it needs to find its own files.
    fn base_command(&self, server: &Installation, data: &Path) -> Result<Command, Error> {
        let share = share(server)?;
        let mut command = server.command();
        command
            .arg("--no-defaults") // It must come first.
            .arg(format!("--datadir={}", data.display()))
            .arg(format!("--basedir={}", server.base().display()))
            .arg(format!("--lc-messages-dir={}", share.display()))
            .arg(format!("--character-sets-dir={}", share.join("charsets").display()))
            .args(self.small());
        Ok(command)
    }
}

/// The SQL that the shell script `mariadb-install-db`, which is not always installed, would run.
fn mariadb_system_tables(server: &Installation) -> Result<String, Error> {
    let share = share(server)?;
    let mut sql = String::from(
        "CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\n\
         SET @auth_root_socket = NULL;\nSET @skip_auth_anonymous = 1;\n",
    );
    for part in ["system_tables", "performance_tables", "system_tables_data"] {
        // The files are named after MariaDB since version 11.
        let path = ["mariadb", "mysql"]
            .map(|prefix| share.join(format!("{prefix}_{part}.sql")))
            .into_iter()
            .find(|path| path.exists())
            .ok_or_else(|| {
                Error::new(format!("no {part}.sql of MariaDB in {}", share.display()))
            })?;
        sql += &fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        sql += "\n";
    }
    Ok(sql + "USE mysql;\n" + MARIADB_ACCOUNTS)
}

/// SQL that the server runs at its start, if the file exists.
fn init_file(folder: &Folder) -> PathBuf {
    folder.plugins().join("init.sql")
}

/// A file that makes the server begin as a reader of its cluster, as `standby.signal` does on PostgreSQL.
fn reader_mark(folder: &Folder) -> PathBuf {
    folder.plugins().join("reader")
}

fn socket(folder: &Folder) -> PathBuf {
    folder.run().join("mysql.sock")
}

/// The folder of error messages, character sets, and MariaDB's system tables.
fn share(server: &Installation) -> Result<PathBuf, Error> {
    ["share/mysql", "share/mariadb", "share"]
        .iter()
        .map(|place| server.base().join(place))
        .find(|path| path.join("english/errmsg.sys").exists())
        .ok_or_else(|| {
            Error::new(format!(
                "no messages (english/errmsg.sys) of {} in {}/share",
                server.program.display(),
                server.base().display()
            ))
        })
}

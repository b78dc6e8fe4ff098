//! The server's process: started on a free port, ended, killed and started again, and the
//! administrator's connection to it.

use std::fs;
use std::io;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use local_packages::{Engine, Installation};
use plugin_protocol::SOCKET_VARIABLE;

use crate::account::Account;
use crate::administrator::{Administrator, Row};
use crate::folder::Folder;
use crate::port::Port;
use crate::process::{Process, last_lines};
use crate::profile::Profile;
use crate::{Error, log_file, mysql, postgres, process};

/// How long a server may take to answer. A slow machine that starts several at once needs seconds.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);

/// What a server's process is started with, each time.
pub(crate) struct Plan {
    pub(crate) installation: Installation,
    pub(crate) account: Account,
    pub(crate) folder: Folder,
    pub(crate) tls: bool,
    pub(crate) profile: Profile,
    /// Settings of the server's own, by name.
    pub(crate) settings: Vec<(String, String)>,
}

/// A server that was started.
pub(crate) struct Running {
    // Dropped in this order: the process before its folder.
    process: Mutex<Option<Process>>,
    // Apart from the process, which is signalled while a statement waits for its answer.
    administrator: Mutex<Option<Administrator>>,
    port: Port,
    _log: log_file::Keeper,
    plan: Plan,
}

impl Running {
    /// Starts the server on a free port and makes it ready for IAM users, after `setup` has run.
    pub(crate) fn start(plan: Plan, setup: &str) -> Result<Self, Error> {
        let port = Port::reserve().map_err(Error::because("no free port on 127.0.0.1"))?;
        let log = log_file::Keeper::start(plan.folder.server_log())
            .map_err(Error::because("no thread for the server's log"))?;
        let process = plan.start(port.number())?;
        let administrator = Mutex::new(Some(plan.admit(&process, port.number(), setup)?));
        Ok(Self { process: Mutex::new(Some(process)), administrator, port, _log: log, plan })
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    /// What the server has said so far.
    pub(crate) fn log(&self) -> String {
        read_log(&self.plan.folder)
    }

    /// Runs statements as the administrator.
    pub(crate) fn execute(&self, sql: &str) -> Result<Vec<Row>, Error> {
        let mut administrator = lock(&self.administrator);
        let administrator =
            administrator.as_mut().ok_or_else(|| Error::new("the server has been killed"))?;
        administrator.run(sql).map_err(Error::because("the administrator's SQL failed"))
    }

    /// Stops every process of the server.
    pub(crate) fn pause(&self) {
        if let Some(process) = &*lock(&self.process) {
            process.stop_all();
        }
    }

    /// Lets every process of the server run on.
    pub(crate) fn resume(&self) {
        if let Some(process) = &*lock(&self.process) {
            process.signal_all(libc::SIGCONT);
        }
    }

    /// Limits the length of the server's files.
    pub(crate) fn limit_file_size(&self, bytes: Option<u64>) -> Result<(), Error> {
        let process = lock(&self.process);
        let process = process.as_ref().ok_or_else(|| Error::new("the server has been killed"))?;
        // While they stand still, none of PostgreSQL's starts, without the limit, and none ends.
        process.stop_all();
        let limited =
            process.all().into_iter().try_for_each(|id| self.limit_file_size_of(id, bytes));
        process.signal_all(libc::SIGCONT);
        limited
    }

    fn limit_file_size_of(&self, id: libc::c_int, bytes: Option<u64>) -> Result<(), Error> {
        // The hard limit stays, below which the soft one can be set up and down again.
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let mut command = Command::new("prlimit");
        command.args([format!("--pid={id}"), format!("--fsize={limit}:")]);
        // A user may do that to processes of its own; root to others only if it is let.
        self.plan.account.run(&mut command);
        process::must_succeed(command, b"", "limiting the files by prlimit (of util-linux)")
    }

    /// Kills every process of the server.
    pub(crate) fn kill(&self) -> Result<(), Error> {
        let process = lock(&self.process).take();
        process.ok_or_else(|| Error::new("the server was killed before"))?.kill_all();
        *lock(&self.administrator) = None;
        if self.plan.engine() == Engine::Postgres {
            postgres::remove_shared_memory(&self.plan.folder);
        }
        Ok(())
    }

    /// Starts the server again after it was killed.
    pub(crate) fn restart(&self) -> Result<(), Error> {
        let mut running = lock(&self.process);
        if running.is_some() {
            return Err(Error::new("the server is running: kill it first"));
        }
        self.plan.unlock_administrator()?;
        let process = self.plan.start(self.port())?;
        *lock(&self.administrator) = Some(self.plan.readmit(&process, self.port())?);
        *running = Some(process);
        Ok(())
    }
}

impl Plan {
    fn engine(&self) -> Engine {
        self.installation.engine
    }

    fn start(&self, port: u16) -> Result<Process, Error> {
        let Plan { installation, folder, .. } = self;
        let (mut command, end_signal): (Command, _) = match self.engine() {
            // Its data go with it, so there is nothing it should write before it ends.
            Engine::MySql | Engine::MariaDb => {
                (mysql::command(installation, folder, self.tls, self.profile, port)?, libc::SIGKILL)
            }
            // An immediate shutdown, which returns its shared memory to the system.
            Engine::Postgres => (postgres::command(installation, folder, port), libc::SIGQUIT),
        };
        for (name, value) in &self.settings {
            command.arg(format!("--{name}={value}"));
        }
        let path = folder.server_log();
        let log = log_file::open(&path).map_err(Error::io("create", &path))?;
        let also_log = log.try_clone().map_err(Error::io("create", &path))?;
        command
            .env(SOCKET_VARIABLE, folder.verifier_socket())
            .current_dir(folder.data())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(also_log);
        self.account.run(&mut command);
        Process::start(command, end_signal).map_err(Error::io("run", &installation.program))
    }

    /// Waits for the server to answer, lets IAM users in and nobody else, and keeps the
    /// administrator's connection.
    fn admit(&self, process: &Process, port: u16, setup: &str) -> Result<Administrator, Error> {
        let folder = &self.folder;
        Ok(match self.engine() {
            Engine::MySql | Engine::MariaDb => {
                let mut administrator = self.when_ready(process, || mysql::connect(folder))?;
                mysql::admit(&mut administrator, setup)?;
                Administrator::MySql(administrator)
            }
            Engine::Postgres => {
                let mut administrator =
                    self.when_ready(process, || postgres::connect(folder, port))?;
                postgres::admit(&mut administrator, setup, self.profile)?;
                postgres::lock_administrator(&mut administrator, folder, port)?;
                Administrator::Postgres(administrator)
            }
        })
    }

    /// Lets the administrator in once more, when the server starts again.
    fn unlock_administrator(&self) -> Result<(), Error> {
        match self.engine() {
            Engine::MySql | Engine::MariaDb => mysql::unlock_administrator(&self.folder),
            Engine::Postgres => postgres::unlock_administrator(&self.folder),
        }
    }

    /// Waits for a server that was started again to answer.
    fn readmit(&self, process: &Process, port: u16) -> Result<Administrator, Error> {
        let folder = &self.folder;
        Ok(match self.engine() {
            Engine::MySql | Engine::MariaDb => {
                let mut administrator = self.when_ready(process, || mysql::connect(folder))?;
                mysql::lock_administrator(&mut administrator)?;
                Administrator::MySql(administrator)
            }
            Engine::Postgres => {
                let mut administrator =
                    self.when_ready(process, || postgres::connect(folder, port))?;
                postgres::lock_administrator(&mut administrator, folder, port)?;
                Administrator::Postgres(administrator)
            }
        })
    }

    /// Tries to `connect` until it works, the server has ended, or patience has.
    fn when_ready<T>(
        &self,
        process: &Process,
        mut connect: impl FnMut() -> io::Result<T>,
    ) -> Result<T, Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let refused = match connect() {
                Ok(connection) => return Ok(connection),
                Err(error) => error,
            };
            let why = match process.ended() {
                Some(status) => format!("the server ended, {status}"),
                None if Instant::now() > deadline => {
                    format!("the server does not answer after {} s: {refused}", PATIENCE.as_secs())
                }
                None => {
                    thread::sleep(PAUSE);
                    continue;
                }
            };
            let said = last_lines(&read_log(&self.folder));
            return Err(Error::new(format!("{why}; the last it said:\n{said}")));
        }
    }
}

fn read_log(folder: &Folder) -> String {
    fs::read(folder.server_log())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is in it is changed by one assignment: a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The server's process: started on its port, ended, killed and started again, and the
//! administrator's connection to it.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use child_process::{LogFile, Process};
use libc::c_int;
use plugin_protocol::SOCKET_VARIABLE;

use crate::Error;
use crate::administrator::{Administrator, Row};
use crate::port::Port;
use crate::run::{last_lines, must_succeed};
use crate::server_engine::{Plan, ServerEngine};

/// How long a server may take to answer after its start. A slow machine that starts several at once
/// needs seconds.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a server may take to end in its own way.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A server that was started.
pub(crate) struct Running {
    // Dropped in this order: the process before its log and its folder.
    process: Mutex<Option<Process>>,
    // Apart from the process, which is signalled while a statement waits for its answer.
    administrator: Mutex<Option<Administrator>>,
    port: Port,
    engine: &'static dyn ServerEngine,
    log: LogFile,
    plan: Plan,
}

impl Running {
    /// Starts the server on `port` and makes it ready for IAM users, after `set_up` has run.
    pub(crate) fn start(
        engine: &'static dyn ServerEngine,
        plan: Plan,
        port: Port,
        set_up: impl FnOnce(&mut Administrator) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let path = plan.folder.server_log();
        let log = LogFile::create(path.clone()).map_err(Error::io("create", &path))?;
        let (process, administrator) = (Mutex::default(), Mutex::default());
        let running = Self { process, administrator, port, engine, log, plan };
        running.start_process(set_up)?;
        Ok(running)
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    /// What the server has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }

    /// Runs statements as the administrator.
    pub(crate) fn execute(&self, sql: &str) -> Result<Vec<Row>, Error> {
        self.with_administrator(|administrator| {
            administrator.run(sql).map_err(Error::because("the administrator's SQL failed"))
        })
    }

    /// Has the server present the certificate in its folder to new connections.
    pub(crate) fn reload_certificate(&self) -> Result<(), Error> {
        let is_reloaded = self.with_administrator(|administrator| {
            self.engine.reload_certificate(administrator, self.port())
        })?;
        if is_reloaded { Ok(()) } else { self.kill().and_then(|()| self.restart()) }
    }

    /// Has the administrator act.
    pub(crate) fn with_administrator<T>(
        &self,
        act: impl FnOnce(&mut Administrator) -> Result<T, Error>,
    ) -> Result<T, Error> {
        act(lock(&self.administrator).as_mut().ok_or_else(killed)?)
    }

    /// Stops every process of the server.
    pub(crate) fn pause(&self) {
        if let Some(process) = &*lock(&self.process) {
            process.stop_tree();
        }
    }

    /// Lets every process of the server continue.
    pub(crate) fn resume(&self) {
        if let Some(process) = &*lock(&self.process) {
            process.signal_tree(libc::SIGCONT);
        }
    }

    /// Limits the length of the server's files.
    pub(crate) fn limit_file_size(&self, bytes: Option<u64>) -> Result<(), Error> {
        let process = lock(&self.process);
        let process = process.as_ref().ok_or_else(killed)?;
        // While they are stopped, none of PostgreSQL's starts, without the limit, and none ends.
        process.stop_tree();
        let limited =
            process.tree().into_iter().try_for_each(|id| self.limit_file_size_of(id, bytes));
        process.signal_tree(libc::SIGCONT);
        limited
    }

    fn limit_file_size_of(&self, id: libc::pid_t, bytes: Option<u64>) -> Result<(), Error> {
        // The hard limit stays, below which the soft one can be changed again.
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let mut command = Command::new("prlimit");
        command.args([format!("--pid={id}"), format!("--fsize={limit}:")]);
        // A user may do that to its own processes; root, to those of others, only with a capability.
        self.plan.account.run(&mut command);
        must_succeed(command, b"", "limiting the files with prlimit (of util-linux)")
    }

    /// Kills every process of the server.
    pub(crate) fn kill(&self) -> Result<(), Error> {
        let process = lock(&self.process).take();
        process.ok_or_else(|| Error::new("the server has already been killed"))?.kill_tree();
        *lock(&self.administrator) = None;
        self.engine.clean_up(&self.plan.folder);
        Ok(())
    }

    /// Has the server end in its own way after `signal`, and waits until it has.
    pub(crate) fn stop(&self, signal: c_int) -> Result<(), Error> {
        let process = lock(&self.process).take().ok_or_else(killed)?;
        *lock(&self.administrator) = None;
        process.signal_group(signal);
        let deadline = Instant::now() + STOP_TIMEOUT;
        while process.ended().is_none() {
            if Instant::now() > deadline {
                let seconds = STOP_TIMEOUT.as_secs();
                return Err(Error::new(format!("the server does not end within {seconds} s")));
            }
            thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    /// Whether it has neither been killed nor stopped.
    pub(crate) fn is_up(&self) -> bool {
        lock(&self.process).is_some()
    }

    /// Starts the server again after it was killed or stopped.
    pub(crate) fn restart(&self) -> Result<(), Error> {
        if lock(&self.process).is_some() {
            return Err(Error::new("the server is running: kill it first"));
        }
        self.engine.unlock_administrator(&self.plan.folder)?;
        self.start_process(|_| Ok(()))
    }

    /// Starts the process, runs `set_up` once the server answers, and then admits only IAM users.
    fn start_process(
        &self,
        set_up: impl FnOnce(&mut Administrator) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (engine, folder) = (self.engine, &self.plan.folder);
        let mut slot = lock(&self.process);
        let process = self.spawn()?;
        let mut administrator = self.connect(&process)?;
        set_up(&mut administrator)?;
        engine.lock_administrator(&mut administrator, folder, self.port())?;
        *lock(&self.administrator) = Some(administrator);
        *slot = Some(process);
        Ok(())
    }

    fn spawn(&self) -> Result<Process, Error> {
        let Plan { installation, account, folder, settings, .. } = &self.plan;
        let mut command = self.engine.command(&self.plan, self.port())?;
        for (name, value) in settings {
            command.arg(format!("--{name}={value}"));
        }
        let path = folder.server_log();
        let writer = || self.log.writer().map_err(Error::io("open", &path));
        command
            .env(SOCKET_VARIABLE, folder.verifier_socket())
            .current_dir(folder.data())
            .stdin(Stdio::null())
            .stdout(writer()?)
            .stderr(writer()?);
        account.run(&mut command);
        survive_full_files(&mut command);
        Process::start(command, self.engine.end_signal())
            .map_err(Error::io("run", &installation.program))
    }

    /// Tries to log the administrator in until it works, the server has ended, or time is up.
    fn connect(&self, process: &Process) -> Result<Administrator, Error> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let refused = match self.engine.connect(&self.plan.folder, self.port()) {
                Ok(administrator) => return Ok(administrator),
                Err(error) => error,
            };
            let why = match process.ended() {
                Some(status) => format!("the server ended, {status}"),
                None if Instant::now() > deadline => {
                    let seconds = START_TIMEOUT.as_secs();
                    format!("the server does not answer after {seconds} s: {refused}")
                }
                None => {
                    thread::sleep(POLL_INTERVAL);
                    continue;
                }
            };
            let log = last_lines(&self.log());
            return Err(Error::new(format!("{why}; the last lines of its log:\n{log}")));
        }
    }
}

/// A file that may not grow becomes an error of a write, and does not end the server.
#[allow(unsafe_code)]
fn survive_full_files(command: &mut Command) {
    let ignore = || {
        // SAFETY: signal(2) is safe between fork and exec (signal-safety(7)).
        match unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) } {
            libc::SIG_ERR => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(ignore) };
}

fn killed() -> Error {
    Error::new("the server has been killed")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Its value is changed by one assignment: a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

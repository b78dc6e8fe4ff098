//! AWS's APIs on loopback, for tests of their clients: the emulator `ministack`, as a value that ends
//! when it is dropped.
//!
//! A pinned version is fetched into the private folder of [`pinned_tools`]. It runs real bootstraps as
//! processes, without Docker, and writes only to a temporary folder. It checks no signatures and no
//! policies, mounts no layers, and is lenient: templates have their own tests. `ministack.py` adds what
//! our templates need and the emulator lacks, `express.py` and `blue_green.py` what its RDS lacks,
//! `dual_stack.py` what its EC2 lacks.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use aws_cli::Aws;
use child_process::{LogFile, Process};
use tempfile::TempDir;

/// The account of every caller: the emulator reads it from an access key of twelve digits.
pub const ACCOUNT: &str = "123456789012";
/// The region of every caller.
pub const REGION: &str = "eu-west-1";

/// How long the emulator may take to answer after its start.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How many starts are tried, in case another program takes the port meanwhile.
const ATTEMPTS: u32 = 5;

/// A running emulator.
pub struct LocalAws {
    // Dropped in this order: the process writes to its log and to the folder.
    _process: Process,
    log: LogFile,
    address: SocketAddr,
    folder: TempDir,
    aws: PathBuf,
}

/// The credentials that functions sign with. Their access key is the account's number.
pub struct Secret<'a> {
    /// The secret access key.
    pub key: &'a str,
    /// The session token, which may be empty.
    pub session_token: &'a str,
}

impl LocalAws {
    /// Starts an emulator whose functions sign with `secret`, and returns when it answers.
    ///
    /// # Errors
    /// The tools cannot be fetched, or the emulator does not start; the error ends with its log.
    pub fn start(secret: &Secret<'_>) -> Result<Self, Box<dyn Error>> {
        let mut progress = |line: &str| eprintln_line(line);
        let program = pinned_tools::ministack(&mut progress)?;
        let aws = pinned_tools::aws(&mut progress)?;
        let folder = TempDir::with_prefix("local-aws-")?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let address = free_address()?;
            let mut command = command(&program, &folder, address, secret);
            let log = LogFile::create(folder.path().join("log"))?;
            command.stdout(log.writer()?).stderr(log.writer()?).stdin(Stdio::null());
            let process = Process::start(command, libc::SIGTERM)?;
            match wait(&process, address) {
                Ok(()) => return Ok(Self { _process: process, log, address, folder, aws }),
                Err(_) if attempt < ATTEMPTS && log.text().contains("already in use") => {}
                Err(why) => return Err(format!("{why}; its log:\n{}", log.text()).into()),
            }
        }
    }

    /// The URL of every API.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The environment that points `aws` and `sam` here, and away from the user's configuration.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let nowhere = self.folder.path().join("no-configuration").display().to_string();
        vec![
            ("AWS_ENDPOINT_URL", self.endpoint_url()),
            ("AWS_ACCESS_KEY_ID", ACCOUNT.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "unchecked".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            ("AWS_CONFIG_FILE", nowhere.clone()),
            ("AWS_SHARED_CREDENTIALS_FILE", nowhere),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// The `aws` client, pointed here.
    #[must_use]
    pub fn client(&self) -> Aws {
        // Version 1 of the client ignores the variable for SQS.
        let aws = Aws::new(&self.aws).envs(self.environment());
        aws.region(REGION).endpoint_url(self.endpoint_url())
    }

    /// The program `aws`.
    #[must_use]
    pub fn aws_program(&self) -> &Path {
        &self.aws
    }

    /// What the emulator has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }
}

#[allow(clippy::print_stderr)] // only tests use it, and downloads take time
fn eprintln_line(line: &str) {
    eprintln!("{line}");
}

/// The emulator, with what it lacks. The last file runs it.
const PROGRAM: &str = concat!(
    include_str!("../dual_stack.py"),
    include_str!("../express.py"),
    include_str!("../blue_green.py"),
    include_str!("../ministack.py"),
);

fn command(program: &Path, folder: &TempDir, address: SocketAddr, secret: &Secret<'_>) -> Command {
    // The Python of the same environment.
    let mut command = Command::new(program.with_file_name("python"));
    command
        .args(["-c", PROGRAM])
        // Nothing of the user's: functions inherit the emulator's environment.
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", folder.path())
        .env("TMPDIR", folder.path())
        .env("BIND_HOST", address.ip().to_string())
        .env("GATEWAY_PORT", address.port().to_string())
        .env("MINISTACK_REGION", REGION)
        .env("AWS_SECRET_ACCESS_KEY", secret.key)
        .env("AWS_SESSION_TOKEN", secret.session_token)
        .current_dir(folder.path());
    command
}

fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Waits until the emulator answers.
fn wait(process: &Process, address: SocketAddr) -> Result<(), String> {
    let deadline = Instant::now() + START_TIMEOUT;
    while !answers(address) {
        if let Some(status) = process.ended() {
            return Err(format!("ministack ended, {status}"));
        }
        if Instant::now() > deadline {
            return Err(format!("ministack does not answer after {} s", START_TIMEOUT.as_secs()));
        }
        thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}

fn answers(address: SocketAddr) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(
            b"GET /_ministack/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        )?;
        let mut start = [0; 12];
        stream.read_exact(&mut start)?;
        Ok::<_, std::io::Error>(&start == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

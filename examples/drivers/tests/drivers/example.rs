//! An example as a process, and the server that it logs in to.

use local_rds::{Engine, Server};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An example: its name, its program, and the name that the driver dials.
pub(crate) struct Example {
    pub(crate) name: &'static str,
    program: &'static str,
    /// Drivers that verify the name which they dial cannot dial an address.
    dial: &'static str,
}

const ADDRESS: &str = "127.0.0.1";
const NAME: &str = "localhost";

pub(crate) const POSTGRES: [Example; 3] = [
    Example {
        name: "tokio-postgres",
        program: env!("CARGO_BIN_EXE_tokio-postgres"),
        dial: ADDRESS,
    },
    Example {
        name: "deadpool-postgres",
        program: env!("CARGO_BIN_EXE_deadpool-postgres"),
        dial: ADDRESS,
    },
    Example { name: "sqlx-postgres", program: env!("CARGO_BIN_EXE_sqlx-postgres"), dial: NAME },
];

pub(crate) const MYSQL: [Example; 2] = [
    Example { name: "mysql-async", program: env!("CARGO_BIN_EXE_mysql-async"), dial: ADDRESS },
    Example { name: "sqlx-mysql", program: env!("CARGO_BIN_EXE_sqlx-mysql"), dial: NAME },
];

pub(crate) const ASSUME_ROLE: Example =
    Example { name: "assume-role", program: env!("CARGO_BIN_EXE_assume-role"), dial: ADDRESS };

/// The examples for an engine.
pub(crate) fn examples(engine: Engine) -> &'static [Example] {
    match engine {
        Engine::Postgres => &POSTGRES,
        Engine::MySql | Engine::MariaDb => &MYSQL,
    }
}

/// A server with a certificate for its endpoint, and for the name that some drivers dial.
pub(crate) fn server(engine: Engine) -> Server {
    Server::builder(engine).also_named(NAME).start().unwrap()
}

impl Example {
    /// The program, to log in to `server` with its access key and nothing else of this environment.
    pub(crate) fn command(&self, server: &Server) -> Command {
        let key = server.access_key();
        let mut command = Command::new(self.program);
        command
            .env_clear()
            .env("DB_HOST", server.host())
            .env("DB_PORT", server.port().to_string())
            .env("DB_USER", server.user())
            .env("DB_NAME", server.database())
            .env("DB_CA_BUNDLE", server.ca_bundle())
            .env("DB_CONNECT_TO", self.address(server.address().port()))
            .env("AWS_ACCESS_KEY_ID", key.id)
            .env("AWS_SECRET_ACCESS_KEY", key.secret);
        if let Some(token) = key.session_token {
            command.env("AWS_SESSION_TOKEN", token);
        }
        command
    }

    /// Where the driver of this example finds a port of this machine.
    pub(crate) fn address(&self, port: u16) -> String {
        format!("{}:{port}", self.dial)
    }

    /// Runs the program, which must fail with `words` in its error. Returns the error.
    #[track_caller]
    pub(crate) fn refused(&self, command: &mut Command, words: &[&str]) -> String {
        let Output { status, stderr, .. } = command.output().unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        assert!(!status.success(), "{} succeeded", self.name);
        assert!(words.iter().any(|words| stderr.contains(words)), "{}: {stderr}", self.name);
        assert!(!stderr.contains("X-Amz-Signature"), "{} prints its token: {stderr}", self.name);
        stderr
    }
}

/// How many logins the verifier has decided about.
pub(crate) fn attempts(server: &Server) -> usize {
    std::fs::read_to_string(server.iam().log_path()).unwrap_or_default().lines().count()
}

/// A file with a root that signed nothing.
pub(crate) fn other_root(folder: &Path) -> PathBuf {
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "Amazon RDS eu-west-1 Root CA");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    let file = folder.join("other.pem");
    std::fs::write(&file, root.pem()).unwrap();
    file
}

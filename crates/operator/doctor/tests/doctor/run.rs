//! Running the program, and checking that it leaves nothing behind.

use local_rds::{Engine, Server};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use tempfile::TempDir;

/// The folder of the example statements, in the doctor's folder.
const STATEMENTS: &str = "statements";

/// The doctor's command line and environment, with nothing of the machine's but the PATH.
pub(crate) struct Doctor {
    folder: TempDir,
    variables: BTreeMap<String, String>,
    arguments: Vec<String>,
}

/// Its output.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Starts a server with the example's table.
pub(crate) fn server(engine: Engine) -> Server {
    Server::builder(engine).setup(local_stack::ITEMS).start().expect("a server starts")
}

impl Doctor {
    pub(crate) fn new() -> Doctor {
        let folder = TempDir::with_prefix("doctor-test-").unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let variables = BTreeMap::from([
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
            ("HOME".to_owned(), folder.path().display().to_string()),
            ("TMPDIR".to_owned(), folder.path().display().to_string()),
            ("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned()),
        ]);
        Doctor { folder, variables, arguments: Vec::new() }
    }

    /// With the settings of a function for `server` with the example statements, and its access key.
    pub(crate) fn for_server(server: &Server) -> Doctor {
        let key = server.access_key();
        let mut doctor = Doctor::new();
        for (name, value) in [
            ("DB_HOST", server.host()),
            ("DB_PORT", &server.port().to_string()),
            ("DB_USER", server.user()),
            ("DB_NAME", server.database()),
            ("DB_CONNECT_TO", &server.address().to_string()),
            ("DB_CA_BUNDLE", &server.ca_bundle().display().to_string()),
            ("AWS_ACCESS_KEY_ID", &key.id),
            ("AWS_SECRET_ACCESS_KEY", &key.secret),
            ("AWS_SESSION_TOKEN", key.session_token.as_deref().unwrap_or_default()),
        ] {
            doctor.set(name, value);
        }
        let statements = doctor.folder.path().join(STATEMENTS);
        fs::create_dir(&statements).unwrap();
        local_stack::copy_examples(server.engine(), &statements).unwrap();
        doctor.set("STATEMENTS_DIR", &statements.display().to_string());
        doctor
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn variable(&self, name: &str) -> &str {
        self.variables.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Adds arguments.
    pub(crate) fn with(mut self, arguments: &str) -> Doctor {
        self.arguments.extend(arguments.split_whitespace().map(str::to_owned));
        self
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doctor"));
        command.args(&self.arguments).env_clear().envs(&self.variables).current_dir("/");
        command
    }

    /// Runs it. It must leave nothing behind and print no secret.
    pub(crate) fn run(&self) -> Said {
        self.run_with(&[])
    }

    /// Runs it with `--json`. Returns the exit code and the diagnosis.
    pub(crate) fn diagnosis(&self) -> (Option<i32>, Value) {
        let said = self.run_with(&["--json"]);
        let value: Value = serde_json::from_str(&said.out)
            .unwrap_or_else(|error| panic!("{error}: {}", said.all()));
        (said.code, value["diagnose"].clone())
    }

    fn run_with(&self, more: &[&str]) -> Said {
        let output = self.command().args(more).output().expect("the doctor runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        let said = Said { code: output.status.code(), out, err };
        self.assert_nothing_left();
        for secret in ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            let secret = self.variable(secret);
            assert!(secret.is_empty() || !said.all().contains(secret), "{}", said.all());
        }
        assert!(!said.all().contains("X-Amz-Signature"), "{}", said.all());
        said
    }

    pub(crate) fn assert_nothing_left(&self) {
        let left = fs::read_dir(self.folder.path()).unwrap().flatten();
        let left: Vec<_> = left
            .filter(|file| file.file_name() != ".aws" && file.file_name() != STATEMENTS)
            .collect();
        assert!(left.is_empty(), "files are left: {left:?}");
        for process in fs::read_dir("/proc").unwrap().flatten() {
            let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            let folder = self.folder.path().to_str().unwrap();
            assert!(!line.contains(folder), "a process is left: {line}");
        }
    }
}

impl Said {
    pub(crate) fn all(&self) -> String {
        format!("exit code {:?}\n{}\n{}", self.code, self.out, self.err)
    }
}

/// The id of the cause that is ranked first.
pub(crate) fn first_cause(diagnosis: &Value) -> &str {
    diagnosis["causes"][0]["cause"].as_str().unwrap_or("none")
}

//! A deployed function: events in, responses out, and its processes.

use local_lambda::{Invocation, Lambda};
use local_rds::Server;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A deployed function, with its own execution environments.
pub struct Deployed<'a> {
    pub(crate) lambda: &'a Lambda,
    pub(crate) server: &'a Server,
    pub(crate) name: String,
    /// The folder of its code.
    pub(crate) task_root: PathBuf,
}

/// A statement's result, each value exactly as the response's JSON has it.
#[derive(Deserialize)]
pub struct Exact {
    /// The names and types of its columns.
    pub columns: Vec<BTreeMap<String, String>>,
    /// The rows.
    pub rows: Vec<BTreeMap<String, Box<RawValue>>>,
}

impl Deployed<'_> {
    /// Sends an event. Returns the response with its logs and costs.
    pub async fn send(&self, event: &str) -> Invocation {
        let invocation = self.lambda.invoke(&self.name, event.to_owned()).await;
        invocation.expect("the Invoke API answers")
    }

    /// Sends an event. Returns the response, or the error type and message.
    pub async fn invoke(&self, event: &str) -> Result<Value, (String, String)> {
        let invocation = self.send(event).await;
        let payload: Value = serde_json::from_slice(&invocation.payload).expect("a JSON payload");
        if invocation.function_error.is_none() {
            return Ok(payload);
        }
        let field = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
        Err((field("errorType"), field("errorMessage")))
    }

    /// Runs a statement without parameters, which must succeed.
    pub async fn exactly(&self, statement: &str) -> Exact {
        let invocation = self.send(&format!(r#"{{"statement":"{statement}"}}"#)).await;
        serde_json::from_slice(&invocation.payload).unwrap_or_else(|error| {
            panic!("{statement}: {error}: {}", String::from_utf8_lossy(&invocation.payload))
        })
    }

    /// Sends an event that must succeed.
    pub async fn ok(&self, event: &str) -> Value {
        match self.invoke(event).await {
            Ok(response) => response,
            Err((kind, message)) => panic!("{event:.500}: {kind}: {message}\n{}", self.logs()),
        }
    }

    /// Sends an event that must fail with `error_type`. Returns the message.
    pub async fn fails(&self, event: &str, error_type: &str) -> String {
        match self.invoke(event).await {
            Ok(response) => panic!("{event:.500}: no error but {response}"),
            Err((kind, message)) => {
                assert_eq!(kind, error_type, "{event:.500}: {message}");
                message
            }
        }
    }

    /// Kills every process of the function (SIGKILL), as a failing host does.
    pub fn kill(&self) {
        self.signal("-KILL");
    }

    /// Sends SIGTERM to every process of the function, without Lambda's knowledge.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    fn signal(&self, signal: &str) {
        let processes = self.processes();
        assert!(!processes.is_empty(), "no process of {} runs", self.name);
        for process in processes {
            let id = process.file_name().unwrap();
            let kill = Command::new("kill").arg(signal).arg(id).status();
            assert!(kill.expect("kill(1) is there").success());
        }
    }

    /// The resident memory of each of the function's processes, in KiB.
    pub fn resident_kib(&self) -> Vec<u64> {
        let statuses = self.processes().into_iter();
        let statuses =
            statuses.filter_map(|process| fs::read_to_string(process.join("status")).ok());
        let resident = |status: String| {
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            line.trim().strip_suffix(" kB")?.parse().ok()
        };
        statuses.filter_map(resident).collect()
    }

    /// The folders of the function's processes in proc(5).
    pub fn processes(&self) -> Vec<PathBuf> {
        let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        // Lambda's working directory is the folder of the code.
        let is_ours = |cwd: PathBuf| cwd == self.task_root;
        processes.filter(|process| fs::read_link(process.join("cwd")).is_ok_and(is_ours)).collect()
    }

    /// Everything the function has printed.
    pub fn logs(&self) -> String {
        self.lambda.logs(&self.name)
    }

    /// Fails if anything the function printed, or `message`, holds a token or a secret.
    pub fn assert_discreet(&self, message: &str) {
        let key = self.server.access_key();
        let logs = self.logs();
        assert!(logs.contains("\"level\":\"TRACE\""), "the logs are not at TRACE: {logs}");
        let session = key.session_token.as_deref().unwrap_or("no session token");
        for secret in [key.secret.as_str(), session, "X-Amz-Signature", "Action=connect"] {
            assert!(!logs.contains(secret), "the logs hold {secret:?}");
            assert!(!message.contains(secret), "an error holds {secret:?}");
        }
    }
}

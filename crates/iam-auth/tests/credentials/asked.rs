//! What the chain answers in a process whose environment is the test's alone.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use iam_auth::Credentials;

/// Set in the process that asks.
const CHILD: &str = "IAM_AUTH_TEST_CHILD";

/// An environment, with a home directory that only the test writes to.
pub(crate) struct Environment {
    variables: Vec<(String, String)>,
    home: tempfile::TempDir,
}

impl Environment {
    /// Without the metadata service of EC2, which is asked last.
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let environment = Self { variables: Vec::new(), home };
        let home = environment.home().to_str().unwrap().to_owned();
        environment.with("HOME", &home).with("AWS_EC2_METADATA_DISABLED", "true")
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(other, _)| other != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes a file in the home directory.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        let path = self.home().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The access key id that the chain finds, its session token, and whether they expire.
    #[track_caller]
    pub(crate) fn found(&self) -> (String, String, bool) {
        let answer = self.ask();
        let fields: Vec<_> = answer.strip_prefix("found ").expect(&answer).split(' ').collect();
        let [id, token, expires] = fields[..] else { panic!("{answer}") };
        (id.to_owned(), token.to_owned(), expires == "true")
    }

    /// The text of the chain's error, with those of its sources.
    #[track_caller]
    pub(crate) fn refused(&self) -> String {
        let answer = self.ask();
        let error = answer.strip_prefix("refused ").expect(&answer).to_owned();
        assert!(!error.contains("KEYSECRET"), "{error}");
        error
    }

    fn ask(&self) -> String {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "asked::the_chain_answers", "--nocapture"])
            .env_clear()
            .env(CHILD, "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let (_, answer) =
            stdout.split_once("ANSWER ").unwrap_or_else(|| panic!("{stdout}{stderr}"));
        answer.split_once(" END").unwrap().0.to_owned()
    }
}

/// In the process that asks, prints what the chain answers. In the other, asks one that has a profile.
#[tokio::test]
#[allow(clippy::disallowed_methods, reason = "AWS's SDK reads the clock too")]
async fn the_chain_answers() {
    if std::env::var_os(CHILD).is_none() {
        let keys = "[default]\naws_access_key_id=AKIDPROFILE\naws_secret_access_key=KEYSECRET\n";
        let environment = Environment::new().file(".aws/credentials", keys);
        assert_eq!(environment.found(), ("AKIDPROFILE".to_owned(), "none".to_owned(), false));
        return;
    }
    match Credentials::from_chain().await.get(SystemTime::now()).await {
        Ok(found) => {
            assert_eq!(found.secret_access_key(), "KEYSECRET");
            let token = found.session_token().unwrap_or("none");
            let expires = found.expiry().is_some();
            println!("ANSWER found {} {token} {expires} END", found.access_key_id());
        }
        Err(error) => {
            assert!(error.is_credentials());
            println!("ANSWER refused {} END", chain(&error));
        }
    }
}

fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

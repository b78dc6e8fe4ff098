//! The system's Python.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Error;

/// The oldest version for which the requirements are pinned.
const OLDEST: (u32, u32) = (3, 11);

/// The names of Python on different systems.
const NAMES: [&str; 5] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];

/// The first of them that can create environments.
pub(crate) fn find() -> Result<&'static str, Error> {
    let answers = NAMES.map(|name| (name, ask(Path::new(name))));
    let good = |answer: &Answer| matches!(answer, Answer::Version(v) if *v >= OLDEST);
    if let Some((name, _)) = answers.iter().find(|(_, answer)| good(answer)) {
        return Ok(name);
    }
    let found: Vec<_> = answers.iter().filter_map(|(name, answer)| answer.text(name)).collect();
    let found = if found.is_empty() { "there is none".to_owned() } else { found.join("; ") };
    let (major, minor) = OLDEST;
    Err(Error::new(format!(
        "Python {major}.{minor} or later with its venv module is needed, but {found}; install it \
         (Debian, Ubuntu: apt install python3 python3-venv; Fedora: dnf install python3; \
         macOS: brew install python3)"
    )))
}

/// What a Python can do.
enum Answer {
    Missing,
    NoVenv,
    Version((u32, u32)),
}

impl Answer {
    fn text(&self, name: &str) -> Option<String> {
        match self {
            Self::Missing => None,
            Self::NoVenv => Some(format!("{name} has no venv module")),
            Self::Version((major, minor)) => Some(format!("{name} is {major}.{minor}")),
        }
    }
}

/// Debian's python3 has a venv module without `ensurepip`, which is in another package.
fn ask(python: &Path) -> Answer {
    let version = "import sys; print(*sys.version_info[:2])";
    let Some(version) = run(python, version).as_deref().and_then(parse) else {
        return Answer::Missing;
    };
    match run(python, "import venv, ensurepip") {
        Some(_) => Answer::Version(version),
        None => Answer::NoVenv,
    }
}

fn run(python: &Path, script: &str) -> Option<String> {
    let mut command = Command::new(python);
    let output = command.args(["-c", script]).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

//! The same function as people write it for Lambda's Node.js and Python: with AWS's SDK and the usual drivers, as
//! their documents say.
//!
//! There are none in front of MariaDB: they would be those of MySQL, with the same drivers.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use engine::Engine;
use tempfile::TempDir;

use crate::Failure;
use crate::measure::Stage;
use crate::subject::{Peer, Subject};
use crate::workload::{self, ITEMS, event};

const ENGINES: [Engine; 2] = [Engine::MySql, Engine::Postgres];

/// The peers whose tools can be had, and what the report says of all.
#[derive(Default)]
pub(crate) struct Peers {
    pub(crate) subjects: Vec<Subject>,
    pub(crate) notes: Vec<String>,
}

/// Installs the tools, and the programs into `folder`.
///
/// # Errors
/// A program cannot be written. A tool that cannot be had is no error, but a note.
pub(crate) fn build(folder: &Path, say: &mut dyn FnMut(&str)) -> Result<Peers, Failure> {
    let mut peers = Peers::default();
    let node = node(folder, say);
    peers.add("Node.js", node, say)?;
    let python = python(folder, say);
    peers.add("Python", python, say)?;
    Ok(peers)
}

/// What a peer answers to an event that runs the statement of three rows.
pub struct Answers {
    /// The peer.
    pub name: String,
    /// To its server.
    pub answer: Result<String, Failure>,
    /// To a server whose certificate has another name.
    pub elsewhere: Result<String, Failure>,
}

/// Starts each peer.
///
/// # Errors
/// A program cannot be written, or a server does not start.
pub fn answers(say: &mut dyn FnMut(&str)) -> Result<Vec<Answers>, Failure> {
    let folder = TempDir::with_prefix("rds-iam-lambda-")?;
    let peers = build(folder.path(), say)?;
    let statements = workload::write_statements(folder.path())?.display().to_string();
    let servers = ENGINES.map(workload::server).into_iter().collect::<Result<Vec<_>, _>>()?;
    let stage = Stage { servers: &servers, statements: &statements };
    let answer = |peer: &Subject, settings: &[(&str, String)]| {
        let mut environment = stage.environment(peer, None, settings)?;
        environment.send(&event(ITEMS));
        Ok(environment.receive()?.payload)
    };
    let answers = |peer: &Subject| Answers {
        name: peer.name.clone(),
        answer: answer(peer, &[]),
        elsewhere: answer(peer, &[("DB_HOST", "elsewhere.example.com".to_owned())]),
    };
    Ok(peers.subjects.iter().map(answers).collect())
}

impl Peers {
    fn add(
        &mut self,
        language: &str,
        subjects: Result<Vec<Subject>, Failure>,
        say: &mut dyn FnMut(&str),
    ) -> Result<(), Failure> {
        let note = match subjects {
            Ok(subjects) => {
                self.subjects.extend(subjects);
                format!("{language} has no zip to compare: the SDK is in the runtime.")
            }
            Err(error) if error.is::<pinned_tools::Error>() => {
                let note = format!("{language} is not measured: {error}");
                say(&note);
                note
            }
            Err(error) => return Err(error),
        };
        self.notes.push(note);
        Ok(())
    }
}

/// A peer for each engine, with the last argument that it has for that engine.
fn subjects(
    language: &str,
    program: &Path,
    arguments: &[&str],
    last: impl Fn(Engine) -> String,
    settings: &[(String, String)],
) -> Vec<Subject> {
    let subject = |engine: Engine| {
        let mut arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        arguments.push(last(engine));
        Subject {
            name: format!("{} {language}", engine.title()),
            engine: Some(engine),
            is_floor: false,
            program: program.to_owned(),
            zip: None,
            peer: Some(Peer { arguments, settings: settings.to_vec() }),
        }
    };
    ENGINES.map(subject).into()
}

/// With the packages of the example.
fn node(folder: &Path, say: &mut dyn FnMut(&str)) -> Result<Vec<Subject>, Failure> {
    let project = pinned_tools::workspace()?.join("examples/node");
    let (node, packages) = pinned_tools::npm_packages("example-node", &project, say)?;
    let programs = copy("node", folder)?;
    symlink(packages.node_modules(), programs.join("node_modules"))?;
    let runtime = programs.join("runtime.mjs").display().to_string();
    // The options are Lambda's for a function of 512 MB.
    let arguments =
        ["--expose-gc", "--max-semi-space-size=25", "--max-old-space-size=460", &runtime];
    Ok(subjects("Node.js", &node.node, &arguments, |engine| format!("./{engine}.mjs"), &[]))
}

/// With Lambda's own runtime, `awslambdaric`.
fn python(folder: &Path, say: &mut dyn FnMut(&str)) -> Result<Vec<Subject>, Failure> {
    let programs = copy("python", folder)?;
    let requirements = fs::read_to_string(programs.join("requirements.txt"))?;
    let environment = pinned_tools::python_packages("bench-python", &requirements, say)?;
    // Not the environment's own Python, whose garbage collection is set for programs that end soon, but the one that
    // it was made of.
    let python = fs::canonicalize(environment.program("python")?)?;
    let packages = environment.package_file("awslambdaric/__main__.py")?;
    let packages = packages.ancestors().nth(2).unwrap_or(&packages);
    let path = format!("{}:{}", programs.display(), packages.display());
    let arguments = ["-s", "-m", "awslambdaric"];
    let handler = |engine| format!("{engine}.handler");
    Ok(subjects("Python", &python, &arguments, handler, &[("PYTHONPATH".into(), path)]))
}

/// Copies the programs: Python leaves files beside them, and Node.js looks there for packages.
fn copy(language: &str, folder: &Path) -> Result<PathBuf, Failure> {
    let source = pinned_tools::workspace()?.join("crates/testing/bench/peers").join(language);
    let programs = folder.join(language);
    fs::create_dir_all(&programs)?;
    for file in fs::read_dir(source)? {
        let file = file?;
        // Not a folder, such as an editor's.
        if file.file_type()?.is_file() {
            fs::copy(file.path(), programs.join(file.file_name()))?;
        }
    }
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use pinned_tools::{Node, NpmPackages};

    use super::*;

    #[test]
    fn a_tool_that_cannot_be_had_is_told_and_no_error() {
        let folder = TempDir::new().unwrap();
        let missing = folder.path().join("none");
        let node = Node { node: missing.clone(), npm: missing.clone() };
        let error = NpmPackages::in_folder(folder.path(), "packages", &missing, &node, &mut |_| ())
            .unwrap_err();
        let why = error.to_string();
        let (mut peers, mut said) = (Peers::default(), vec![]);
        peers.add("Node.js", Err(error.into()), &mut |line| said.push(line.to_owned())).unwrap();
        assert_eq!(said, [format!("Node.js is not measured: {why}")]);
        assert_eq!(peers.notes, said);
        assert!(why.contains("none/package.json"), "{why}");

        let other = "a disk is full";
        let error = peers.add("Node.js", Err(other.into()), &mut |_| ()).unwrap_err();
        assert_eq!(error.to_string(), other);
    }
}

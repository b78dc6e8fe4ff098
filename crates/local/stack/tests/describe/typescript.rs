//! The client in TypeScript, compiled and run.

use local_rds::Engine;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Output};
use tempfile::TempDir;

use crate::fixture::Served;
use crate::run::{Run, text};

const PROGRAM: &str = include_str!("programs/program.ts");
const POSTGRES: &str = include_str!("programs/postgres.ts");
const WRONG: &str = include_str!("programs/wrong.ts");

/// A folder with TypeScript, and the packages that it needs.
struct Project {
    folder: TempDir,
    node: pinned_tools::Node,
    packages: pinned_tools::NpmPackages,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Project {
        let workspace = pinned_tools::workspace().unwrap();
        let project = workspace.join("crates/operator/typed-clients/tests/typescript");
        let mut say = |line: &str| println!("{line}");
        let (node, packages) =
            pinned_tools::npm_packages("typed-clients", &project, &mut say).unwrap();
        let folder = TempDir::new().unwrap();
        symlink(packages.node_modules(), folder.path().join("node_modules")).unwrap();
        fs::write(folder.path().join("package.json"), r#"{"type": "module"}"#).unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Project { folder, node, packages }
    }

    /// Checks a file and what it imports, in the compiler's strict mode.
    fn compile(&self, file: &str) -> Output {
        let mut tsc = Command::new(&self.node.node);
        tsc.arg(self.packages.program("typescript/bin/tsc").unwrap());
        tsc.args(["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext"]);
        tsc.args([
            "--allowImportingTsExtensions",
            "--erasableSyntaxOnly",
            "--verbatimModuleSyntax",
        ]);
        tsc.args(["--noUncheckedIndexedAccess", "--types", "node", "--skipLibCheck", file]);
        tsc.current_dir(self.folder.path()).output().unwrap()
    }

    fn node(&self, file: &str) -> Command {
        let mut node = Command::new(&self.node.node);
        node.arg(file).current_dir(self.folder.path());
        node
    }
}

fn compiled_and_run(engine: Engine, programs: &[(&str, &str)]) {
    let served = Served::start(engine);
    let client = served.describe("--typescript");
    let files = [programs, &[("client.ts", &*client)]].concat();
    let project = Project::new(&files);
    for (program, _) in programs {
        let output = project.compile(program);
        assert!(output.status.success(), "{program}: {}", text(&output.stdout));
        let mut node = project.node(program);
        served.as_aws(&mut node);
        node.env("INVOKE_URL", served.url()).env("FUNCTION_NAME", &served.function);
        let output = node.output().unwrap();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success() && out == "done\n", "{program}: {out}\n{err}\n{client}");
    }
    served.end();
}

#[test]
fn on_postgres_it_runs() {
    compiled_and_run(Engine::Postgres, &[("program.ts", PROGRAM), ("postgres.ts", POSTGRES)]);
}

#[test]
fn on_mysql_it_runs() {
    compiled_and_run(Engine::MySql, &[("program.ts", PROGRAM)]);
}

#[test]
fn on_mariadb_it_runs() {
    compiled_and_run(Engine::MariaDb, &[("program.ts", PROGRAM)]);
}

/// The example is written for the example statements, and runs.
#[test]
fn the_example_is_up_to_date() {
    let examples = pinned_tools::workspace().unwrap().join("examples");
    let shown = |path: &str| examples.join(path).display().to_string();
    let statements =
        format!("--statements {} --schema {}", shown("statements"), shown("schema.sql"));
    let served = Served::these(Run::new(), &statements, Engine::Postgres);
    let own = shown("typed-client/client.ts");
    served.describe(&format!("--typescript --check {own}"));

    let [main, client] = ["main.ts", "client.ts"]
        .map(|name| fs::read_to_string(examples.join("typed-client").join(name)).unwrap());
    let project = Project::new(&[("main.ts", &main), ("client.ts", &client)]);
    let output = project.compile("main.ts");
    assert!(output.status.success(), "{}", text(&output.stdout));
    let output = project.node("main.ts").env("ENDPOINT", served.endpoint()).output().unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(out, "1 first\n2 second\n3 third\n4 fourth\nQuery\n1\n", "{err}");
    served.end();
}

/// Each line that is marked is refused, and no other.
#[test]
fn a_wrong_use_is_refused_where_it_stands() {
    let served = Served::start(Engine::Postgres);
    let client = served.describe("--typescript");
    served.end();
    let project = Project::new(&[("wrong.ts", WRONG), ("client.ts", &client)]);
    let output = project.compile("wrong.ts");
    let said = text(&output.stdout);
    let refused: BTreeSet<usize> = said
        .lines()
        .filter_map(|line| line.strip_prefix("wrong.ts(")?.split_once(',')?.0.parse().ok())
        .collect();
    let marked = WRONG.lines().enumerate().filter(|(_, line)| line.contains("// wrong"));
    let marked: BTreeSet<usize> = marked.map(|(at, _)| at + 1).collect();
    assert!(marked.len() > 10);
    assert_eq!(refused, marked, "{said}");
    assert!(
        said.lines().all(|line| line.starts_with("wrong.ts(") || line.starts_with(' ')),
        "{said}"
    );
}

//! The client in Rust, compiled and run by itself, with serde and serde_json alone.

use local_rds::Engine;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::fixture::Served;
use crate::run::{Run, text};

const PROGRAM: &str = include_str!("programs/program.rs");
const POSTGRES: &str = include_str!("programs/postgres.rs");

/// A package outside the workspace. It is in cargo's target folder, where its dependencies stay compiled.
struct Package {
    folder: PathBuf,
    _lock: File,
}

impl Package {
    fn new(name: &str, client: &str, files: &[(&str, &str)]) -> Package {
        let around = pinned_tools::target().unwrap().join("typed-clients");
        let folder = around.join(name);
        fs::create_dir_all(folder.join("src")).unwrap();
        let lock = File::create(around.join(format!("{name}.lock"))).unwrap();
        lock.lock().unwrap();
        let features = if files.iter().any(|(name, _)| *name == "postgres.rs") {
            "default = [\"postgres\"]\npostgres = []\n"
        } else {
            "postgres = []\n"
        };
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [features]\n{features}\n\
             [dependencies]\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\
             serde_json = \"1\"\n\n[workspace]\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        // The versions that cargo has downloaded.
        let workspace = pinned_tools::workspace().unwrap();
        fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        fs::write(folder.join("src/client.rs"), client).unwrap();
        for (name, text) in files {
            fs::write(folder.join("src").join(name), text).unwrap();
        }
        Package { folder, _lock: lock }
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["--offline", "--quiet"]).args(arguments).current_dir(&self.folder);
        cargo.env("CARGO_TARGET_DIR", self.folder.with_file_name("target"));
        for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
            cargo.env_remove(variable);
        }
        cargo
    }
}

fn assert_success(what: &str, output: &Output) {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{what}: {out}\n{err}");
}

fn compiled_and_run(engine: Engine, files: &[(&str, &str)]) {
    let served = Served::start(engine);
    let client = served.describe("--rust");
    let package = Package::new(&format!("{engine}-client"), &client, files);
    let mut run = package.cargo(&["run"]);
    let output = run.env("INVOKE_URL", served.url()).output().unwrap();
    assert_success("cargo run", &output);
    assert_eq!(text(&output.stdout), "done\n");
    served.end();
}

#[test]
fn on_postgres_it_runs() {
    compiled_and_run(Engine::Postgres, &[("main.rs", PROGRAM), ("postgres.rs", POSTGRES)]);
}

#[test]
fn on_mysql_it_runs() {
    compiled_and_run(Engine::MySql, &[("main.rs", PROGRAM)]);
}

/// Without a warning of rustc or clippy.
#[test]
fn difficult_names_compile() {
    let run = Run::new();
    let nasty = nasty();
    let arguments = format!("describe --from {} --rust --allow-errors", nasty.display());
    let output = run.output(&arguments);
    assert_success(&arguments, &output);
    let main =
        "//! A client.\nmod client;\nfn main() {\n    println!(\"{:?}\", client::Items);\n}\n";
    let package = Package::new("nasty-client", &text(&output.stdout), &[("main.rs", main)]);
    let clippy = package.cargo(&["clippy", "--", "--deny", "warnings"]).output().unwrap();
    assert_success("cargo clippy", &clippy);
    // `cargo fmt` leaves it as it is.
    let fmt = package.cargo(&["fmt", "--check"]).output().unwrap();
    assert_success("cargo fmt", &fmt);
}

/// The description with every difficulty that is known.
pub(crate) fn nasty() -> PathBuf {
    let tests = Path::new("crates/operator/typed-clients/tests/clients/nasty.json");
    pinned_tools::workspace().unwrap().join(tests)
}

//! Builds in small clones, whose functions print which settings reached them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::machine::say;

const FUNCTIONS: [&str; 2] = ["mysql-function", "postgres-function"];

/// Passes the names of its environment variables to the function.
const BUILD_SCRIPT: &str = r#"fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let mut names: Vec<_> = std::env::vars().map(|(name, _)| name).collect();
    names.sort();
    println!("cargo::rustc-env=SEEN={}", names.join(" "));
}"#;

/// Build settings, each of which would change the programs or break the build.
pub(crate) const SETTINGS: [(&str, &str); 31] = [
    ("RUSTC", "/no/such/rustc"),
    ("RUSTC_WRAPPER", "/no/such/wrapper"),
    ("RUSTC_WORKSPACE_WRAPPER", "/no/such/wrapper"),
    ("RUSTFLAGS", "--cfg=odd"),
    ("CARGO_ENCODED_RUSTFLAGS", "--cfg=odd"),
    ("CARGO_BUILD_RUSTFLAGS", "--cfg=odd"),
    ("CARGO_BUILD_RUSTC", "/no/such/rustc"),
    ("CARGO_BUILD_TARGET", "wasm32-unknown-unknown"),
    ("CARGO_BUILD_TARGET_DIR", "/no/such/folder"),
    ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "--cfg=odd"),
    ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "/no/such/linker"),
    ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "--cfg=odd"),
    ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "/no/such/linker"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    ("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true"),
    ("CARGO_INCREMENTAL", "1"),
    ("CC", "/no/such/cc"),
    ("CFLAGS", "-march=native"),
    ("CFLAGS_x86_64_unknown_linux_gnu", "-march=native"),
    ("CFLAGS_aarch64_unknown_linux_gnu", "-march=native"),
    ("TARGET_CFLAGS", "-march=native"),
    ("HOST_CC", "/no/such/cc"),
    ("LIBRARY_PATH", "/no/such/folder"),
    ("CPATH", "/no/such/folder"),
    ("LIBZ_SYS_STATIC", "1"),
    ("PKG_CONFIG_PATH", "/no/such/folder"),
    ("RING_PREGENERATE_ASM", "1"),
    ("AWS_LC_SYS_CMAKE_BUILDER", "1"),
    ("SOURCE_DATE_EPOCH", "1"),
    ("CARGO_ZIGBUILD_ZIG_PATH", "/no/such/zig"),
    ("WHAT_NOBODY_THOUGHT_OF", "1"),
];

/// A configuration with settings that other projects may need, and a mirror of crates.
const CONFIGURATION: &str = r#"
[build]
rustflags = ["--cfg=odd"]
rustc = "/no/such/rustc"
rustc-wrapper = "/no/such/wrapper"
rustc-workspace-wrapper = "/no/such/wrapper"
target = "wasm32-unknown-unknown"
target-dir = "/no/such/folder"
build-dir = "/no/such/folder"
incremental = true
[target.x86_64-unknown-linux-gnu]
rustflags = ["--cfg=odd"]
linker = "/no/such/linker"
[target.aarch64-unknown-linux-gnu]
rustflags = ["--cfg=odd"]
linker = "/no/such/linker"
[target.'cfg(all())']
rustflags = ["--cfg=odd"]
[profile.dev]
opt-level = 1
[source.crates-io]
replace-with = "mirror"
[source.mirror]
registry = "sparse+https://crates.example/index/"
[net]
retry = 1
[http]
timeout = 10
[term]
quiet = true
"#;

/// Settings that cannot be overridden.
const HARMFUL: [(&str, &str); 7] = [
    ("[env]\nCFLAGS = '-march=native'", "env"),
    ("[profile.release]\nopt-level = 0", "profile.release"),
    ("[profile.release.package.ring]\nopt-level = 0", "profile.release"),
    (
        "[target.x86_64-unknown-linux-gnu.ring]\nrustc-flags = ''",
        "target.x86_64-unknown-linux-gnu.ring",
    ),
    ("[patch.crates-io]\nring = { path = '/ring' }", "patch"),
    ("paths = ['/ring']", "paths"),
    ("include = ['more.toml']", "include"),
];

/// A workspace with the two functions' names, and a target folder with the program under test.
struct Checkout {
    folder: PathBuf,
    target: PathBuf,
}

impl Checkout {
    /// Functions that print `says`.
    fn new(folder: PathBuf, says: &str) -> Self {
        let write = |path: &str, text: &str| {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let members = format!("[workspace]\nresolver = '3'\nmembers = {FUNCTIONS:?}\n");
        write("Cargo.toml", &members);
        let locked =
            FUNCTIONS.map(|name| format!("[[package]]\nname = '{name}'\nversion = '1.0.0'\n"));
        write("Cargo.lock", &format!("version = 4\n\n{}", locked.join("\n").replace('\'', "\"")));
        for name in FUNCTIONS {
            let package =
                format!("[package]\nname = '{name}'\nversion = '1.0.0'\nedition = '2024'");
            write(&format!("{name}/Cargo.toml"), &package);
            write(&format!("{name}/build.rs"), BUILD_SCRIPT);
            let odd = r#"#[cfg(odd)] compile_error!("odd");"#;
            let main = format!(r#"{odd} fn main() {{ println!("{says}: {{}}", env!("SEEN")); }}"#);
            write(&format!("{name}/src/main.rs"), &main);
        }
        write("deploy/template.yaml", "");
        write("deploy/statements/mysql/items.sql", &format!("SELECT '{says}'"));
        write("deploy/statements/postgres/items.sql", &format!("SELECT '{says}'"));
        write("target/CACHEDIR.TAG", "");
        let target = folder.join("target");
        fs::create_dir(target.join("debug")).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_packaging"), target.join("debug/packaging")).unwrap();
        pinned_tools::zig(&mut say).unwrap();
        let tools = pinned_tools::target().unwrap().join("tools");
        std::os::unix::fs::symlink(tools, target.join("tools")).unwrap();
        Self { folder, target }
    }

    /// The program under test, as cargo runs it in this clone.
    fn command(&self) -> Command {
        let mut command = Command::new(self.target.join("debug/packaging"));
        command.arg("--json").env("CARGO_MANIFEST_DIR", self.folder.join("xtask"));
        command
    }

    fn configure(&self, folder: &Path, text: &str) {
        let folder = self.folder.join(folder).join(".cargo");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config.toml"), text).unwrap();
    }
}

/// Builds, and returns the sums of the zips by function.
pub(crate) fn sums(command: &mut Command) -> BTreeMap<String, String> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let packages: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    packages.iter().map(|it| (text(&it["function"]), text(&it["zip_sha256"]))).collect()
}

fn temporary() -> TempDir {
    TempDir::with_prefix("rds-iam-lambda-").unwrap()
}

#[test]
fn build_settings_do_not_reach_a_program() {
    let folder = temporary();
    let clone = Checkout::new(folder.path().join("clone"), "one");
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    let built = |settings: &[(&str, &str)]| {
        // From scratch, because cargo would not run a build script again for a changed variable.
        let _ = fs::remove_dir_all(clone.target.join(rust_target()));
        sums(clone.command().env("CARGO_HOME", &home).envs(settings.iter().copied()))
    };
    let plain = built(&[]);
    assert_eq!(built(&SETTINGS), plain);
    fs::write(home.join("config.toml"), CONFIGURATION).unwrap();
    assert_eq!(built(&[]), plain, "in cargo's home");
    fs::remove_file(home.join("config.toml")).unwrap();
    clone.configure(Path::new(".."), CONFIGURATION);
    assert_eq!(built(&[]), plain, "in a folder around the checkout");
    clone.configure(Path::new(""), CONFIGURATION);
    assert_eq!(built(&SETTINGS), plain, "in the checkout, and all at once");
}

/// A crate of the workspace whose path is in its users' programs.
const CRATE: &str = "bytes";
const USES_CRATE: &str =
    "fn main() { println!(\"{:?}\", bytes::Bytes::new().slice(std::env::args().count()..)); }";

#[test]
fn crates_from_a_mirror_make_the_same_programs() {
    let folder = temporary();
    let clone = Checkout::new(folder.path().join("clone"), "one");
    let append = |path: &str, text: &str| {
        let path = clone.folder.join(path);
        fs::write(&path, fs::read_to_string(&path).unwrap() + text).unwrap();
    };
    let locked = pinned_tools::workspace().unwrap().join("Cargo.lock");
    let locked = fs::read_to_string(locked).unwrap();
    let mut packages = locked.split("\n\n");
    let package = packages.find(|it| it.contains(&format!("\nname = \"{CRATE}\"\n"))).unwrap();
    append("Cargo.lock", &format!("\n{package}\n"));
    for name in FUNCTIONS {
        append(&format!("{name}/Cargo.toml"), &format!("\n[dependencies]\n{CRATE} = \"1\"\n"));
        fs::write(clone.folder.join(name).join("src/main.rs"), USES_CRATE).unwrap();
        let lock = fs::read_to_string(clone.folder.join("Cargo.lock")).unwrap();
        let of = format!("name = \"{name}\"\nversion = \"1.0.0\"\n");
        let with = format!("{of}dependencies = [\n \"{CRATE}\",\n]\n");
        fs::write(clone.folder.join("Cargo.lock"), lock.replace(&of, &with)).unwrap();
    }
    let plain = sums(&mut clone.command());

    let mut vendor = Command::new(env!("CARGO"));
    let output = vendor.args(["vendor", "--locked"]).current_dir(&clone.folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(clone.folder.join("vendor").join(CRATE).is_dir());
    clone.configure(Path::new(""), &String::from_utf8(output.stdout).unwrap());
    assert_eq!(sums(&mut clone.command()), plain);
}

fn rust_target() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

#[test]
fn configuration_that_would_reach_a_program_is_refused_by_name() {
    let folder = temporary();
    let clone = Checkout::new(folder.path().join("clone"), "one");
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    let refused = |file: &Path, text: &str, key: &str| {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        let Output { status, stderr, .. } =
            clone.command().env("CARGO_HOME", &home).output().unwrap();
        fs::remove_file(file).unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(1), "{text}: {said}");
        assert!(said.contains(&format!("\n  {}: {key}\n", file.display())), "{text}: {said}");
        assert!(!said.contains("compiling"), "{text}: {said}");
    };
    for (text, key) in HARMFUL {
        refused(&home.join("config.toml"), text, key);
    }
    let root = folder.path().canonicalize().unwrap();
    for file in ["clone/.cargo/config.toml", "clone/.cargo/config", ".cargo/config.toml"] {
        let (text, key) = HARMFUL[0];
        refused(&root.join(file), text, key);
    }
}

/// The contents of a clone's zips: the first output of its functions, and its statements.
fn says(clone: &Checkout) -> Vec<String> {
    let function = |name: &str| clone.target.join("lambda").join(name);
    let program = |name| Command::new(function(name).join("bootstrap")).output().unwrap().stdout;
    let first =
        |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().split(':').next().unwrap().to_owned();
    let sql = |name| fs::read_to_string(function(name).join("statements/items.sql")).unwrap();
    FUNCTIONS.iter().flat_map(|name| [first(program(name)), sql(name)]).collect()
}

#[test]
fn a_clone_builds_itself() {
    let folder = temporary();
    let one = Checkout::new(folder.path().join("one"), "one");
    let mut two = Checkout::new(folder.path().join("two"), "two");
    let of = |says: &str| {
        [says, &format!("SELECT '{says}'")]
            .repeat(2)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    sums(&mut one.command());
    assert_eq!(says(&one), of("one"));

    // Both clones build into one target folder. The sources are older than the artifacts there, by which
    // cargo decides whether to compile.
    let own = std::mem::replace(&mut two.target, one.target.clone());
    sums(&mut two.command());
    assert_eq!(says(&two), of("two"));
    sums(&mut one.command());
    assert_eq!(says(&one), of("one"));

    // Moved with its target folder, changed, and run without cargo.
    two.target = own;
    sums(&mut two.command());
    let moved = folder.path().join("moved");
    fs::rename(&two.folder, &moved).unwrap();
    fs::write(moved.join("deploy/statements/mysql/items.sql"), "SELECT 'moved'").unwrap();
    let moved = Checkout { target: moved.join("target"), folder: moved };
    sums(moved.command().env_remove("CARGO_MANIFEST_DIR"));
    assert_eq!(says(&moved)[..2], ["two", "SELECT 'moved'"]);
}

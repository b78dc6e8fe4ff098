//! Programs that start on Lambda, and programs that would not.

use packaging::{AMAZON_LINUX_2023, Architecture, check};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

use crate::machine::{architecture, say};

/// Calls a function that glibc has only since 2.38.
const NEW: &str = r#"
#include <string.h>
int main(int count, char **arguments) {
    char copy[8];
    return strlcpy(copy, arguments[0], sizeof copy);
}"#;

/// Calls a function that every glibc has.
const OLD: &str = "#include <stdlib.h>\nint main(void) { return rand(); }";

/// Compiles C with zig.
fn zig(source: &str, target: &str) -> Vec<u8> {
    let zig = pinned_tools::zig(&mut say).unwrap().zig;
    let folder = TempDir::with_prefix("rds-iam-lambda-").unwrap();
    let [program, main] = ["program", "main.c"].map(|name| folder.path().join(name));
    fs::write(&main, source).unwrap();
    let cache = pinned_tools::target().unwrap().join("tools/zig-cache");
    let output = Command::new(zig)
        .args(["cc", "-target", target, "-o"])
        .args([&program, &main])
        .envs(["ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"].map(|name| (name, &cache)))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(program).unwrap()
}

fn refusal(program: &[u8], architecture: Architecture) -> String {
    check(program, architecture, AMAZON_LINUX_2023).unwrap_err().to_string()
}

#[test]
fn one_that_needs_a_later_glibc_is_refused_by_symbol_and_version() {
    let error = refusal(&zig(NEW, "x86_64-linux-gnu.2.38"), Architecture::X86_64);
    assert!(error.starts_with("it would not start with glibc 2.34 on x86_64:\n"), "{error}");
    assert!(error.contains("\n  GLIBC_2.38 of libc.so.6 is needed by strlcpy"), "{error}");
    // The error does not name what the runtime has.
    assert!(!error.contains("GLIBC_2.34 "), "{error}");
}

#[test]
fn one_for_arm64_is_known_by_its_processor() {
    let program = zig(OLD, "aarch64-linux-gnu.2.34");
    let glibc = check(&program, Architecture::Arm64, AMAZON_LINUX_2023).unwrap();
    assert_eq!(glibc.to_string(), "2.34");
    let error = refusal(&program, Architecture::X86_64);
    assert!(error.contains("not for x86_64 (ELF machine 183)"), "{error}");
}

/// This test is such a program: it has another system's loader, or needs `libgcc_s.so.1`.
#[test]
fn one_that_needs_another_library_is_refused() {
    let this = fs::read(std::env::current_exe().unwrap()).unwrap();
    let error = refusal(&this, architecture());
    assert!(error.contains("it needs the library libgcc_s.so.1"), "{error}");
}

#[test]
fn the_release_profile_unwinds() {
    let compiled = packaging::compile(&["unwinding"], architecture(), &mut say).unwrap();
    compiled.program("unwinding").unwrap();
    let output = Command::new(compiled.path("unwinding")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "caught: true, dropped: 1\n", "{}", String::from_utf8_lossy(&output.stderr));
}

/// A Rust without the other architecture's standard library, and a rustup that cannot fetch it.
#[test]
fn a_missing_rust_target_is_told_with_the_way_out() {
    let folder = TempDir::with_prefix("rds-iam-lambda-").unwrap();
    script(&folder.path().join("rustc"), "echo /no/such/folder");
    script(&folder.path().join("rustup"), "echo \"called: $*\" >&2; exit 1");
    let output = Command::new(env!("CARGO_BIN_EXE_packaging"))
        .args(["--arch", "arm64"])
        .env("PATH", folder.path())
        .output()
        .unwrap();
    let error = fails(&output);
    assert!(error.contains("called: target add aarch64-unknown-linux-gnu"), "{error}");
    let last = error.lines().last().unwrap();
    assert!(last.starts_with("error: cannot build for arm64"), "{error}");
    assert!(last.contains("run `rustup target add aarch64-unknown-linux-gnu`"), "{error}");
    assert!(last.contains("`--arch x86_64`"), "{error}");
}

#[test]
fn a_wrong_command_line_is_told() {
    for (arguments, says) in [
        (["--arch", "aarch64"], "unknown architecture \"aarch64\"; use arm64 or x86_64"),
        (["--arm", "64"], "unknown option --arm; see `cargo xtask build --help`"),
    ] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_packaging")).args(arguments).output().unwrap();
        assert!(fails(&output).contains(says), "{output:?}");
    }
}

fn fails(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn script(path: &Path, line: &str) {
    fs::write(path, format!("#!/bin/sh\n{line}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

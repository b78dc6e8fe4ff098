//! `iam-auth` is published as it is here: with all files that it needs, and nothing that cargo warns of.

use std::env;
use std::process::Command;

use crate::workspace::root;

/// Packs it, unpacks it elsewhere, and builds it there.
#[test]
fn the_library_can_be_published() {
    let package = |options: &[&str]| {
        let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["package", "--package", "iam-auth", "--offline", "--allow-dirty"])
            .args(options)
            .current_dir(root())
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{stderr}");
        assert!(!stderr.contains("warning"), "{stderr}");
        String::from_utf8(output.stdout).unwrap()
    };
    package(&["--features", "embedded-roots"]);
    let files = package(&["--list"]);
    for file in ["README.md", "LICENSE-MIT", "roots/global-bundle.pem", "src/lib.rs"] {
        assert!(files.lines().any(|line| line == file), "{file} is not published:\n{files}");
    }
}

//! `iam-auth` is published as it is here: with all files that it needs, and nothing that cargo warns of.

use std::env;
use std::process::Command;

use crate::workspace::{read, root};

/// The workspace's profile for its dependencies: those that have the same features there are not built again.
const PROFILE: [&str; 4] =
    ["--config", "profile.dev.debug=false", "--config", "profile.dev.package.ring.opt-level=3"];

/// Packs it, unpacks it elsewhere, and builds it there.
#[test]
fn the_library_can_be_published() {
    let package = |options: &[&str]| {
        let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["package", "--package", "iam-auth", "--offline", "--allow-dirty"])
            .args(PROFILE)
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

/// The types of these crates are in the public API (`crates/iam-auth/tests/public_api.rs`).
#[test]
fn the_librarys_readme_names_the_versions_of_its_public_types() {
    let (readme, workspace) = (read("crates/iam-auth/README.md"), read("Cargo.toml"));
    for name in ["aws-credential-types", "rustls", "rustls-pki-types"] {
        let line = workspace.lines().find(|line| line.split(' ').next() == Some(name)).unwrap();
        let version = line.split('"').nth(1).unwrap();
        // What may change incompatibly: the first number that is not 0.
        let compatible = match version.split_once('.') {
            Some(("0", rest)) => format!("0.{}", rest.split('.').next().unwrap()),
            Some((major, _)) => major.to_owned(),
            None => version.to_owned(),
        };
        let row = format!("| `{name}` | {compatible} |");
        assert!(readme.contains(&row), "crates/iam-auth/README.md has no row {row}");
    }
}

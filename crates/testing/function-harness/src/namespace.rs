//! Folders mounted where Lambda has them, as one process and its children alone see it: in a mount
//! namespace of their own, which needs no root.

use std::path::Path;
use std::process::Command;

/// What makes the namespace, to be followed by the command that runs in it.
pub const UNSHARE: [&str; 4] = ["unshare", "--map-current-user", "--keep-caps", "--mount"];

/// Panics when this machine makes no such namespace: when `folder` cannot be mounted at `/opt`.
pub fn require(folder: &Path) {
    let [program, options @ ..] = UNSHARE;
    let mounted = Command::new(program)
        .args(options)
        .args(["mount", "--bind"])
        .args([folder, Path::new("/opt")])
        .output()
        .expect("unshare (of util-linux) is installed");
    assert!(
        mounted.status.success(),
        "this machine does not let a process mount a folder for itself, which the test of the \
         layer needs: allow unprivileged user namespaces, or run it as root: {}",
        String::from_utf8_lossy(&mounted.stderr)
    );
}

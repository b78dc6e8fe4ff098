//! Folders mounted where Lambda has them, visible to one process and its children: a mount namespace,
//! which needs no root.

use std::path::Path;
use std::process::Command;

/// The command that makes the namespace, followed by the command that runs in it.
pub const UNSHARE: [&str; 4] = ["unshare", "--map-current-user", "--keep-caps", "--mount"];

/// Panics if `folder` cannot be mounted at `/opt` in such a namespace.
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
        "this machine does not let a process mount a folder in its own namespace, which the \
         test of the layer needs: allow unprivileged user namespaces, or run it as root: {}",
        String::from_utf8_lossy(&mounted.stderr)
    );
}

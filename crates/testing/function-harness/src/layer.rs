//! The layer of the RDS roots: its files, packed and unpacked, and mounted where Lambda mounts it.

use rds_ca::{Certs, layer};
use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::SystemTime;
use zip::ZipArchive;

use crate::namespace::{self, UNSHARE};

/// The files of this project's layer.
pub fn files() -> BTreeMap<String, String> {
    let certs = pinned_tools::workspace().unwrap().join("certs");
    #[allow(clippy::disallowed_methods, reason = "certs/ must hold today")]
    let now = SystemTime::now();
    layer::files(&Certs::read(&certs, now).expect("certs/ holds"), &[]).unwrap()
}

/// Packs the files into a layer, and unpacks it as Lambda does.
pub fn unpack(files: &BTreeMap<String, String>, opt: &Path) {
    let zip = layer::zip(files).unwrap();
    ZipArchive::new(Cursor::new(zip)).unwrap().extract(opt).unwrap();
}

/// Makes a `bootstrap` in `task_root` that runs `program` with `layer` at `/opt`.
pub(crate) fn mount_for(program: &Path, layer: &Path, task_root: &Path) {
    namespace::require(layer);
    // A copy, because the program may be in /opt.
    let copy = task_root.join("function");
    fs::copy(program, &copy).unwrap();
    let script = format!(
        "#!/bin/sh\nexec {} /bin/sh -ec 'mount --bind \"{}\" /opt; exec \"{}\"'\n",
        UNSHARE.join(" "),
        layer.display(),
        copy.display()
    );
    let bootstrap = task_root.join("bootstrap");
    fs::write(&bootstrap, script).unwrap();
    fs::set_permissions(&bootstrap, fs::Permissions::from_mode(0o755)).unwrap();
}

//! The layer, from its zip to a login: mounted where Lambda unpacks it, found without being named.

use local_rds::{Engine, Server};
use rds_ca::{Certs, layer};
use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::SystemTime;
use zip::ZipArchive;

use crate::Rig;
use crate::namespace::{self, UNSHARE};

const ITEMS: &str = r#"{"statement":"items"}"#;
const REGION_FILE: &str = "eu-west-1-bundle.pem";
const PROXY_FILE: &str = "amazon-trust-roots.pem";

/// A database's certificate is verified by its region's file, and by nothing else in the layer.
pub async fn regions_roots(engine: Engine, bootstrap: &str) {
    let rig = Rig::start(engine, bootstrap).await;
    logs_in(&rig, REGION_FILE).await;
    is_not_trusted(&rig, REGION_FILE).await;
}

/// A proxy's, by the roots of Amazon Trust Services.
pub async fn proxy_roots(engine: Engine, bootstrap: &str) {
    let host = format!("local-{engine}.proxy-abc123def456.eu-west-1.rds.amazonaws.com");
    let rig = Rig::with(Server::builder(engine).named(host), bootstrap).await;
    logs_in(&rig, PROXY_FILE).await;
    is_not_trusted(&rig, PROXY_FILE).await;
}

/// A layer without the endpoint's region says how to get one with it.
pub async fn region_not_there(engine: Engine, bootstrap: &str) {
    let rig = Rig::start(engine, bootstrap).await;
    let mut files = files();
    files.remove(REGION_FILE);
    unpack(&files, &rig.folder().join("opt"));
    let function = rig.deploy_with_layer(&rig.folder().join("opt")).await;
    let message = function.fails(ITEMS, "Settings").await;
    assert!(message.contains("/opt/rds-ca/eu-west-1-bundle.pem"), "{message}");
    assert!(message.contains("lacks the roots of eu-west-1"), "{message}");
    assert!(message.contains("cargo xtask certs update"), "{message}");
}

/// With the server's root in `file` alone, the function logs in, and its first line says by what.
async fn logs_in(rig: &Rig, file: &str) {
    let root = fs::read_to_string(rig.server.ca_bundle()).unwrap();
    let mut files = files();
    let trust =
        format!("(1 root from /opt/rds-ca/{file}, sha256 {})", rds_ca::sha256(root.as_bytes()));
    files.insert(file.to_owned(), root);
    let opt = rig.folder().join("opt-ours");
    unpack(&files, &opt);
    let function = rig.deploy_with_layer(&opt).await;
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    let logs = function.logs();
    let first = logs.lines().find(|line| line.contains("\"connected\"")).unwrap_or_default();
    assert!(first.contains(&trust), "{trust} is not in {first}");
}

/// With the server's root in every file but `file`, which holds AWS's, nothing is sent.
async fn is_not_trusted(rig: &Rig, file: &str) {
    let root = fs::read_to_string(rig.server.ca_bundle()).unwrap();
    let mut files = files();
    let aws = rds_ca::sha256(files[file].as_bytes());
    for (_, text) in files.iter_mut().filter(|(name, _)| *name != file && name.ends_with(".pem")) {
        text.clone_from(&root);
    }
    let opt = rig.folder().join("opt-aws");
    unpack(&files, &opt);
    let function = rig.deploy_with_layer(&opt).await;
    let message = function.fails(ITEMS, "Connect.Tls").await;
    assert!(message.contains("none of these roots"), "{message}");
    assert!(message.contains(&format!("from /opt/rds-ca/{file}, sha256 {aws}")), "{message}");
}

/// The files of the layer of this project.
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
    // A copy, since the program may itself be somewhere in /opt.
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

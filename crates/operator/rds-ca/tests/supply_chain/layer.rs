//! The layer is the same bytes everywhere, and every client loads it.

use iam_auth::{Endpoint, Roots, TrustStore};
use rds_ca::{Certs, layer, sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use zip::ZipArchive;

use crate::folder::{certs, now};

fn files() -> BTreeMap<String, String> {
    layer::files(&Certs::read(&certs(), now()).unwrap(), &[]).unwrap()
}

/// The layer, unpacked to a folder instead of `/opt`.
fn unpacked() -> TempDir {
    let opt = tempfile::tempdir().unwrap();
    let zip = layer::zip(&files()).unwrap();
    ZipArchive::new(Cursor::new(zip)).unwrap().extract(opt.path()).unwrap();
    opt
}

/// The PEM files of the unpacked layer, with their numbers of roots.
fn bundles(opt: &Path) -> Vec<(String, usize)> {
    let mut bundles: Vec<_> = fs::read_dir(opt.join("rds-ca"))
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .filter(|path| path.ends_with(".pem"))
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap().matches("BEGIN").count()))
        .collect();
    bundles.sort();
    assert_eq!(bundles.len(), 29, "27 regions, all of them, and Amazon Trust");
    bundles
}

#[test]
fn two_copies_of_the_project_make_the_same_bytes() {
    let copies = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let sums = copies.each_ref().map(|copy| {
        for folder in ["certs", "deploy", "target/debug"] {
            fs::create_dir_all(copy.path().join(folder)).unwrap();
        }
        for entry in fs::read_dir(certs()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copy.path().join("certs").join(entry.file_name())).unwrap();
        }
        // These mark a workspace and its target folder.
        fs::write(copy.path().join("deploy/template.yaml"), "").unwrap();
        fs::write(copy.path().join("target/CACHEDIR.TAG"), "").unwrap();
        let program = copy.path().join("target/debug/rds-ca");
        fs::copy(env!("CARGO_BIN_EXE_rds-ca"), &program).unwrap();
        let zip = copy.path().join("target/lambda/rds-ca-layer.zip");
        let output = Command::new(program)
            .arg("layer")
            .env_remove("CARGO_MANIFEST_DIR")
            .env("TZ", copy.path()) // a time zone that nobody has
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let sum = sha256(&fs::read(zip).unwrap());
        assert!(said.contains(&format!("sha256 {sum}")), "{said}");
        sum
    });
    assert_eq!(sums[0], sums[1]);
    assert_eq!(sums[0], sha256(&layer::zip(&files()).unwrap()));
}

#[test]
fn the_zip_says_nothing_of_who_made_it() {
    let zip = layer::zip(&files()).unwrap();
    let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
    let names: Vec<_> = archive.file_names().map(str::to_owned).collect();
    assert!(names.is_sorted(), "{names:?}");
    for index in 0..archive.len() {
        let file = archive.by_index(index).unwrap();
        let mode = if file.is_dir() { 0o40_755 } else { 0o100_644 };
        assert_eq!(file.unix_mode(), Some(mode), "{}", file.name());
        assert_eq!(file.last_modified().unwrap().to_string(), "1980-01-01 00:00:00");
        assert_eq!(file.extra_data().unwrap_or_default(), b"", "{}", file.name());
        assert!(file.name().starts_with("rds-ca/"));
    }
}

#[test]
fn the_functions_load_every_file() {
    let opt = unpacked();
    for (path, roots) in bundles(opt.path()) {
        assert_eq!(TrustStore::load(Path::new(&path), now()).unwrap().len(), roots, "{path}");
    }
}

#[test]
fn each_endpoint_finds_its_file() {
    let files = files();
    for (host, roots) in [
        ("db.abc123def456.eu-west-1.rds.amazonaws.com", 3),
        ("db.proxy-abc123def456.eu-west-1.rds.amazonaws.com", 5),
        ("db.global-abc123def456.global.rds.amazonaws.com", 81),
    ] {
        let endpoint = Endpoint::parse(host, 3306)
            .or_else(|_| Endpoint::with_region(host, 3306, "eu-west-1"))
            .unwrap();
        let path = TrustStore::default_path(&endpoint, Roots::of(&endpoint));
        let name = path.strip_prefix(Path::new("/opt").join(layer::FOLDER)).unwrap();
        let text = &files[name.to_str().unwrap()];
        assert_eq!(text.matches("BEGIN").count(), roots, "{host}");
        if roots == 3 {
            assert_eq!(text.matches("# Amazon RDS eu-west-1 Root CA").count(), 3);
        }
    }
}

#[test]
fn a_small_layer_trusts_less() {
    let certs = Certs::read(&certs(), now()).unwrap();
    let small = layer::files(&certs, &["eu-west-1".into(), "us-east-1".into()]).unwrap();
    let names: Vec<_> = small.keys().map(String::as_str).collect();
    let bundles = ["eu-west-1-bundle.pem", "global-bundle.pem", "us-east-1-bundle.pem"];
    assert_eq!(names, [&["PROVENANCE.json", "amazon-trust-roots.pem"], &bundles[..]].concat());
    assert_eq!(small["global-bundle.pem"].matches("BEGIN").count(), 6);
    let sum = sha256(small["global-bundle.pem"].as_bytes());
    assert!(small["PROVENANCE.json"].contains(&sum));

    let error = layer::files(&certs, &["ap-east-9".into()]).unwrap_err().to_string();
    assert!(error.contains("no roots of ap-east-9; run `cargo xtask certs update`"), "{error}");
    let error = layer::files(&certs, &["cn-north-1".into()]).unwrap_err().to_string();
    assert!(error.contains("certs update --partition aws-cn`"), "{error}");
}

/// Passes the files to a program, which must load each and print its number of roots, one per line. The test
/// says so if the machine lacks the program.
fn loads(program: &str, command: [&str; 3]) {
    if let Err(error) = Command::new(program).arg("--version").output() {
        eprintln!("not tested: cannot run {program}: {error}");
        return;
    }
    let opt = unpacked();
    let (paths, roots): (Vec<_>, Vec<_>) = bundles(opt.path()).into_iter().unzip();
    let [interpreter, option, script] = command;
    let output = Command::new(interpreter).args([option, script]).args(paths).output().unwrap();
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {wrong}");
    let said = String::from_utf8_lossy(&output.stdout);
    let found: Vec<usize> = said.lines().map(|line| line.trim().parse().unwrap()).collect();
    assert_eq!(found, roots, "{program}: {wrong}");
}

#[test]
fn openssl_loads_every_file() {
    // With `-c`, the first argument is the shell's name.
    let script = r#"set -e
for file in "$0" "$@"; do openssl storeutl -noout -certs "$file" | sed -n 's/Total found: //p'; done"#;
    loads("openssl", ["sh", "-c", script]);
}

#[test]
fn python_loads_every_file() {
    let script = "
import ssl, sys
for path in sys.argv[1:]:
    print(ssl.create_default_context(cafile=path).cert_store_stats()['x509_ca'])";
    loads("python3", ["python3", "-c", script]);
}

#[test]
fn node_loads_every_file() {
    // A context loads the whole file and does not count; the certificates are counted one by one.
    let script = "
for (const path of process.argv.slice(1)) {
    const text = require('fs').readFileSync(path, 'utf8');
    require('tls').createSecureContext({ ca: text });
    const blocks = text.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g);
    console.log(blocks.filter((block) => new (require('crypto').X509Certificate)(block).ca).length);
}";
    loads("node", ["node", "-e", script]);
}

//! The contents of the zips, and that they are always the same bytes.

use packaging::Package;
use sql_function::Catalogue;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use zip::{DateTime, ZipArchive};

use crate::built::{package, packages};
use crate::clones::{self, SETTINGS};
use crate::machine::{architecture, say};

#[test]
fn hold_the_program_and_the_statements_of_its_engine() {
    assert_eq!(packages().len(), 2);
    for (function, engine) in [("mysql-function", "mysql"), ("postgres-function", "postgres")] {
        let Package { zip, bootstrap, .. } = package(function);
        let mut expected = BTreeMap::from([
            ("bootstrap".to_owned(), (0o100_755, fs::read(bootstrap).unwrap())),
            ("statements/".to_owned(), (0o040_755, Vec::new())),
        ]);
        let workspace = pinned_tools::workspace().unwrap();
        for entry in fs::read_dir(workspace.join("deploy/statements").join(engine)).unwrap() {
            let path = entry.unwrap().path();
            if !Catalogue::takes(&path) {
                continue;
            }
            let name = path.file_name().unwrap().to_str().unwrap();
            // They are beside the program too.
            let beside = bootstrap.with_file_name("statements").join(name);
            assert_eq!(fs::read(beside).unwrap(), fs::read(&path).unwrap());
            expected.insert(format!("statements/{name}"), (0o100_644, fs::read(&path).unwrap()));
        }
        assert!(expected.len() > 2, "{engine} has statements");

        let mut archive = ZipArchive::new(File::open(zip).unwrap()).unwrap();
        let mut names = Vec::new();
        for index in 0..archive.len() {
            let mut file = archive.by_index(index).unwrap();
            let name = file.name().to_owned();
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            let (mode, expected) = &expected[&name];
            assert_eq!(file.unix_mode(), Some(*mode), "{function}: {name}");
            assert!(content == *expected, "{function}: {name} has other content");
            assert_eq!(file.last_modified(), Some(DateTime::default()), "{function}: {name}");
            names.push(name);
        }
        assert!(names.iter().eq(expected.keys()), "{function}: {names:?}");
        let mode = fs::metadata(bootstrap).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755, "{function}");
    }
}

#[test]
fn are_the_same_bytes_when_built_again() {
    let bytes = || packages().iter().map(|package| fs::read(&package.zip).unwrap());
    let first: Vec<_> = bytes().collect();
    let again = packaging::build(architecture(), &mut say).unwrap();
    let sums =
        |packages: &[Package]| packages.iter().map(|p| p.zip_sha256.clone()).collect::<Vec<_>>();
    assert_eq!(sums(&again), sums(packages()));
    let mut odd = Command::new(env!("CARGO_BIN_EXE_packaging"));
    let odd = clones::sums(odd.arg("--json").envs(SETTINGS));
    assert!(sums(packages()).iter().eq(odd.values()), "{odd:?}");
    assert!(bytes().eq(first));
}

#[test]
fn are_small_enough_to_be_sent_to_lambda() {
    for package in packages() {
        // Lambda's limit is 50 MB. More than a tenth of it would mean that something got in by mistake.
        assert!(package.zip_bytes < 5_000_000, "{package:?}");
        assert!(package.bootstrap_bytes > 1_000_000, "{package:?}");
    }
}

//! ARCHITECTURE.md is right about the crates: where each one is, what it depends on, and which tests
//! enforce the invariants.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use crate::workspace::{Dependency, Package, has_test, packages, read, root, sources};

/// The bands, from the ground up. A crate depends on its own band and on lower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Band {
    Deployed,
    Operator,
    Local,
    Testing,
    Xtask,
}

impl Band {
    const ALL: [Band; 5] =
        [Band::Deployed, Band::Operator, Band::Local, Band::Testing, Band::Xtask];

    /// The folder of the band's crates.
    fn folder(self) -> &'static str {
        match self {
            Band::Deployed => "crates/",
            Band::Operator => "crates/operator/",
            Band::Local => "crates/local/",
            Band::Testing => "crates/testing/",
            Band::Xtask => "xtask/",
        }
    }

    /// The band of a crate, by its folder. The examples are programs that tests run.
    fn of(package: &Package) -> Band {
        let folder = format!("{}/", package.folder);
        if folder.starts_with("examples/") {
            return Band::Testing;
        }
        let bands = Band::ALL.into_iter().filter(|band| folder.starts_with(band.folder()));
        let band = bands.max_by_key(|band| band.folder().len());
        band.unwrap_or_else(|| panic!("{} is in no band: {folder}", package.name))
    }
}

/// What is deployed: the functions, and the crates of the workspace that they link.
const FUNCTIONS: [&str; 2] = ["mysql-function", "postgres-function"];

/// A chapter of ARCHITECTURE.md, by its heading, with its sections.
fn chapter(document: &str, heading: &str) -> String {
    let chapters = document.split("\n## ").filter_map(|chapter| chapter.split_once('\n'));
    let mut found = chapters.filter(|(title, _)| *title == heading);
    found.next().unwrap_or_else(|| panic!("no chapter {heading:?}")).1.to_owned()
}

/// The cells of a table's rows, without its head.
fn rows(chapter: &str) -> Vec<Vec<&str>> {
    let lines = chapter.lines().filter_map(|line| line.strip_prefix("| "));
    let rows = lines.map(|line| line.trim_end_matches(" |").split(" | ").collect());
    rows.skip(1).collect()
}

/// What stands in backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// How the code map introduces a crate.
fn bold(name: &str) -> String {
    format!("**`{name}`**")
}

/// The names in each box of the picture, by the folder that labels it.
fn boxes(document: &str) -> BTreeMap<String, BTreeSet<String>> {
    let chapter = chapter(document, "Bird's-eye view");
    let picture = chapter.split("```").nth(1).unwrap();
    let boxes = picture.split("┌─ ").skip(1).map(|text| {
        let (label, content) = text.split_once(' ').unwrap();
        let words = content.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        (label.to_owned(), words.map(str::to_owned).collect())
    });
    boxes.collect()
}

/// The crates of the workspace that a crate reaches, tests and examples aside.
fn reached<'a>(packages: &'a [Package], from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut queue = vec![from];
    while let Some(name) = queue.pop() {
        let Some(package) = packages.iter().find(|package| package.name == name) else { continue };
        if reached.insert(&*package.name) {
            queue.extend(linked(package).map(|dependency| &*dependency.name));
        }
    }
    reached
}

fn linked(package: &Package) -> impl Iterator<Item = &Dependency> {
    package.dependencies.iter().filter(|dependency| !dependency.is_dev)
}

/// Whether a crate, or a crate of the workspace that it links, depends on one of `forbidden`.
fn depends_on(packages: &[Package], name: &str, forbidden: &[&str]) -> Option<String> {
    let reached = reached(packages, name);
    let mut found = packages
        .iter()
        .filter(|package| reached.contains(&*package.name))
        .flat_map(|package| linked(package).map(|dependency| (&package.name, &dependency.name)));
    found
        .find(|(_, dependency)| forbidden.contains(&&***dependency))
        .map(|(from, to)| format!("{from} depends on {to}"))
}

#[test]
fn every_crate_is_in_picture_table_and_map() {
    let document = read("ARCHITECTURE.md");
    let boxes = boxes(&document);
    let table = chapter(&document, "Crates");
    let map = chapter(&document, "Code map");
    let packages = packages();
    for package in &packages {
        let Package { name, folder, .. } = package;
        let band = Band::of(package).folder();
        let drawn: Vec<_> = boxes.iter().filter(|(_, names)| names.contains(name)).collect();
        let drawn: Vec<_> = drawn.iter().map(|(label, _)| &***label).collect();
        assert_eq!(drawn, [band], "{name} is drawn in these boxes, and belongs to {band}");
        let row = rows(&table).into_iter().find(|row| row[0] == format!("`{name}`"));
        let row = row.unwrap_or_else(|| panic!("{name} is not in the table"));
        assert_eq!(row[1], folder, "the folder of {name} in the table");
        assert!(map.contains(&bold(name)), "{name} is not in the code map");
    }
    let is_crate = |name: &str| packages.iter().any(|package| package.name == name);
    for row in rows(&table) {
        assert!(is_crate(quoted(row[0])[0]), "the table has {}, which is no crate", row[0]);
    }
    for name in map.split("**`").skip(1).filter_map(|text| text.split_once("`**")) {
        assert!(is_crate(name.0), "the code map has {}, which is no crate", name.0);
    }
}

#[test]
fn the_table_names_every_dependency() {
    let document = read("ARCHITECTURE.md");
    let table = chapter(&document, "Crates");
    let packages = packages();
    let is_ours = |name: &str| packages.iter().any(|package| package.name == name);
    for row in rows(&table) {
        let name = quoted(row[0])[0];
        let package = packages.iter().find(|package| package.name == name).unwrap();
        let linked: BTreeSet<_> = linked(package)
            .map(|dependency| &*dependency.name)
            .filter(|name| is_ours(name))
            .collect();
        let shown: BTreeSet<_> = quoted(row[2]).into_iter().collect();
        assert_eq!(
            shown, linked,
            "what {name} depends on: left in the table, right in its manifest"
        );
    }
}

#[test]
fn what_is_deployed_is_what_the_functions_link() {
    let packages = packages();
    let linked: BTreeSet<_> =
        FUNCTIONS.iter().flat_map(|function| reached(&packages, function)).collect();
    let deployed = packages.iter().filter(|package| Band::of(package) == Band::Deployed);
    let deployed: BTreeSet<_> = deployed.map(|package| &*package.name).collect();
    assert_eq!(deployed, linked, "left the crates right under crates/, right what is linked");
}

#[test]
fn no_dependency_runs_up() {
    let packages = packages();
    let band = |name: &str| packages.iter().find(|package| package.name == name).map(Band::of);
    for package in &packages {
        let from = Band::of(package);
        for Dependency { name, .. } in linked(package) {
            let to = band(name).unwrap_or(Band::Deployed); // from crates.io
            assert!(to <= from, "{} ({from:?}) depends on {name} ({to:?})", package.name);
        }
    }
}

#[test]
fn iam_auth_knows_no_driver_and_no_lambda() {
    let forbidden = [
        "mysql_async",
        "mysql_common",
        "tokio-postgres",
        "tokio-postgres-rustls",
        "postgres-protocol",
        "lambda_runtime",
        "lambda-extension",
    ];
    assert_eq!(depends_on(&packages(), "iam-auth", &forbidden), None);
}

/// Not even in its tests.
#[test]
fn the_verifier_shares_no_code_with_the_signer() {
    const SIGNERS: [&str; 2] = ["iam-auth", "aws-sigv4"];
    let packages = packages();
    assert_eq!(depends_on(&packages, "rds-iam-verifier", &SIGNERS), None);
    let verifier = packages.iter().find(|package| package.name == "rds-iam-verifier").unwrap();
    assert!(!verifier.dependencies.iter().any(|it| SIGNERS.contains(&&*it.name)));
}

#[test]
fn main_and_the_credentials_alone_read_the_environment() {
    let packages = packages();
    let deployed = packages.iter().filter(|package| Band::of(package) == Band::Deployed);
    let files = deployed.flat_map(|package| sources(&root().join(&package.folder).join("src")));
    let reads = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        text.lines().any(|line| line.contains("env::") && !line.trim_start().starts_with("//"))
    };
    let readers = files.filter(|file| !file.ends_with("tests.rs") && reads(file));
    let readers: BTreeSet<_> =
        readers.map(|file| file.strip_prefix(root()).unwrap().display().to_string()).collect();
    let allowed = [
        "crates/iam-auth/src/chain.rs",
        // Writes a variable before anything else runs.
        "crates/mysql-function/src/buffer_pool.rs",
        // The macro whose text stands in each `main`.
        "crates/sql-function/src/surroundings.rs",
    ];
    assert_eq!(readers, allowed.map(str::to_owned).into());
}

/// An entry of the code map names files and folders in the `src` of each crate that it is about.
#[test]
fn the_files_of_the_code_map_exist() {
    let map = chapter(&read("ARCHITECTURE.md"), "Code map");
    let packages = packages();
    for entry in map.split("\n- ") {
        let names = quoted(entry);
        let about = packages.iter().filter(|it| entry.contains(&bold(&it.name)));
        for Package { name, folder, .. } in about {
            let src = root().join(folder).join("src");
            for file in names.iter().filter(|name| name.ends_with(".rs") || name.ends_with('/')) {
                assert!(src.join(file).exists(), "{name} has no {file}");
            }
        }
    }
}

#[test]
fn every_invariant_is_enforced() {
    let invariants = chapter(&read("ARCHITECTURE.md"), "Invariants");
    let packages = packages();
    for row in rows(&invariants) {
        let enforced = quoted(row[1]);
        let tests = enforced.iter().filter(|name| name.contains("::"));
        for test in tests.clone() {
            assert!(has_test(&packages, test), "{}: there is no test {test}", row[0]);
        }
        let by_lint = row[1].contains("clippy.toml") || row[1].contains("Cargo.toml");
        assert!(by_lint || tests.count() > 0, "nothing enforces: {}", row[0]);
    }
}

//! TypeScript that its own compiler accepts, in its strictest mode. That it runs is tested with local-stack's
//! program.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use typed_clients::{Description, Language};

use crate::catalogue::{empty, nasty, random};

/// The most that the compiler can ask of a file.
const OPTIONS: [&str; 14] = [
    "--noEmit",
    "--strict",
    "--target",
    "es2022",
    "--module",
    "nodenext",
    "--erasableSyntaxOnly",
    "--verbatimModuleSyntax",
    "--noUncheckedIndexedAccess",
    "--exactOptionalPropertyTypes",
    "--noPropertyAccessFromIndexSignature",
    "--noImplicitReturns",
    "--noUnusedLocals",
    "--noUnusedParameters",
];

/// What the compiler says of the clients for these descriptions.
fn compile(descriptions: &[Description]) -> Result<(), String> {
    let project =
        pinned_tools::workspace().unwrap().join("crates/operator/typed-clients/tests/typescript");
    let (node, packages) =
        pinned_tools::npm_packages("typed-clients", &project, &mut |line| println!("{line}"))
            .unwrap();
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("package.json"), r#"{"type": "module"}"#).unwrap();
    let mut tsc = Command::new(node.node);
    tsc.arg(packages.program("typescript/bin/tsc").unwrap())
        .args(OPTIONS)
        .current_dir(folder.path());
    for (at, description) in descriptions.iter().enumerate() {
        let client = Language::TypeScript.client(description, "cargo xtask describe --typescript");
        let name = format!("client{at}.ts");
        fs::write(folder.path().join(&name), client).unwrap();
        tsc.arg(name);
    }
    let output = tsc.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(())
    } else {
        Err(said + &first_wrong(folder.path(), &output.stdout))
    }
}

/// The first file that is wrong.
fn first_wrong(folder: &Path, said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let name = said.split('(').next().unwrap_or_default();
    fs::read_to_string(folder.join(name)).unwrap_or_default()
}

#[test]
fn difficult_names_and_none_at_all_compile() {
    compile(&[nasty(), empty()]).unwrap();
}

/// One run of the compiler for many.
#[test]
fn any_description_is_typescript() {
    let mut runner = TestRunner::default();
    let descriptions: Vec<_> =
        (0..200).map(|_| random().new_tree(&mut runner).unwrap().current()).collect();
    compile(&descriptions).unwrap();
}

/// The types of errors that docs/REFERENCE.md promises.
#[test]
fn every_type_of_error_is_known() {
    let reference = pinned_tools::workspace().unwrap().join("docs/REFERENCE.md");
    let reference = fs::read_to_string(reference).unwrap();
    let (_, errors) = reference.split_once("\n## Errors\n").unwrap();
    let (_, table) = errors.split_once("|---|---|\n").unwrap();
    let names = table.lines().take_while(|line| line.starts_with("| ")).flat_map(|line| {
        let (names, _) = line[2..].split_once(" | ").unwrap();
        names.split(", ").map(|name| name.trim_matches('`').to_owned())
    });
    let mut names: Vec<_> = names.collect();
    let client = Language::TypeScript.client(&nasty(), "cargo xtask describe --typescript");
    let (_, types) = client.split_once("export type ErrorType =\n").unwrap();
    let types = types.lines().map_while(|line| line.strip_prefix("  | \"")?.strip_suffix('"'));
    let mut types: Vec<_> = types.map(str::to_owned).collect();
    names.sort();
    types.sort();
    assert_eq!(types, names);
}

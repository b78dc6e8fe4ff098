//! The linters find nothing in the templates as written and as translated.

use deploy_template::{Template, example_database, example_proxy, functions};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

use crate::deployer;
use crate::stack::{BUILT, FUNCTIONS, GENERATED, built};

/// A linter without an AWS account.
fn linter(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env("HOME", home)
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("SAM_CLI_TELEMETRY", "0");
    for name in ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    command
}

/// Everything that cfn-lint finds, including informational findings, and whether it passes.
fn cfn_lint(home: &Path, files: &[PathBuf]) -> (String, bool) {
    let tools = pinned_tools::sam(&mut |line| println!("{line}")).unwrap();
    let mut command = linter(&tools.cfn_lint, home);
    let output =
        command.args(["--include-checks", "I", "--template"]).args(files).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (said.into_owned(), output.status.success())
}

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

/// Folders of statements, each of which gives a template of another form.
const FOLDERS: [(&str, &[(&str, &str)]); 4] = [
    ("one-engine", &[("mysql/a.sql", "SELECT 1")]),
    ("one-schedule", &[("postgres/a.sql", "-- schedule: rate(1 day)\nSELECT 1")]),
    ("further-alone", &[("mysql-a/a.sql", "-- schedule: rate(1 day)\nSELECT 1")]),
    ("flat", &[("a.sql", "-- schedule: rate(1 day)\nSELECT 1")]),
];

#[test]
fn cfn_lint_finds_nothing() {
    let folder = TempDir::new().unwrap();
    let translated = write(&folder, "translated.json", &FUNCTIONS.translated.to_string());
    let deployer = write(
        &folder,
        "deployer.json",
        &deployer::as_template(&deployer::document(deployer::POLICY)),
    );
    let boundary = deployer::as_template(&deployer::document(deployer::BOUNDARY));
    let boundary = write(&folder, "boundary.json", &boundary);
    let mut files =
        vec![functions(), example_database(), example_proxy(), translated, deployer, boundary];
    for (name, statements) in FOLDERS {
        let text = built(statements);
        files.push(write(&folder, &format!("{name}.yaml"), &text));
        let translated = Template::of_text(&text).translated.to_string();
        files.push(write(&folder, &format!("{name}-translated.json"), &translated));
    }
    files.push(write(&folder, "generated.yaml", &BUILT));
    files.push(write(&folder, "generated-translated.json", &GENERATED.translated.to_string()));
    assert_eq!(cfn_lint(folder.path(), &files), (String::new(), true));
}

/// A linter that never finds anything would pass above.
#[test]
fn cfn_lint_finds_what_is_wrong() {
    let folder = TempDir::new().unwrap();
    let text = fs::read_to_string(functions()).unwrap();
    let no_condition = text.replace("Condition: HasMySqlQueue", "Condition: HasMySqlQueu");
    let policy = deployer::document(deployer::POLICY).to_string();
    let no_action = policy.replace("scheduler:GetSchedule", "scheduler:ReadSchedule");
    let no_action = deployer::as_template(&serde_json::from_str(&no_action).unwrap());
    let files =
        [write(&folder, "wrong.yaml", &no_condition), write(&folder, "deployer.json", &no_action)];
    let (said, content) = cfn_lint(folder.path(), &files);
    assert!(!content);
    assert!(
        said.contains("HasMySqlQueu") && said.to_lowercase().contains("readschedule"),
        "{said}"
    );
}

#[test]
fn sam_validate_finds_nothing() {
    let tools = pinned_tools::sam(&mut |line| println!("{line}")).unwrap();
    let home = TempDir::new().unwrap();
    // Otherwise it asks PyPI for a newer version, and reports it. The time must be a float.
    let settings = home.path().join(".aws-sam");
    fs::create_dir(&settings).unwrap();
    let year_2100 = r#"{"lastVersionCheck": 4102444800.0}"#;
    fs::write(settings.join("metadata.json"), year_2100).unwrap();
    let generated = write(&home, "generated.yaml", &BUILT);
    for template in [functions(), example_database(), example_proxy(), generated] {
        let mut command = linter(&tools.sam, home.path());
        let output =
            command.args(["validate", "--lint", "--template"]).arg(&template).output().unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        let path = fs::canonicalize(template).unwrap();
        assert!(output.status.success(), "{said}");
        assert_eq!(said.trim(), format!("{} is a valid SAM Template", path.display()));
    }
}

#[test]
fn the_translation_is_of_sam_templates_alone() {
    assert!(FUNCTIONS.source["Transform"].is_string());
    assert!(FUNCTIONS.translated["Transform"].is_null());
    for plain in [example_database(), example_proxy()] {
        let plain = Template::read(&plain);
        assert_eq!(plain.source, plain.translated);
    }
}

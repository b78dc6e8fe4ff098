//! The program behind `cargo xtask certs` and `cargo xtask layer`.

#![forbid(unsafe_code)]
#![allow(clippy::print_stderr)] // it talks to a person

mod flags;

use command_line::print;
use flags::Command;
use rds_ca::{Certs, Client, Failure, embedded, layer, list, sha256, snapshot, update};
use std::env;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

fn main() -> ExitCode {
    #[allow(clippy::disallowed_methods)] // the boundary
    let now = SystemTime::now();
    match run(now) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(now: SystemTime) -> Result<(), Failure> {
    let command = flags::parse(env::args_os().skip(1))?;
    let workspace = pinned_tools::workspace()?;
    let (folder, copies) = (workspace.join("certs"), workspace.join(embedded::FOLDER));
    match command {
        Command::Help(text) => print(text),
        Command::Check => {
            let certs = Certs::read(&folder, now)?;
            embedded::check(&folder, &copies)?;
            print(&passed(&certs));
        }
        Command::Embed => {
            Certs::read(&folder, now)?;
            embedded::write(&folder, &copies)?;
        }
        Command::List => print(&list(&Certs::read(&folder, now)?)),
        Command::Snapshot { accept } => {
            let report = snapshot(&folder, accept, now)?;
            embedded::write(&folder, &copies)?;
            print(&report);
        }
        Command::Update { sources, accept } => {
            let client = Client::new();
            for source in sources {
                print(&update(&folder, &source, &client, accept, now)?);
                embedded::write(&folder, &copies)?;
            }
        }
        Command::Layer { regions } => {
            let zip = pinned_tools::target()?.join("lambda/rds-ca-layer.zip");
            print(&pack(&Certs::read(&folder, now)?, &regions, &zip)?);
        }
    }
    Ok(())
}

fn passed(certs: &Certs) -> String {
    let (roots, amazon_trust) = certs.count();
    let regions = certs.regions().len();
    let mut text = format!(
        "{roots} roots of {regions} regions and {amazon_trust} of Amazon Trust are valid\n"
    );
    if !certs.lacking().is_empty() {
        text += &format!(
            "missing: {}; fetch them with `cargo xtask certs update`\n",
            certs.lacking().join(", ")
        );
    }
    text
}

fn pack(certs: &Certs, regions: &[String], to: &Path) -> Result<String, Failure> {
    let files = layer::files(certs, regions)?;
    let zip = layer::zip(&files)?;
    let wrong = |error| format!("cannot write {}: {error}", to.display());
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(wrong)?;
    }
    // Replaced in one step: a deployment may be reading the old one.
    let new = to.with_extension("new");
    fs::write(&new, &zip).and_then(|()| fs::rename(&new, to)).map_err(wrong)?;
    Ok(format!(
        "{} ({} bytes)\nsha256 {}\nunpacks to /opt/{}:\n{}",
        to.display(),
        zip.len(),
        sha256(&zip),
        layer::FOLDER,
        layer::contents(&files)
    ))
}

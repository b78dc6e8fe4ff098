//! The program behind `cargo xtask build`.

#![forbid(unsafe_code)]
#![allow(clippy::print_stderr)] // it talks to a person

mod flags;

use command_line::print;
use flags::Flags;
use packaging::{Failure, Package};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    match flags::parse()? {
        Flags::Help(text) => print(text),
        Flags::Build { architecture, json } => {
            let packages = packaging::build(architecture, &mut |line| eprintln!("{line}"))?;
            print(&if json { serde_json::to_string(&packages)? } else { table(&packages) });
        }
    }
    Ok(())
}

/// Each zip, with sizes and sum.
fn table(packages: &[Package]) -> String {
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    let line = |package: &Package| {
        format!(
            "{}\n  {}, glibc {} or later, {:.2} MB in a zip of {:.2} MB, sha256 {}",
            package.zip.display(),
            package.architecture,
            package.glibc,
            megabytes(package.bootstrap_bytes),
            megabytes(package.zip_bytes),
            package.zip_sha256
        )
    };
    packages.iter().map(line).collect::<Vec<_>>().join("\n")
}

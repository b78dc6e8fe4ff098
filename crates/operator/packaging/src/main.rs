//! The program behind `cargo xtask build`.

#![forbid(unsafe_code)]
#![allow(clippy::print_stderr)] // it talks to a person

mod flags;

use command_line::print;
use flags::Flags;
use packaging::{Failure, Function, OwnPackage, Package, Scheduled};
use std::path::PathBuf;
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
        Flags::Own { package, architecture, json } => {
            let package = OwnPackage::read(&package)?;
            let progress = &mut |line: &str| eprintln!("{line}");
            let packages = [packaging::build_own(&package, architecture, progress)?];
            print(&if json { serde_json::to_string(&packages)? } else { table(&packages) });
        }
        Flags::Build { statements, engines, architecture, json } => {
            let mut functions = functions(statements.map_or_else(packaging::statements, Ok)?)?;
            let is_of = |function: &str| engines.iter().any(|engine| engine.function() == function);
            functions.retain(|it| engines.is_empty() || is_of(it.engine.function()));
            if functions.is_empty() {
                return Err("there are no statements of the engines of --engine".into());
            }
            let progress = &mut |line: &str| eprintln!("{line}");
            let packages = packaging::build_functions(&functions, architecture, progress)?;
            print(&if json {
                serde_json::to_string(&packages)?
            } else {
                format!("{}\n{}", table(&packages), schedules(&functions)?)
            });
        }
    }
    Ok(())
}

/// The functions of a folder, which is read from anywhere.
fn functions(statements: PathBuf) -> Result<Vec<Function>, Failure> {
    let folder = statements.canonicalize();
    packaging::functions(&folder.unwrap_or(statements))
}

/// The template, and the schedules in it.
fn schedules(functions: &[Function]) -> Result<String, Failure> {
    let template = pinned_tools::target()?.join("lambda/template.yaml");
    let mut text = template.display().to_string();
    for function in functions {
        for Scheduled { statement, expression, timezone, params, .. } in function.schedules()? {
            let timezone = timezone.map(|it| format!(" {it}")).unwrap_or_default();
            let params = params.map(|it| format!(", params {it}")).unwrap_or_default();
            text += &format!(
                "\n  {} runs {statement} at {expression}{timezone}{params}",
                function.name
            );
        }
    }
    Ok(text)
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

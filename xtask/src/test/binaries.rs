//! The test programs that cargo builds, and the tests in each.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;
use crate::cargo::{self, cargo};

/// A test program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binary {
    package: String,
    /// The file in the package's `tests/`, or `lib` or `bin` for unit tests.
    target: String,
    program: PathBuf,
    /// The package's folder.
    folder: PathBuf,
}

/// Has cargo build the tests that `arguments` select.
///
/// # Errors
/// Something does not compile; cargo has told the person.
pub(super) fn build(arguments: &[&str]) -> Result<Vec<Binary>, Failure> {
    let mut build = cargo(&["test", "--locked", "--no-run"])?;
    build.args(arguments).arg("--message-format=json-render-diagnostics");
    let output = build.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("the tests do not compile: {}", output.status).into());
    }
    let messages = String::from_utf8(output.stdout)?;
    let mut binaries: Vec<_> = messages.lines().filter_map(read).collect();
    binaries.sort_by_cached_key(Binary::label);
    Ok(binaries)
}

impl Binary {
    /// What a person calls it, such as `mysql-function integration`.
    pub(super) fn label(&self) -> String {
        format!("{} {}", self.package, self.target)
    }

    /// The file of integration tests that it is, if it is one of `package`.
    pub(super) fn test_of(&self, package: &str) -> Option<&str> {
        let is_test = self.package == package && !["lib", "bin"].contains(&&*self.target);
        is_test.then_some(&*self.target)
    }

    /// The same, built with a feature.
    pub(super) fn with(self, feature: &str) -> Binary {
        Binary { package: format!("{} with {feature}:", self.package), ..self }
    }

    /// The full name of one of its tests.
    pub(super) fn name(&self, test: &str) -> String {
        format!("{}::{}::{test}", self.package, self.target)
    }

    /// The names of its tests, ignored ones included.
    pub(super) fn tests(&self) -> Result<Vec<String>, Failure> {
        let output = self.command()?.args(["--list", "--format", "terse"]).output();
        let output = output.map_err(|error| format!("cannot run {}: {error}", self.label()))?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{} does not list its tests: {told}", self.label()).into());
        }
        let list = String::from_utf8(output.stdout)?;
        Ok(list.lines().filter_map(|line| line.strip_suffix(": test")).map(Into::into).collect())
    }

    /// The program, with the working directory and the variables that cargo gives it.
    pub(super) fn command(&self) -> Result<Command, Failure> {
        let mut command = cargo::command(&self.program)?;
        command.current_dir(&self.folder).stdin(Stdio::null());
        command.env("CARGO_MANIFEST_DIR", &self.folder);
        command.env("CARGO_MANIFEST_PATH", self.folder.join("Cargo.toml"));
        command.env("CARGO", cargo::program());
        Ok(command)
    }
}

/// Reads one of cargo's messages: a test program, or nothing when it is about something else.
///
/// The format: "External tools" in the Cargo Book. Cargo writes objects without spaces, one a line.
fn read(message: &str) -> Option<Binary> {
    let (_, profile) = message.split_once(r#""profile":{"#)?;
    let is_test = profile.split_once('}')?.0.contains(r#""test":true"#);
    let program = field(message, r#""executable":""#).filter(|_| is_test)?;
    let manifest = field(message, r#""manifest_path":""#)?;
    let folder = Path::new(&manifest).parent()?;
    // Either `…/FOLDER#VERSION` or `…#NAME@VERSION`.
    let id = field(message, r#""package_id":""#)?;
    let (location, package) = id.split_once('#')?;
    let package = match package.split_once('@') {
        Some((name, _)) => name,
        None => location.rsplit('/').next()?,
    };
    let (_, target) = message.split_once(r#""target":{"#)?;
    let target = match field(target, r#""kind":[""#)?.as_str() {
        "test" | "example" | "bench" => field(target, r#""name":""#)?,
        "bin" => "bin".to_owned(),
        _ => "lib".to_owned(),
    };
    let package = package.to_owned();
    Some(Binary { package, target, program: program.into(), folder: folder.to_owned() })
}

/// The JSON string that follows `key`. Strings with escapes other than `\"` and `\\` are none of those
/// that are read here.
fn field(message: &str, key: &str) -> Option<String> {
    let (_, rest) = message.split_once(key)?;
    let mut characters = rest.chars();
    let mut value = String::new();
    loop {
        match characters.next()? {
            '"' => return Some(value),
            '\\' => value.push(characters.next().filter(|next| matches!(next, '"' | '\\'))?),
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_programs_are_read_from_cargos_messages() {
        let message = r#"{"reason":"compiler-artifact","package_id":"path+file:///w/crates/local/rds#local-rds@0.1.0","manifest_path":"/w/crates/local/rds/Cargo.toml","target":{"kind":["test"],"crate_types":["bin"],"name":"servers","src_path":"/w/crates/local/rds/tests/servers/main.rs","edition":"2024","doc":false,"doctest":false,"test":true},"profile":{"opt_level":"0","debuginfo":2,"test":true},"features":[],"filenames":["/w/t/servers-1"],"executable":"/w/a \"b\"/servers-1","fresh":true}"#;
        let servers = read(message).unwrap();
        assert_eq!(servers.label(), "local-rds servers");
        assert_eq!(servers.program, Path::new("/w/a \"b\"/servers-1"));
        assert_eq!(servers.folder, Path::new("/w/crates/local/rds"));

        let message = message.replace("#local-rds@0.1.0", "#0.1.0");
        let unit = message.replace(r#"["test"]"#, r#"["cdylib","rlib"]"#);
        assert_eq!(read(&unit).unwrap().label(), "rds lib");

        let program = message.replace(r#"2,"test":true"#, r#"2,"test":false"#);
        assert_eq!(read(&program), None, "the program that a test runs");
        assert_eq!(read(r#"{"reason":"build-finished","success":true}"#), None);
    }
}

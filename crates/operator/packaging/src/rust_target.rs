//! Rust's standard library for the target architecture.

use std::path::Path;

use crate::Failure;
use crate::architecture::Architecture;
use crate::cargo::{answer, command};

/// Checks that it is installed. If not, rustup fetches it.
///
/// # Errors
/// It is missing, and rustup cannot fetch it. The text says what to do.
pub(crate) fn ensure(
    architecture: Architecture,
    progress: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let target = architecture.rust_target();
    if is_there(target)? {
        return Ok(());
    }
    progress(&format!(
        "Rust's standard library for {target} is missing: rustup target add {target}"
    ));
    // rustup reports its own progress.
    let added = command("rustup")?.args(["target", "add", target]).status();
    if added.is_ok_and(|status| status.success()) && is_there(target)? {
        return Ok(());
    }
    Err(format!(
        "cannot build for {architecture}: this Rust has no standard library for {target}; run `rustup \
         target add {target}`, or install its package if Rust is not from rustup (Debian: \
         libstd-rust-dev:{}), or build for the other architecture, `--arch {}`",
        match architecture {
            Architecture::Arm64 => "arm64",
            Architecture::X86_64 => "amd64",
        },
        match architecture {
            Architecture::Arm64 => Architecture::X86_64,
            Architecture::X86_64 => Architecture::Arm64,
        },
    )
    .into())
}

fn is_there(target: &str) -> Result<bool, Failure> {
    let mut rustc = command("rustc")?;
    let folder = answer(rustc.args(["--print", "target-libdir", "--target", target]))?;
    Ok(Path::new(&folder).is_dir())
}

//! Rust's standard library for the architecture that is built for.

use std::path::Path;

use crate::Failure;
use crate::architecture::Architecture;
use crate::cargo::{answer, command};

/// Sees to it that it is there. Where rustup manages the toolchain, it is fetched.
///
/// # Errors
/// It is not there and cannot be fetched. The text says what to do.
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
    // rustup says itself what it does.
    let added = command("rustup")?.args(["target", "add", target]).status();
    if added.is_ok_and(|status| status.success()) && is_there(target)? {
        return Ok(());
    }
    Err(format!(
        "cannot build for {architecture}: this Rust has no standard library for {target}. Where there \
         is a network, run `rustup target add {target}`; a Rust that does not come from rustup has it \
         in a package of its own (Debian: libstd-rust-dev:{}). The other architecture is \
         `--arch {}`",
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

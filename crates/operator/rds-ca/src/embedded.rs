//! The copies of the bundles that the crate `iam-auth` embeds, so that a program has the roots without
//! this repository.

use std::fs;
use std::path::Path;

use crate::Failure;
use crate::certs::{AMAZON_TRUST, GLOBAL, replace};

/// Where the copies are, from the root of the workspace.
pub const FOLDER: &str = "crates/iam-auth/roots";

/// Writes the copies of the bundles in `certs` to the folder `copies`.
///
/// # Errors
/// A bundle cannot be read, or a copy cannot be written.
pub fn write(certs: &Path, copies: &Path) -> Result<(), Failure> {
    let (global, amazon_trust) = (read(&certs.join(GLOBAL))?, read(&certs.join(AMAZON_TRUST))?);
    replace(copies, &[(GLOBAL, &global), (AMAZON_TRUST, &amazon_trust)])
}

/// Checks that the copies equal the bundles in `certs`.
///
/// # Errors
/// One differs or cannot be read; the error says how to write them.
pub fn check(certs: &Path, copies: &Path) -> Result<(), Failure> {
    for name in [GLOBAL, AMAZON_TRUST] {
        let copy = copies.join(name);
        if read(&copy)? != read(&certs.join(name))? {
            return Err(format!(
                "{} differs from certs/{name}; `cargo xtask certs embed` copies it",
                copy.display()
            )
            .into());
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()).into())
}

//! What is deployed, made: the zips of the functions and of the layer, at the places where the
//! template looks for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use packaging::Architecture;
use rds_ca::{Certs, layer};

use private_tools::workspace;
use crate::{Failure, Report};

/// Checks that the layer will hold the roots of `region`.
pub(crate) fn has_roots(region: &str, now: SystemTime) -> Result<(), Failure> {
    let certs = Certs::read(&workspace()?.join("certs"), now)?;
    if certs.regions().contains(region) {
        return Ok(());
    }
    Err(format!(
        "certs/ has no roots of {region}, and without them no function trusts a database there: \
         `cargo xtask certs update` fetches them, or --ca-bundle names a file that the function has"
    )
    .into())
}

/// Makes the zips.
pub(crate) fn make(
    architecture: Architecture,
    now: SystemTime,
    report: &Report,
) -> Result<(), Failure> {
    packaging::build(architecture, &mut |line| report.note(line))?;
    let certs = Certs::read(&workspace()?.join("certs"), now)?;
    let zip = layer::zip(&layer::files(&certs, &[])?)?;
    let to = private_tools::target()?.join("lambda/rds-ca-layer.zip");
    // Into its place in one step: another deploy may be reading the last one.
    let new = to.with_extension("new");
    fs::write(&new, zip)
        .and_then(|()| fs::rename(&new, &to))
        .map_err(|error| format!("cannot write {}: {error}", to.display()))?;
    Ok(())
}

/// The template. Where cargo's target folder is not in the workspace, a copy that finds the zips
/// there.
pub(crate) fn template() -> Result<PathBuf, Failure> {
    let template = workspace()?.join("deploy/template.yaml").canonicalize()?;
    let target = private_tools::target()?.canonicalize()?;
    if target == workspace()?.canonicalize()?.join("target") {
        return Ok(template);
    }
    let copy = target.join("lambda/template.yaml");
    let text = fs::read_to_string(&template)?;
    fs::write(&copy, relocated(&text, &target))?;
    Ok(copy)
}

fn relocated(template: &str, target: &Path) -> String {
    template.replace("../target/", &format!("{}/", target.display()))
}

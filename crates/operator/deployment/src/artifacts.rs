//! What is deployed: the zips of the functions and of the layer, and the template that names them.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use packaging::Architecture;
use pinned_tools::{target, workspace};
use rds_ca::{Certs, layer};

use crate::sum::Sum;
use crate::{Failure, Report};

/// A zip, read once: these are the bytes that are hashed and uploaded.
pub(crate) struct Zip {
    /// The resource that is made of it. SAM puts a hash behind a layer's name.
    pub(crate) resource: &'static str,
    /// Its place in cargo's target folder, which the template takes to be `target`.
    place: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) sum: Sum,
}

/// Each zip's resource and place. The functions are in the order in which they are built.
const ZIPS: [(&str, &str); 3] = [
    ("MySqlFunction", "lambda/mysql-function/bootstrap.zip"),
    ("PostgresFunction", "lambda/postgres-function/bootstrap.zip"),
    ("RdsCaLayer", "lambda/rds-ca-layer.zip"),
];

impl Zip {
    /// Whether it becomes the resource of this name and type in the stack.
    pub(crate) fn becomes(&self, resource: &str, kind: &str) -> bool {
        match kind {
            "AWS::Lambda::Function" => resource == self.resource,
            "AWS::Lambda::LayerVersion" => resource.starts_with(self.resource),
            _ => false,
        }
    }
}

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

/// Makes the zips, and gives the sum of each, in their order.
pub(crate) fn make(
    architecture: Architecture,
    now: SystemTime,
    report: &Report,
) -> Result<Vec<String>, Failure> {
    let packages = packaging::build(architecture, &mut |line| report.note(line))?;
    let certs = Certs::read(&workspace()?.join("certs"), now)?;
    let layer = layer::zip(&layer::files(&certs, &[])?)?;
    let to = target()?.join("lambda/rds-ca-layer.zip");
    // Into its place in one step: another deploy may be reading the last one.
    let new = to.with_extension("new");
    fs::write(&new, &layer)
        .and_then(|()| fs::rename(&new, &to))
        .map_err(|error| format!("cannot write {}: {error}", to.display()))?;
    let functions = packages.into_iter().map(|package| package.zip_sha256);
    Ok(functions.chain([rds_ca::sha256(&layer)]).collect())
}

/// Reads the zips. Where they were built, they must have the sums that `built` has.
///
/// # Errors
/// They are not there, or others are.
pub(crate) fn read(built: Option<&[String]>) -> Result<Vec<Zip>, Failure> {
    let target = target()?;
    let mut zips = vec![];
    for (index, (resource, place)) in ZIPS.into_iter().enumerate() {
        let path = target.join(place);
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let sum = Sum::of(&bytes);
        if built.is_some_and(|built| built.get(index) != Some(&sum.to_string())) {
            let path = path.display();
            return Err(
                format!("{path} is no longer what was built: something else writes there").into()
            );
        }
        zips.push(Zip { resource, place, bytes, sum });
    }
    Ok(zips)
}

/// The template, with the zips in this machine's folders.
pub(crate) fn template() -> Result<PathBuf, Failure> {
    Ok(workspace()?.join("deploy/template.yaml"))
}

/// The template's text, with each zip at the address that `address` gives.
///
/// # Errors
/// It does not name each zip once, or one has no address.
pub(crate) fn packaged(
    zips: &[Zip],
    address: impl Fn(&Zip) -> Result<String, Failure>,
) -> Result<String, Failure> {
    let path = template()?;
    let mut text = fs::read_to_string(&path)?;
    for zip in zips {
        let local = format!("../target/{}", zip.place);
        if text.matches(&local).count() != 1 {
            return Err(format!("{} does not name {local} once", path.display()).into());
        }
        text = text.replace(&local, &address(zip)?);
    }
    Ok(text)
}

//! The zips of the functions and the layer, and the template with their addresses.

use std::fs;
use std::time::SystemTime;

use iam_auth::{Endpoint, EndpointKind, Roots};
use packaging::{Architecture, Function};
use pinned_tools::{target, workspace};
use rds_ca::{Certs, layer};
use reproducible_zip::sha256;

use crate::sum::Sum;
use crate::{Failure, Report};

/// The layer of root certificates, in `target/lambda`.
const LAYER: &str = "rds-ca-layer.zip";

/// A zip, read once: these are the bytes that are hashed and uploaded.
pub(crate) struct Zip {
    /// The resource in the template. SAM adds a hash to a layer's name.
    pub(crate) resource: String,
    /// The path in `target/lambda`, as it is in the template.
    path: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) sum: Sum,
}

/// Each zip's resource and path, in the order of [`make`].
fn zips(functions: &[Function]) -> impl Iterator<Item = (String, String)> {
    let function = |function: &Function| {
        let path = format!("{}/bootstrap.zip", function.name);
        (format!("{}Function", function.prefix()), path)
    };
    let layer = ("RdsCaLayer".to_owned(), LAYER.to_owned());
    functions.iter().map(function).chain([layer])
}

impl Zip {
    /// Whether this is the code of the stack's resource of this name and type.
    pub(crate) fn becomes(&self, resource: &str, kind: &str) -> bool {
        match kind {
            "AWS::Lambda::Function" => resource == self.resource,
            "AWS::Lambda::LayerVersion" => resource.starts_with(&self.resource),
            _ => false,
        }
    }
}

/// Checks that the layer will have the `roots` of the endpoint's certificate, as the function does when it
/// starts.
pub(crate) fn has_roots(endpoint: &Endpoint, roots: Roots, now: SystemTime) -> Result<(), Failure> {
    let (region, partition) = (endpoint.region(), endpoint.partition());
    if !partition.has_known_roots() {
        return Err(format!(
            "no root certificates of {roots} are known for {region}, in {partition}; set --ca-bundle to a \
             file of the function with the bundle that AWS publishes for {region}: no address of it is known \
             here, and the roots of other partitions verify no server there"
        )
        .into());
    }
    if roots == Roots::Amazon || endpoint.kind() == EndpointKind::GlobalWriter {
        return Ok(());
    }
    let certs = Certs::read(&workspace()?.join("certs"), now)?;
    if certs.regions().contains(region) {
        return Ok(());
    }
    Err(format!(
        "certs/ has no roots of {region}, so the function could not verify a database there; fetch them \
         with `cargo xtask certs update --partition {partition}`, or set --ca-bundle to a file in the function"
    )
    .into())
}

/// Builds the zips, and returns the SHA-256 of each.
pub(crate) fn make(
    functions: &[Function],
    architecture: Architecture,
    now: SystemTime,
    report: &Report,
) -> Result<Vec<String>, Failure> {
    let progress = &mut |line: &str| report.note(line);
    let packages = packaging::build_functions(functions, architecture, progress)?;
    let certs = Certs::read(&workspace()?.join("certs"), now)?;
    let layer = layer::zip(&layer::files(&certs, &[])?)?;
    let to = target()?.join("lambda").join(LAYER);
    // Replaced in one step: another deployment may be reading the old one.
    let new = to.with_extension("new");
    fs::write(&new, &layer)
        .and_then(|()| fs::rename(&new, &to))
        .map_err(|error| format!("cannot write {}: {error}", to.display()))?;
    let functions = packages.into_iter().map(|package| package.zip_sha256);
    Ok(functions.chain([sha256(&layer)]).collect())
}

/// Reads the zips. They must have the sums `built`, where they were built now.
///
/// # Errors
/// One is missing, or has another sum.
pub(crate) fn read(functions: &[Function], built: Option<&[String]>) -> Result<Vec<Zip>, Failure> {
    let lambda = target()?.join("lambda");
    let mut zips = vec![];
    for (index, (resource, path)) in self::zips(functions).enumerate() {
        let file = lambda.join(&path);
        let bytes = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let sum = Sum::of(&bytes);
        if built.is_some_and(|built| built.get(index) != Some(&sum.to_string())) {
            let file = file.display();
            return Err(format!("{file} was replaced after it was built").into());
        }
        zips.push(Zip { resource, path, bytes, sum });
    }
    Ok(zips)
}

/// The text of a template, with the address of each zip in place of its path.
///
/// # Errors
/// It does not name each zip exactly once, or `address` fails.
pub(crate) fn packaged(
    template: &str,
    zips: &[Zip],
    address: impl Fn(&Zip) -> Result<String, Failure>,
) -> Result<String, Failure> {
    let mut text = template.to_owned();
    for zip in zips {
        let local = format!("Uri: {}\n", zip.path);
        if text.matches(&local).count() != 1 {
            return Err(format!("the template does not name {} exactly once", zip.path).into());
        }
        text = text.replace(&local, &format!("Uri: {}\n", address(zip)?));
    }
    Ok(text)
}

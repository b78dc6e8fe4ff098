//! The crate `iam-auth` embeds the roots of this repository, and no others.

use rds_ca::embedded;
use std::fs;

use crate::folder::certs;

#[test]
fn the_copies_are_the_bundles() {
    let copies = certs().join("..").join(embedded::FOLDER);
    embedded::check(&certs(), &copies).unwrap();
    let files = fs::read_dir(copies).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(files.count(), 2, "a file that nothing checks is embedded");
}

#[test]
fn a_copy_that_differs_is_refused_and_written_anew() {
    let copies = tempfile::tempdir().unwrap();
    assert!(embedded::check(&certs(), copies.path()).is_err(), "there are no copies yet");
    embedded::write(&certs(), copies.path()).unwrap();
    embedded::check(&certs(), copies.path()).unwrap();

    let copy = copies.path().join("amazon-trust-roots.pem");
    let roots = fs::read_to_string(&copy).unwrap();
    fs::write(&copy, roots.replacen("Amazon Root CA 1", "Amazon Root CA 9", 1)).unwrap();
    let error = embedded::check(&certs(), copies.path()).unwrap_err().to_string();
    assert!(error.contains(&copy.display().to_string()), "{error}");
    assert!(error.contains("cargo xtask certs embed"), "{error}");
    embedded::write(&certs(), copies.path()).unwrap();
    embedded::check(&certs(), copies.path()).unwrap();
}

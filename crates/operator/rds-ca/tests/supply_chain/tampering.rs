//! `check` refuses every change.

use iam_auth::TrustStore;
use rds_ca::{Certs, Root};
use rustls_pki_types::CertificateDer;
use std::time::SystemTime;

use crate::folder::{Folder, bundle, certs, now, pins, replaced};
use crate::forged::{NAME, forged, pem, real, wrong_bundles};

#[track_caller]
fn refused(what: &str, folder: &Folder, says: &str) {
    let error = folder.check().expect_err(what).to_string();
    assert!(error.contains(says), "{what}: {error}");
}

/// This test fails a year before a certificate expires.
#[test]
fn the_projects_own_certificates_hold_today() {
    #[allow(clippy::disallowed_methods)]
    let certs = Certs::read(&certs(), SystemTime::now()).unwrap();
    assert_eq!(certs.count().1, 5);
    assert!(certs.regions().len() >= 27);
    let pinned = 34;
    assert_eq!(certs.regions().len() + certs.lacking().len(), pinned);
}

#[test]
fn every_wrong_bundle_is_refused() {
    for (what, wrong, says) in wrong_bundles() {
        refused(what, &Folder::with(&wrong, &pins(&bundle())), says);
    }
}

#[test]
fn a_test_root_is_refused() {
    for name in ["Beta us-east-1", "Preview us-east-2"] {
        let name = format!("Amazon RDS {name} Root CA ECC384 G1");
        let wrong = bundle() + &forged(&name, |_| ());
        refused(&name, &Folder::with(&wrong, &pins(&bundle())), "is a test root of AWS");
    }
}

#[test]
fn a_forged_root_differs_from_its_pin() {
    let wrong = replaced(&bundle(), NAME, &forged(NAME, |_| ()));
    refused("a forged one", &Folder::with(&wrong, &pins(&bundle())), "but pinned as 88ecf027");
}

#[test]
fn an_unpinned_root_is_refused() {
    let pins = pins(&bundle());
    let without: String =
        pins.lines().filter(|line| !line.contains(NAME)).map(|line| format!("{line}\n")).collect();
    refused("an unpinned one", &Folder::with(&bundle(), &without), "is not pinned");
}

#[test]
fn files_that_changed_are_refused() {
    let folder = Folder::good();
    folder.put("global-bundle.pem", &("# hello\n".to_owned() + &bundle()));
    refused("another comment", &folder, "differs from its sum in PROVENANCE.json");

    let folder = Folder::good();
    folder.put("global-bundle.pem", "<!DOCTYPE html>\n<html></html>\n");
    refused("a web page", &folder, "line 1 is outside a certificate");

    let folder = Folder::good();
    folder.put("pins.csv", &folder.read("pins.csv").replace(",88ec", ",88e"));
    refused("a short pin", &folder, "the last field is not a SHA-256");

    let folder = Folder::good();
    let amazon_trust = folder.read("amazon-trust-roots.pem");
    folder.put("amazon-trust-roots.pem", &crate::folder::without(&amazon_trust, "Starfield"));
    refused(
        "four of five",
        &folder,
        "Starfield Services Root Certificate Authority - G2\" is missing",
    );

    let folder = Folder::good();
    std::fs::remove_file(folder.path().join("amazon-trust-roots.pem")).unwrap();
    refused("no file", &folder, "cannot read");
}

/// Even outside the signed bytes, because the parser is strict.
#[test]
fn no_single_bit_can_change() {
    let der = real("Amazon RDS eu-west-1 Root CA RSA2048 G1");
    let holds = |der: &[u8]| {
        TrustStore::from_pem(pem(der).as_bytes(), "one", now()).is_ok()
            && Root::read(&CertificateDer::from(der), now()).is_ok()
    };
    assert!(holds(&der));
    for bit in 0..der.len() * 8 {
        let mut flipped = der.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!holds(&flipped), "bit {bit} changes nothing");
    }
}

//! `update` writes what passes its checks, and otherwise does not change `certs/`.

use rds_ca::{Client, Source, update};

use crate::folder::{Folder, bundle, now, pins, replaced, without};
use crate::forged::{NAME, forged, wrong_bundles};
use crate::https::{Server, ok};

/// Refused with this error, and nothing is written.
#[track_caller]
fn refused_by(folder: &Folder, source: &Source, client: &Client, accept: bool, says: &str) {
    let before = folder.everything();
    let error = update(folder.path(), source, client, accept, now()).expect_err(says).to_string();
    assert!(error.contains(says), "{says:?} is not in {error:?}");
    assert!(before == folder.everything(), "{says}: certs/ has changed");
}

#[track_caller]
fn refused(server: &Server, says: &str) {
    refused_by(&Folder::good(), &server.source(), &server.client(), false, says);
}

#[test]
fn pinned_roots_come_in_and_test_roots_stay_out() {
    let folder = Folder::with(&without(&bundle(), " us-west-2 "), &pins(&bundle()));
    assert_eq!(folder.check().unwrap().lacking(), ["us-west-2"]);
    let beta = "Amazon RDS Beta us-east-1 Root CA ECC384 G1";
    let server = Server::of(&(bundle() + &forged(beta, |_| ())));

    let report = update(folder.path(), &server.source(), &server.client(), false, now()).unwrap();
    assert!(report.contains(&format!("left out {beta:?}")), "{report}");
    assert_eq!(report.matches("+ Amazon RDS us-west-2 Root CA ").count(), 3, "{report}");
    assert_eq!(report.matches("\n+ ").count(), 3, "{report}");
    let certs = folder.check().unwrap();
    assert!(certs.lacking().is_empty());
    assert_eq!(folder.read("global-bundle.pem"), bundle());
    let provenance = folder.read("PROVENANCE.json");
    assert!(provenance.contains(&server.url("https")), "{provenance}");
    assert!(provenance.contains("\"retrieved\": \"2026-11-21\""), "{provenance}");

    let before = folder.everything();
    let report = update(folder.path(), &server.source(), &server.client(), false, now()).unwrap();
    assert!(report.ends_with("nothing to update\n"), "{report}");
    assert!(before == folder.everything());
}

#[test]
fn a_pin_that_changed_needs_a_person() {
    let folder = Folder::good();
    let server = Server::of(&replaced(&bundle(), NAME, &forged(NAME, |_| ())));
    let (source, client) = (server.source(), server.client());
    refused_by(&folder, &source, &client, false, "but pinned as 88ecf027");
    update(folder.path(), &source, &client, true, now()).unwrap();
    folder.check().unwrap();
    assert!(!folder.read("pins.csv").contains("88ecf027"));
}

#[test]
fn a_pin_that_vanished_needs_a_person() {
    let folder = Folder::good();
    let server = Server::of(&without(&bundle(), " us-west-2 "));
    let (source, client) = (server.source(), server.client());
    refused_by(&folder, &source, &client, false, "but gone");
    let report = update(folder.path(), &source, &client, true, now()).unwrap();
    assert_eq!(report.matches("- Amazon RDS us-west-2").count(), 3, "{report}");
    assert!(!folder.check().unwrap().regions().contains("us-west-2"));
}

#[test]
fn a_root_that_is_not_pinned_needs_a_person() {
    let known = without(&bundle(), " us-west-2 ");
    let folder = Folder::with(&known, &pins(&known));
    let server = Server::of(&bundle());
    let (source, client) = (server.source(), server.client());
    refused_by(&folder, &source, &client, false, "is not pinned");
    update(folder.path(), &source, &client, true, now()).unwrap();
    assert!(folder.check().unwrap().regions().contains("us-west-2"));
}

#[test]
fn every_wrong_bundle_is_refused_even_when_accepted() {
    for (what, wrong, says) in wrong_bundles() {
        eprintln!("{what}");
        let server = Server::of(&wrong);
        refused_by(&Folder::good(), &server.source(), &server.client(), true, says);
    }
}

#[test]
fn another_partitions_roots_are_refused() {
    let server = Server::of(&bundle());
    let source = Source::of("aws-cn").unwrap().at(server.url("https"));
    refused_by(&Folder::good(), &source, &server.client(), true, "is not a root of aws-cn");
}

#[test]
fn a_web_page_is_refused() {
    refused(&Server::of("<!DOCTYPE html><html>Log in to the hotel</html>"), "with a web page");
}

#[test]
fn more_than_a_bundle_is_refused() {
    let endless = "# nothing here, and again\n".repeat(400_000);
    assert!(endless.len() > 10_000_000);
    refused(&Server::of(&endless), "answers more than 1024 KiB");
    // Without a length too.
    let unannounced =
        [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", endless.as_bytes()].concat();
    refused(&Server::answering(unannounced), "answers more than 1024 KiB");
}

#[test]
fn a_redirect_is_refused() {
    let elsewhere = Server::of(&bundle());
    let answer = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        elsewhere.url("https")
    );
    refused(
        &Server::answering(answer.into_bytes()),
        &format!("redirects to {}", elsewhere.url("https")),
    );
    assert_eq!(elsewhere.requests(), 0, "it was followed");
}

#[test]
fn an_error_is_no_bundle() {
    let answer = ok(bundle().as_bytes());
    let answer = String::from_utf8(answer).unwrap().replace("200 OK", "404 Not Found");
    refused(&Server::answering(answer.into_bytes()), "answers 404");
}

#[test]
fn an_answer_that_breaks_off_is_refused() {
    let answer = ok(bundle().as_bytes());
    // At the end of a certificate, so that the rest looks complete.
    let half = bundle()[..bundle().len() / 2].rfind("# Amazon").unwrap();
    let head = answer.len() - bundle().len();
    refused(&Server::answering(answer[..head + half].to_vec()), "disconnected");
}

#[test]
fn only_https_is_spoken() {
    let server = Server::of(&bundle());
    let source = Source::of("aws").unwrap().at(server.url("http"));
    refused_by(&Folder::good(), &source, &server.client(), true, "https only");
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_server_that_is_not_trusted_is_not_asked() {
    let server = Server::of(&bundle());
    refused_by(&Folder::good(), &server.source(), &Client::new(), true, "UnknownIssuer");
    assert_eq!(server.requests(), 0);
}

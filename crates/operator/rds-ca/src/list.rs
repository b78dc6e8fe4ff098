//! The certificates as a table.

use crate::certs::Certs;

/// A line for each root: region, CA, key, expiry date, and the start of its fingerprint.
#[must_use]
pub fn list(certs: &Certs) -> String {
    let mut table =
        format!("{:16}{:18}{:10}{:12}{}\n", "REGION", "CA", "KEY", "EXPIRES", "SHA-256");
    for root in &certs.regions {
        let region = root.region().unwrap_or_default();
        let (key, expires) = (root.key.to_string(), root.expires.to_string());
        table += &format!("{region:16}{:18}{key:10}{expires:12}{:.16}\n", root.ca(), root.sha256);
    }
    for root in &certs.amazon_trust {
        let (key, expires) = (root.key.to_string(), root.expires.to_string());
        table += &format!("{:34}{key:10}{expires:12}{:.16}\n", short(&root.subject), root.sha256);
    }
    if !certs.lacking().is_empty() {
        table += &format!(
            "\nPinned but missing: {}\nFetch them: cargo xtask certs update\n",
            certs.lacking().join(", ")
        );
    }
    table
}

/// The name without the end of the longest one.
fn short(subject: &str) -> &str {
    subject.split_once(" Root Certificate Authority").map_or(subject, |(name, _)| name)
}

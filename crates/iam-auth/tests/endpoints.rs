//! Any text is read as an endpoint or a dial address, or refused; RDS's endpoints are recognized;
//! and what was read prints so that it reads the same again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use iam_auth::{DialAddress, Endpoint, EndpointKind};
use proptest::prelude::*;

/// Hosts, and text that is nearly one.
fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        "[a-zA-Z0-9.:/@\\[\\] _-]{0,40}",
        "([a-zA-Z0-9_-]{0,12}\\.){1,7}(com|com\\.cn|net|eu|internal)\\.?",
        "[a-z0-9-]{0,9}\\.(cluster-|cluster-ro-|cluster-custom-|proxy-|shardgrp-)?[a-z0-9]{0,12}\\.([a-z]{2}-[a-z]{3,9}-[0-9])?\\.?rds\\.(amazonaws\\.com)?(\\.cn)?",
        "[0-9a-fA-F:.]{0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 25_000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(host in host(), port: u16, region in "\\PC{0,3}|[a-z]{2}-[a-z]{4}-[0-9]") {
        for endpoint in [Endpoint::parse(&host, port), Endpoint::with_region(&host, port, &region)] {
            match endpoint {
                Ok(endpoint) => {
                    prop_assert_ne!(endpoint.port(), 0);
                    // Its own spelling is read as the same endpoint, and as an address to dial.
                    let again = Endpoint::with_region(endpoint.host(), port, endpoint.region());
                    prop_assert_eq!(again.unwrap(), endpoint.clone());
                    let dial: DialAddress = endpoint.to_string().parse().unwrap();
                    prop_assert_eq!(dial, endpoint.dial_address());
                }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }

    #[test]
    fn what_rds_gives_out_is_known(
        name in "[a-z]([a-z0-9]|-[a-z0-9]){0,20}",
        kind in prop_oneof![Just(""), Just("cluster-"), Just("cluster-ro-"), Just("proxy-")],
        unique in "[a-z0-9]{12}",
        region in prop_oneof![Just("eu-west-1"), Just("us-east-1"), Just("ap-southeast-4"), Just("us-gov-west-1")],
        port in 1..=u16::MAX,
    ) {
        let host = format!("{name}.{kind}{unique}.{region}.rds.amazonaws.com");
        let endpoint = Endpoint::parse(&host, port).unwrap();
        prop_assert_eq!(endpoint.region(), region);
        prop_assert_eq!(endpoint.host(), host.as_str());
        let shouted = Endpoint::parse(&format!("{}.", host.to_uppercase()), port).unwrap();
        prop_assert_eq!(shouted, endpoint);
        prop_assert!(Endpoint::with_region(&host, port, "sa-east-1").unwrap_err().is_region_mismatch());
    }

    #[test]
    fn a_sibling_is_of_the_same_account(other in host(), name in "[a-z][a-z0-9-]{0,9}[a-z0-9]") {
        let own = Endpoint::parse("db.cluster-abc1.eu-west-1.rds.amazonaws.com", 5432).unwrap();
        if let Some(sibling) = own.sibling(&other) {
            let (name, rest) = sibling.host().split_once('.').unwrap();
            prop_assert!(!name.is_empty());
            prop_assert_eq!(rest, "abc1.eu-west-1.rds.amazonaws.com");
            prop_assert_eq!((sibling.port(), sibling.region()), (5432, "eu-west-1"));
            prop_assert_eq!(sibling.kind(), EndpointKind::Instance);
        }
        prop_assert!(own.sibling(&name).is_some());
    }

    #[test]
    fn an_address_to_dial_is_read_or_refused(text in prop_oneof!["\\PC{0,30}", "[a-z0-9.:\\[\\]]{0,30}", "\\[?[0-9a-f:]{0,20}\\]?:[0-9]{0,6}"]) {
        if let Ok(address) = text.parse::<DialAddress>() {
            prop_assert_ne!(address.port(), 0);
            prop_assert_eq!(address.to_string().parse::<DialAddress>().unwrap(), address);
        }
    }
}

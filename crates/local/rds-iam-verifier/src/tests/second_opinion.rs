//! Conditions decided a second time, slowly and by other means: an operator's name is taken apart when it
//! is used, and wildcards are matched by recursion.

use proptest::collection::vec;
use proptest::prelude::*;

use super::database;
use crate::request::Request;
use crate::{Policies, Policy, Principal};

const BASES: [&str; 12] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
];

/// Whether the condition `operator` of `wanted` holds for a key with the value `found`.
fn expected(operator: &str, wanted: &[String], found: Option<&str>, tags: &[(&str, &str)]) -> bool {
    let name = operator.replace("ForAnyValue:", "").replace("ForAllValues:", "");
    let base = name.replace("IfExists", "");
    let Some(found) = found else {
        if name != base || operator.starts_with("ForAllValues:") {
            return true;
        }
        return !operator.starts_with("ForAnyValue:") && base.contains("Not");
    };
    if found.is_empty() && operator.contains(':') {
        return operator.starts_with("ForAllValues:");
    }
    let matching = wanted.iter().filter(|wanted| {
        let mut wanted = (*wanted).clone();
        while let Some(start) = wanted.find("${") {
            let end = start + wanted[start..].find('}').unwrap();
            let key = wanted[start + 2..end].replace("aws:PrincipalTag/", "");
            let Some((_, value)) = tags.iter().find(|(tag, _)| *tag == key) else { return false };
            // The values of this test have no wildcards.
            wanted = format!("{}{value}{}", &wanted[..start], &wanted[end + 1..]);
        }
        if base.starts_with("String") {
            let is_same = match base.replace("Not", "").as_str() {
                "StringEquals" => wanted == found,
                "StringEqualsIgnoreCase" => wanted.to_uppercase() == found.to_uppercase(),
                _ => glob(&wanted, found),
            };
            return is_same;
        }
        let (Ok(wanted), Ok(found)) = (wanted.parse::<i64>(), found.parse::<i64>()) else {
            return false;
        };
        match base.replace("Numeric", "").as_str() {
            "Equals" | "NotEquals" => found == wanted,
            "LessThan" => found < wanted,
            "LessThanEquals" => found <= wanted,
            "GreaterThan" => found > wanted,
            _ => found >= wanted,
        }
    });
    (matching.count() > 0) != base.contains("Not")
}

fn glob(pattern: &str, text: &str) -> bool {
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            glob(&pattern[1..], text) || (!text.is_empty() && glob(pattern, &text[1..]))
        }
        (Some('?'), Some(_)) => glob(&pattern[1..], &text[1..]),
        (Some(own), Some(other)) if own == other => glob(&pattern[1..], &text[1..]),
        _ => false,
    }
}

fn operator() -> impl Strategy<Value = (String, bool)> {
    let prefix = prop::sample::select(vec!["", "ForAnyValue:", "ForAllValues:"]);
    let suffix = prop::sample::select(vec!["", "IfExists"]);
    (prefix, prop::sample::select(BASES.to_vec()), suffix).prop_map(|(prefix, base, suffix)| {
        (format!("{prefix}{base}{suffix}"), base.starts_with("Numeric"))
    })
}

fn condition() -> impl Strategy<Value = (String, Vec<String>)> {
    operator().prop_flat_map(|(operator, is_numeric)| {
        let value = match is_numeric {
            true => "-?[0-3]".boxed(),
            // Few letters, so that many match; two variables, one of which has no value.
            false => r"([abAB*?]|\$\{aws:PrincipalTag/(v|none)\}){0,3}".boxed(),
        };
        (Just(operator), vec(value, 1..4))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn both_decide_alike(
        conditions in vec((condition(), any::<bool>()), 1..4),
        found in prop::option::of("[abAB]{0,3}|-?[0-3]"),
        v in "[abAB]{1,2}",
    ) {
        let mut tags = vec![("v", v.as_str())];
        tags.extend(found.as_deref().map(|found| ("x", found)));
        let mut principal: Principal = "arn:aws:iam::123456789012:role/app".parse().unwrap();
        principal.tags = tags.iter().map(|&(tag, value)| (tag.into(), value.into())).collect();
        let now = std::time::UNIX_EPOCH;
        let request = Request::new(&database(), "user", &principal, None, now);

        // The key, or one of the six that are never there.
        let mut all = true;
        let mut statements = serde_json::Map::new();
        for ((operator, wanted), is_there) in &conditions {
            let key = if *is_there { "aws:PrincipalTag/x" } else { "aws:SourceVpce" };
            let under = statements.entry(operator.clone()).or_insert_with(|| serde_json::json!({}));
            if under.get(key).is_none() {
                under[key] = serde_json::json!(wanted);
                let found = found.as_deref().filter(|_| *is_there);
                all &= expected(operator, wanted, found, &tags);
            }
        }
        let document = serde_json::json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Action": "rds-db:connect", "Resource": "*", "Condition": statements}});
        let policy = Policy::parse(&document.to_string()).unwrap();
        let policies = Policies { identity: vec![policy], ..Policies::default() };
        prop_assert_eq!(policies.decide(&request).is_ok(), all, "{}", document);
    }
}

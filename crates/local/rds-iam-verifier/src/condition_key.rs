//! The condition keys of IAM ("AWS global condition context keys", IAM User Guide), and which of them a
//! database login has.
//!
//! AWS names six that it never has: "Creating and using an IAM policy for IAM database access", Amazon
//! RDS User Guide. The page adds that other global keys may not work either, without a list. A key of
//! which nothing is known is refused when a policy is read.

/// Never present at a login, by AWS's own list.
pub(crate) const NETWORK: [&str; 6] = [
    "aws:Referer",
    "aws:SourceIp",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:UserAgent",
    "aws:VpcSourceIp",
];

/// Present only in requests of a kind that a login is not: through a VPC endpoint, by or on behalf of an
/// AWS service, with tags of a request or of a resource. `rds-db` supports no tags ("Actions, resources,
/// and condition keys for Amazon RDS IAM Authentication", Service Authorization Reference).
const ELSEWHERE: [&str; 16] = [
    "aws:CalledVia",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:RequestTag/",
    "aws:ResourceTag/",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceVpcArn",
    "aws:TagKeys",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
];

/// Present at a login that has a value for it.
///
/// `aws:SecureTransport` and `aws:ViaAWSService` are always included in the request context, and
/// `aws:PrincipalIsAWSService` in that of every signed request.
const LOGIN: [&str; 14] = [
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalTag/",
    "aws:PrincipalType",
    "aws:RequestedRegion",
    "aws:SecureTransport",
    "aws:TokenIssueTime",
    "aws:ViaAWSService",
    "aws:userid",
];

/// The name of an IAM user, which a role does not have.
const USER_NAME: &str = "aws:username";

/// Absent from a login, or present with this value: nobody has said which.
const UNCERTAIN: (&str, &str) = ("aws:MultiFactorAuthPresent", "false");

/// The keys with more than one value.
const SEVERAL: [&str; 5] = [
    "aws:CalledVia",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceNamesList",
    "aws:SourceOrgPaths",
    "aws:TagKeys",
];

/// What is known of a key at a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is absent, or has the value that the request says.
    Known,
    /// It is absent, or has this value.
    Either(&'static str),
    /// Nothing is known.
    Unknown,
}

/// What is known of `key` at a login.
pub(crate) fn presence(key: &str) -> Presence {
    let listed = |keys: &[&str]| keys.iter().any(|known| is(key, known));
    if listed(&NETWORK) || listed(&ELSEWHERE) || listed(&LOGIN) || is(key, USER_NAME) {
        return Presence::Known;
    }
    match UNCERTAIN {
        (uncertain, value) if is(key, uncertain) => Presence::Either(value),
        _ => Presence::Unknown,
    }
}

/// Whether no login at all has `key`.
pub(crate) fn is_never_present(key: &str) -> bool {
    NETWORK.iter().chain(&ELSEWHERE).any(|known| is(key, known))
}

/// Whether `key` may have several values, which only `ForAnyValue` and `ForAllValues` can compare.
pub(crate) fn has_several_values(key: &str) -> bool {
    SEVERAL.iter().any(|known| is(key, known))
}

/// Whether `key` has the form of a condition key: `aws:username`, `aws:PrincipalTag/team`.
pub(crate) fn is_well_formed(key: &str) -> bool {
    let parts =
        key.split_once(':').filter(|(service, name)| !service.is_empty() && !name.is_empty());
    let name = parts.map(|(_, name)| name.split_once('/').unwrap_or((name, "tag")));
    let is_plain = |text: &str| !text.contains(['$', '{', '}', '\'']) && text.trim() == text;
    name.is_some_and(|(name, tag)| {
        !tag.is_empty() && is_plain(tag) && is_plain(key) && !name.contains([' ', '*', '?'])
    })
}

/// Names of keys are not case-sensitive. One that ends in `/` is that of any tag.
fn is(key: &str, known: &str) -> bool {
    if !known.ends_with('/') {
        return key.eq_ignore_ascii_case(known);
    }
    let name = key.get(..known.len());
    key.len() > known.len() && name.is_some_and(|name| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_each_key() {
        for (key, expected) in [
            ("AWS:sourcevpce", Presence::Known),
            ("aws:SourceIp", Presence::Known),
            ("aws:PrincipalTag/Team", Presence::Known),
            ("aws:principaltag/é", Presence::Known),
            ("aws:PrincipalTag", Presence::Unknown),
            ("aws:PrincipalTag/", Presence::Unknown),
            ("aws:SecureTransport", Presence::Known),
            ("aws:viaAwsService", Presence::Known),
            ("aws:MultiFactorAuthPresent", Presence::Either("false")),
            ("aws:ResourceAccount", Presence::Unknown),
            ("aws:SourceVcpe", Presence::Unknown),
            ("s3:prefix", Presence::Unknown),
        ] {
            assert_eq!(presence(key), expected, "{key}");
        }
    }

    #[test]
    fn the_form_of_a_key() {
        for key in ["aws:username", "aws:PrincipalTag/a b", "s3:x-amz-acl", "aws:PrincipalTag/a/b"]
        {
            assert!(is_well_formed(key), "{key}");
        }
        for key in
            ["", "username", "aws:", ":x", "aws:PrincipalTag/", " aws:x", "aws:a b", "aws:${x"]
        {
            assert!(!is_well_formed(key), "{key}");
        }
    }
}

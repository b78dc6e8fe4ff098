//! `--organization`: the organization of the principal's account, and the account's place in it.

use std::fmt;
use std::str::FromStr;

use local_rds::iam::Organization;

/// The condition keys that only this option answers.
const ID: &str = "aws:PrincipalOrgID";
const PATHS: &str = "aws:PrincipalOrgPaths";

/// What the option says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Membership {
    /// `none`: the account is in no organization.
    None,
    /// `o-…`, or its path too: `o-…/r-…/ou-…/`, which ends with `/`.
    In { id: String, path: Option<String> },
}

impl Membership {
    /// The organization, for a principal.
    pub(crate) fn organization(&self) -> Option<Organization> {
        match self {
            Self::None => None,
            Self::In { id, path } => {
                // Without a path no policy was read that asks for one.
                let path = path.clone().unwrap_or_else(|| format!("{id}/"));
                Some(Organization { id: id.clone(), path })
            }
        }
    }
}

/// Why it is not known which value `key` has at a login of this account, if it is not.
pub(crate) fn unanswered(membership: Option<&Membership>, key: &str) -> Option<String> {
    let (is_id, is_path) = (key.eq_ignore_ascii_case(ID), key.eq_ignore_ascii_case(PATHS));
    match membership {
        None if is_id || is_path => Some(format!(
            "the condition key {key} asks for the organization of the account, which is not known \
             here; say it with --organization o-…/r-…/ou-…/, or none"
        )),
        Some(Membership::In { id, path: None }) if is_path => Some(format!(
            "the condition key {key} asks for the account's path in {id}, which is not known here; \
             say it with --organization {id}/r-…/ou-…/"
        )),
        _ => None,
    }
}

impl FromStr for Membership {
    type Err = MembershipError;

    /// Reads the id of an organization, or a path in it ("Understand the AWS Organizations entity path",
    /// IAM User Guide), with or without the `/` at its end.
    fn from_str(text: &str) -> Result<Self, MembershipError> {
        if text == "none" {
            return Ok(Self::None);
        }
        let error = || MembershipError { text: text.to_owned() };
        let mut parts = text.strip_suffix('/').unwrap_or(text).split('/');
        let id = parts.next().filter(|id| is_id(id, "o-")).ok_or_else(error)?;
        let Some(root) = parts.next() else {
            let is_bare = id == text;
            return is_bare.then(|| Self::In { id: id.to_owned(), path: None }).ok_or_else(error);
        };
        if !is_id(root, "r-") || !parts.all(|unit| is_id(unit, "ou-")) {
            return Err(error());
        }
        let path = format!("{}/", text.strip_suffix('/').unwrap_or(text));
        Ok(Self::In { id: id.to_owned(), path: Some(path) })
    }
}

/// Whether it is an id of this kind. Their letters are lower case; how many there are is AWS's business.
fn is_id(text: &str, start: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.strip_prefix(start).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_letter))
}

/// A text that is neither an organization nor a path in one.
#[derive(Debug)]
pub(crate) struct MembershipError {
    text: String,
}

impl fmt::Display for MembershipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is neither an organization, such as o-a1b2c3d4e5, nor a path in one, such as \
             o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/, nor none",
            self.text
        )
    }
}

impl std::error::Error for MembershipError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_of(text: &str) -> Option<String> {
        text.parse::<Membership>().unwrap().organization().map(|it| it.path)
    }

    #[test]
    fn an_organization_or_a_path_in_it_is_read() {
        assert_eq!("none".parse::<Membership>().unwrap(), Membership::None);
        let bare = Membership::In { id: "o-a1".into(), path: None };
        assert_eq!("o-a1".parse::<Membership>().unwrap(), bare);
        for path in ["o-a1/r-b2/", "o-a1/r-b2", "o-a1/r-b2/ou-b2-c3/ou-b2-d4/"] {
            let whole = format!("{}/", path.trim_end_matches('/'));
            assert_eq!(path_of(path), Some(whole), "{path}");
        }
        for wrong in [
            "",
            "o-",
            "o-a1/",
            "O-a1",
            "a1",
            "o-a1//",
            "o-a1/ou-b2-c3/",
            "o-a1/r-b2/r-b2/",
            "o-a1/*",
        ] {
            let error = wrong.parse::<Membership>().expect_err(wrong).to_string();
            assert!(error.contains("is neither an organization"), "{error}");
        }
    }

    #[test]
    fn only_what_was_not_said_is_unanswered() {
        let bare: Membership = "o-a1".parse().unwrap();
        let whole: Membership = "o-a1/r-b2/".parse().unwrap();
        for (membership, key, answers) in [
            (None, "aws:principalorgid", false),
            (None, "aws:PrincipalOrgPaths", false),
            (None, "aws:PrincipalArn", true),
            (Some(&Membership::None), "aws:PrincipalOrgID", true),
            (Some(&Membership::None), "aws:PrincipalOrgPaths", true),
            (Some(&bare), "aws:PrincipalOrgID", true),
            (Some(&bare), "aws:PrincipalOrgPaths", false),
            (Some(&whole), "aws:PrincipalOrgPaths", true),
        ] {
            let says = unanswered(membership, key);
            assert_eq!(says.is_none(), answers, "{membership:?}, {key}: {says:?}");
        }
    }
}

//! Who logs in: the IAM user or role that the access key belongs to.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

/// A user or role, as condition keys see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    partition: String,
    account: String,
    kind: Kind,
    /// Its tags and those of its session, by key: `aws:PrincipalTag/…`.
    pub tags: BTreeMap<String, String>,
    /// The organization of its account, if the account is in one.
    pub organization: Option<Organization>,
    /// When its temporary credentials were issued: `aws:TokenIssueTime`. If nothing is given, they are
    /// taken to be as old as the token that they signed.
    pub issued: Option<SystemTime>,
}

/// An organization of AWS Organizations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Such as `o-a1b2c3d4e5`.
    pub id: String,
    /// The path of the account's unit in it, such as `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/`.
    pub path: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Root,
    /// With its path, which begins and ends with `/`.
    User {
        path: String,
        name: String,
    },
    Role {
        path: String,
        name: String,
        session: String,
    },
}

/// The session name that a role has if none is given: Lambda takes the function's.
const SESSION: &str = "local-function";
/// The unique ids of users and roles begin so ("IAM identifiers", IAM User Guide).
const USER_ID: &str = "AIDALOCAL00000000000";
const ROLE_ID: &str = "AROALOCAL00000000000";

impl Principal {
    /// The role `name` of an account, or its user.
    pub(crate) fn local(partition: &str, account: &str, is_role: bool) -> Self {
        let (path, name) = ("/".to_owned(), "local".to_owned());
        let kind = match is_role {
            true => Kind::Role { path, name, session: SESSION.to_owned() },
            false => Kind::User { path, name },
        };
        Self::new(partition, account, kind)
    }

    fn new(partition: &str, account: &str, kind: Kind) -> Self {
        Self {
            partition: partition.to_owned(),
            account: account.to_owned(),
            kind,
            tags: BTreeMap::new(),
            organization: None,
            issued: None,
        }
    }

    /// `aws:PrincipalArn`: a role's own ARN, not that of its session.
    pub fn arn(&self) -> String {
        let resource = match &self.kind {
            Kind::Root => "root".to_owned(),
            Kind::User { path, name } => format!("user{path}{name}"),
            Kind::Role { path, name, .. } => format!("role{path}{name}"),
        };
        format!("arn:{}:iam::{}:{resource}", self.partition, self.account)
    }

    /// `aws:PrincipalAccount`: 12 digits.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The partition of its account.
    pub(crate) fn partition(&self) -> &str {
        &self.partition
    }

    /// `aws:PrincipalType`.
    pub(crate) fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Root => "Account",
            Kind::User { .. } => "User",
            Kind::Role { .. } => "AssumedRole",
        }
    }

    /// `aws:userid`.
    pub(crate) fn user_id(&self) -> String {
        match &self.kind {
            Kind::Root => self.account.clone(),
            Kind::User { .. } => USER_ID.to_owned(),
            Kind::Role { session, .. } => format!("{ROLE_ID}:{session}"),
        }
    }

    /// `aws:username`, which only a user has.
    pub(crate) fn user_name(&self) -> Option<&str> {
        match &self.kind {
            Kind::User { name, .. } => Some(name),
            Kind::Root | Kind::Role { .. } => None,
        }
    }
}

impl FromStr for Principal {
    type Err = PrincipalError;

    /// Reads the ARN of a user or a role, of a role's session (as `aws sts get-caller-identity` prints
    /// it, without the role's path), or of an account's root.
    fn from_str(arn: &str) -> Result<Self, PrincipalError> {
        Self::read(arn).ok_or_else(|| PrincipalError { arn: arn.to_owned() })
    }
}

impl Principal {
    fn read(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, service, "", account, resource] = parts[..] else { return None };
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let is_partition = partition == "aws" || partition.starts_with("aws-");
        if !is_account || !is_partition {
            return None;
        }
        let kind = match (service, resource.split_once('/')) {
            ("iam", None) if resource == "root" => Kind::Root,
            ("iam", Some(("user", rest))) => {
                let (path, name) = path_and_name(rest)?;
                Kind::User { path, name }
            }
            ("iam", Some(("role", rest))) => {
                let (path, name) = path_and_name(rest)?;
                Kind::Role { path, name, session: SESSION.to_owned() }
            }
            ("sts", Some(("assumed-role", rest))) => {
                let (name, session) = rest.split_once('/')?;
                let session = is_name(session).then(|| session.to_owned())?;
                let (path, name) = path_and_name(name)?;
                Kind::Role { path, name, session }
            }
            _ => return None,
        };
        Some(Self::new(partition, account, kind))
    }
}

/// `division/team/name`, as an ARN ends.
fn path_and_name(text: &str) -> Option<(String, String)> {
    let (path, name) = match text.rsplit_once('/') {
        Some((path, name)) => (format!("/{path}/"), name),
        None => ("/".to_owned(), text),
    };
    is_name(name).then(|| (path, name.to_owned()))
}

/// The characters of names of users, roles and sessions ("IAM and AWS STS quotas", IAM User Guide).
fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    !text.is_empty() && text.bytes().all(is_letter)
}

/// A text that is not the ARN of a user or role.
#[derive(Debug)]
pub struct PrincipalError {
    arn: String,
}

impl fmt::Display for PrincipalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not the ARN of a user or role, such as arn:aws:iam::123456789012:role/my-function \
             or arn:aws:sts::123456789012:assumed-role/my-function/session",
            self.arn
        )
    }
}

impl Error for PrincipalError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_arn_says() {
        for (arn, own, kind, id, name) in [
            (
                "arn:aws:iam::123456789012:user/a/b/ann",
                None,
                "User",
                USER_ID.to_owned(),
                Some("ann"),
            ),
            (
                "arn:aws-cn:iam::123456789012:role/x",
                None,
                "AssumedRole",
                format!("{ROLE_ID}:{SESSION}"),
                None,
            ),
            (
                "arn:aws:sts::123456789012:assumed-role/x/i-1",
                Some("arn:aws:iam::123456789012:role/x"),
                "AssumedRole",
                format!("{ROLE_ID}:i-1"),
                None,
            ),
            ("arn:aws:iam::123456789012:root", None, "Account", "123456789012".to_owned(), None),
        ] {
            let principal: Principal = arn.parse().unwrap();
            assert_eq!(principal.arn(), own.unwrap_or(arn));
            assert_eq!(principal.account(), "123456789012");
            assert_eq!((principal.type_name(), principal.user_id()), (kind, id));
            assert_eq!(principal.user_name(), name);
        }
    }

    #[test]
    fn what_is_no_principal_is_refused() {
        for arn in [
            "",
            "ann",
            "arn:aws:iam::123456789012:user/",
            "arn:aws:iam::12345678901:user/x",
            "arn:aws:iam::12345678901x:user/x",
            "arn:aws:iam:eu-west-1:123456789012:user/x",
            "arn:aws:iam::123456789012:group/x",
            "arn:aws:iam::123456789012:user/*",
            "arn:aws:sts::123456789012:assumed-role/x",
            "arn:other:iam::123456789012:role/x",
        ] {
            let error = arn.parse::<Principal>().unwrap_err().to_string();
            assert!(error.contains(&format!("{arn:?} is not the ARN")), "{error}");
        }
    }
}

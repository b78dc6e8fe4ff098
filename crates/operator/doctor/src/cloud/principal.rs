//! The principal whose policies apply: the function's role, or the caller.

use aws_cli::{Aws, Caller, Error};
use serde::Deserialize;

/// Who signs the token.
pub(super) enum Principal {
    /// A role or a user, whose policies can be simulated.
    Known(Identity),
    /// The root user of an account, to whom no policy applies.
    Root,
    /// Another one, such as a federated user, by its ARN. IAM cannot simulate its policies.
    Other(String),
}

/// A role or a user.
pub(super) struct Identity {
    /// `arn:aws:iam::123456789012:role/NAME`
    pub(super) arn: String,
    pub(super) account: String,
}

impl Identity {
    /// The kind and the name, without the path: `("role", "NAME")`.
    pub(super) fn kind_and_name(&self) -> Option<(&str, &str)> {
        let resource = self.arn.splitn(6, ':').nth(5)?;
        Some((resource.split('/').next()?, resource.rsplit('/').next()?))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    role: Role,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Role {
    arn: String,
}

/// The caller.
pub(super) fn caller(aws: &Aws) -> Result<Principal, Error> {
    let caller = Caller::of(aws)?;
    let Some(session) = assumed_role(&caller.arn) else { return Ok(of_arn(caller.arn)) };
    // A session's ARN does not have the role's path.
    let described: Described = aws.call(&["iam", "get-role", "--role-name", session])?;
    Ok(of_arn(described.role.arn))
}

/// `arn:aws:sts::123456789012:assumed-role/NAME/SESSION` → `NAME`
fn assumed_role(arn: &str) -> Option<&str> {
    let mut resource = arn.splitn(6, ':').nth(5)?.split('/');
    (resource.next()? == "assumed-role").then(|| resource.next())?
}

/// The principal of an IAM ARN.
pub(super) fn of_arn(arn: String) -> Principal {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let [_, _, "iam", _, account, resource] = parts[..] else {
        return Principal::Other(arn);
    };
    let account = account.to_owned();
    match resource.split('/').next() {
        Some("root") => Principal::Root,
        Some("user" | "role") => Principal::Known(Identity { account, arn }),
        _ => Principal::Other(arn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_are_read_from_arns() {
        let role = "arn:aws-cn:iam::123456789012:role/service-role/reader";
        let Principal::Known(identity) = of_arn(role.into()) else { panic!("{role}") };
        assert_eq!(identity.account, "123456789012");
        assert_eq!(identity.kind_and_name(), Some(("role", "reader")));
        assert!(matches!(of_arn("arn:aws:iam::1:root".into()), Principal::Root));
        let federated = "arn:aws:sts::1:federated-user/me";
        assert!(matches!(of_arn(federated.into()), Principal::Other(_)));
        assert_eq!(assumed_role("arn:aws:sts::1:assumed-role/reader/i-1"), Some("reader"));
        assert_eq!(assumed_role(federated), None);
    }
}

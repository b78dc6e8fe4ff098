//! Why there are no credentials, and what to do about it.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;

use crate::error::{Error, Kind};

/// What the texts of aws-config show about the source that failed, and the way out. Its types do not.
const FAILURES: [(&str, &str); 9] = [
    ("sso token", "the SSO session is over; run `aws sso login`"),
    ("sso/cache", "there is no SSO session; run `aws sso login`"),
    ("unauthorizedexception", "the SSO session is over; run `aws sso login`"),
    ("login token", "the session of `aws login` is over; run `aws login`"),
    ("login/cache", "there is no session of `aws login`; run `aws login`"),
    ("external process", "the credential_process of the profile failed; run it by hand to see why"),
    (
        "http credential provider",
        "the container's agent gave none; check the task's or the pod's role, and \
         AWS_CONTAINER_CREDENTIALS_FULL_URI or AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    ),
    ("accessdenied", "STS does not let this caller assume the role; check the role's trust policy"),
    ("was not defined", "there is no such profile; check AWS_PROFILE and the files in ~/.aws"),
];

/// The error of a login without credentials, which keeps the provider's own as its source.
pub(crate) fn error(source: CredentialsError) -> Error {
    let message = match source {
        CredentialsError::ProviderTimedOut(_) => "the source of the AWS credentials does not \
            answer; check the way to it from this machine"
            .to_owned(),
        CredentialsError::CredentialsNotLoaded(_) => {
            format!("no AWS credentials to sign with; {}", known(&source).unwrap_or(WAYS))
        }
        _ => match known(&source) {
            Some(why) => format!("no AWS credentials: {why}"),
            None => "a source of AWS credentials failed; mend it, or use another".to_owned(),
        },
    };
    Error::new(Kind::Credentials, message).with_source(source)
}

/// Where credentials may come from.
#[cfg(feature = "https")]
const WAYS: &str = "give the container, the instance or the function a role, name a profile \
    with AWS_PROFILE, sign in with `aws login` or `aws sso login`, or set AWS_ACCESS_KEY_ID and \
    AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN)";
#[cfg(not(feature = "https"))]
const WAYS: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), or \
    build iam-auth with its feature `https` for profiles and roles";

/// What is known about the failure that an error and its sources describe.
fn known(error: &CredentialsError) -> Option<&'static str> {
    let mut text = String::new();
    let mut next: Option<&dyn StdError> = Some(error);
    while let Some(error) = next {
        text += &error.to_string().to_lowercase();
        next = error.source();
    }
    FAILURES.into_iter().find_map(|(words, way_out)| text.contains(words).then_some(way_out))
}

//! `local-rds token`: a token made from the environment that `--exec` and `--env` set.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use iam_auth::{AuthToken, Endpoint};
use local_rds::Engine;

use super::Failure;
use super::document::prefix;

/// A token for the server that `variable` describes.
///
/// # Errors
/// A variable is missing, or no endpoint.
pub(crate) fn of(
    engine: Option<Engine>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<AuthToken, Failure> {
    let read = |name: &str| {
        variable(name).ok_or_else(|| {
            format!(
                "{name} is not set: read a server's file first, as in `. /tmp/local-rds-…/env`, which \
                 local-rds prints, or use --exec or --env"
            )
        })
    };
    let database = |name: &str| read(&format!("{}{name}", engine.map(prefix).unwrap_or_default()));
    let port = database("DB_PORT")?;
    let port = port.parse().map_err(|error| format!("DB_PORT is {port:?}: {error}"))?;
    let endpoint = Endpoint::with_region(&database("DB_HOST")?, port, &database("DB_REGION")?)?;
    let credentials = Credentials::new(
        read("AWS_ACCESS_KEY_ID")?,
        read("AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    #[allow(clippy::disallowed_methods, reason = "the boundary: tokens are signed for now")]
    let now = SystemTime::now();
    Ok(iam_auth::sign(&endpoint, &database("DB_USER")?, &credentials, now)?)
}

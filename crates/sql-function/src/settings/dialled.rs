//! Where TCP connects in place of an endpoint.

use diagnosis::Cause;
use iam_auth::{DialAddress, Endpoint};

use crate::error::{Error, Kind};
use crate::loggable;
use crate::said::Loggable;

/// The address that the variable called `name` gives, or the endpoint's own.
///
/// # Errors
/// [`Kind::Settings`].
pub(super) fn address(
    name: &str,
    given: Option<String>,
    endpoint: &Endpoint,
) -> Result<DialAddress, Error> {
    let Some(text) = given else { return Ok(endpoint.dial_address()) };
    text.parse().map_err(|error: iam_auth::Error| {
        Error::new(Kind::Settings, loggable!("{name} is {text:?}"))
            .with_cause(Cause::SettingMalformed)
            .says(Loggable::of_error(&error))
            .advice("use host:port, such as 127.0.0.1:3306, or omit it")
    })
}

//! Where TCP connects in place of an endpoint.

use diagnosis::Cause;
use iam_auth::{DialAddress, Endpoint};

use crate::error::{Error, Kind};
use crate::loggable;
use crate::said::Loggable;

/// The address that the variable called `name` gives, or the endpoint's own. The endpoint's name in another
/// spelling is its own, and no tunnel: names have no case (RFC 4343), and may end in a dot.
///
/// # Errors
/// [`Kind::Settings`].
pub(super) fn address(
    name: &str,
    given: Option<String>,
    endpoint: &Endpoint,
) -> Result<DialAddress, Error> {
    let Some(text) = given else { return Ok(endpoint.dial_address()) };
    let address: DialAddress = text.parse().map_err(|error: iam_auth::Error| {
        Error::new(Kind::Settings, loggable!("{name} is {text:?}"))
            .with_cause(Cause::SettingMalformed)
            .says(Loggable::of_error(&error))
            .advice("use host:port, such as 127.0.0.1:3306, or omit it")
    })?;
    let named = Endpoint::with_region(address.host(), address.port(), endpoint.region());
    let is_own = named.is_ok_and(|named| named == *endpoint);
    Ok(if is_own { endpoint.dial_address() } else { address })
}

//! The auth token: a SigV4-presigned `GET https://host:port/?Action=connect&DBUser=user` for the
//! service `rds-db`, without the scheme. RDS accepts it as a password for 15 minutes.
//!
//! Source: RDS user guide, "IAM database authentication"; IAM user guide, "Create a signed AWS API
//! request"; botocore's `generate_db_auth_token`, whose tokens are the test vectors.
//!
//! The request is always the same, so its canonical form is written here. aws-sigv4's general
//! signer would log it at TRACE, with the session token; its key derivation and signature log
//! nothing.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials as AwsCredentials;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::calendar::DateTime;
use crate::credentials::{Credentials, outlive_login};
use crate::endpoint::Endpoint;
use crate::error::{Error, Kind};
use crate::sha256;

const SERVICE: &str = "rds-db";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// How long RDS accepts a token.
const LIFETIME: Duration = Duration::from_secs(900);

/// All except the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Signs tokens for one database user at one endpoint, one for each login. Clones share the cached
/// credentials.
#[derive(Debug, Clone)]
pub struct TokenSigner {
    endpoint: Endpoint,
    user: String,
    credentials: Credentials,
}

impl TokenSigner {
    /// A signer for the database user `user`, which RDS compares exactly.
    ///
    /// # Errors
    ///
    /// [`Error::is_user`] if the user is empty or contains a NUL, which would end it in the
    /// databases' protocols.
    pub fn new(
        endpoint: Endpoint,
        user: impl Into<String>,
        credentials: Credentials,
    ) -> Result<Self, Error> {
        let user = user.into();
        check_user(&user)?;
        Ok(Self { endpoint, user, credentials })
    }

    /// The endpoint of the tokens.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The database user of the tokens.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// A signer with the same credentials and endpoint, for another user.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn for_user(&self, user: impl Into<String>) -> Result<Self, Error> {
        Self::new(self.endpoint.clone(), user, self.credentials.clone())
    }

    /// Renews the credentials before the next token: see [`Credentials::renew`].
    pub async fn renew_credentials(&self) {
        self.credentials.renew().await;
    }

    /// The credentials that sign the tokens.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// A signer with the same credentials and user, for another endpoint.
    pub fn at(&self, endpoint: Endpoint) -> Self {
        Self { endpoint, user: self.user.clone(), credentials: self.credentials.clone() }
    }

    /// A token for a login that begins at `now`. Signing takes microseconds: sign one for each
    /// login, and do not keep it.
    ///
    /// # Errors
    ///
    /// [`Error::is_credentials`] as for [`Credentials::get`]; [`Error::is_clock`] as for [`sign`].
    pub async fn token(&self, now: SystemTime) -> Result<AuthToken, Error> {
        let credentials = self.credentials.get(now).await?;
        sign(&self.endpoint, &self.user, &credentials, now)
    }
}

/// A token for `user` at `endpoint`, valid for 15 minutes from `now`, rounded down to the second.
///
/// # Errors
///
/// [`Error::is_user`] if the user is empty or contains a NUL; [`Error::is_credentials`] if the
/// credentials expire within 60 seconds of `now`; [`Error::is_clock`] if `now` is before 1970 or
/// after 9999.
pub fn sign(
    endpoint: &Endpoint,
    user: &str,
    credentials: &AwsCredentials,
    now: SystemTime,
) -> Result<AuthToken, Error> {
    check_user(user)?;
    outlive_login(credentials, now)?;
    let date = DateTime::from_system(now).ok_or_else(|| {
        let message = "the clock is before 1970 or after 9999; set it to sign tokens";
        Error::new(Kind::Clock, message)
    })?;
    let date_time = date.basic_date_time();
    let scope = format!("{}/{}/{SERVICE}/aws4_request", date.basic_date(), endpoint.region());
    let authority = endpoint.authority();

    let mut token = Buffer::for_parts(&[
        &authority,
        user,
        credentials.access_key_id(),
        &scope,
        credentials.session_token().unwrap_or_default(),
    ]);
    // SigV4 requires the parameters in the order of their names.
    token.push(&authority).push("/?Action=connect&DBUser=").encode(user);
    token.push("&X-Amz-Algorithm=").push(ALGORITHM);
    token.push("&X-Amz-Credential=").encode(credentials.access_key_id()).push("%2F").encode(&scope);
    token.push("&X-Amz-Date=").push(&date_time);
    token.push("&X-Amz-Expires=900");
    if let Some(session_token) = credentials.session_token() {
        token.push("&X-Amz-Security-Token=").encode(session_token);
    }
    token.push("&X-Amz-SignedHeaders=host");

    let query = &token.0[authority.len() + "/?".len()..];
    let string_to_sign =
        format!("{ALGORITHM}\n{date_time}\n{scope}\n{}", canonical_request_hash(query, &authority));
    let key =
        generate_signing_key(credentials.secret_access_key(), now, endpoint.region(), SERVICE);
    let signature = Zeroizing::new(calculate_signature(key, string_to_sign.as_bytes()));
    token.push("&X-Amz-Signature=").push(&signature);

    let expires_at = date.to_system() + LIFETIME;
    let expires_at = credentials.expiry().map_or(expires_at, |expiry| expiry.min(expires_at));
    Ok(AuthToken { text: token.0, expires_at })
}

/// A token, to be sent as the password over a connection to a verified server.
///
/// It prints as redacted, cannot be copied or serialized, and its memory is overwritten when it is
/// dropped.
pub struct AuthToken {
    text: Zeroizing<String>,
    expires_at: SystemTime,
}

impl AuthToken {
    /// The token itself. Only pass it to the driver, for a connection with verified TLS.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// When the token expires: 15 minutes after it was signed, or when the credentials expire,
    /// whichever is first. Open sessions stay open.
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }
}

impl fmt::Debug for AuthToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthToken(** redacted **)")
    }
}

/// The token under construction. It is allocated at its maximum size: growing would leave a copy in
/// freed memory.
struct Buffer(Zeroizing<String>);

impl Buffer {
    fn for_parts(parts: &[&str]) -> Self {
        const FIXED: usize = 256; // names, algorithm, date, signature: 252 bytes, rounded up
        // An encoded byte takes three.
        let parts: usize = parts.iter().map(|part| 3 * part.len()).sum();
        Self(Zeroizing::new(String::with_capacity(FIXED + parts)))
    }

    fn push(&mut self, text: &str) -> &mut Self {
        debug_assert!(self.0.len() + text.len() <= self.0.capacity());
        self.0.push_str(text);
        self
    }

    fn encode(&mut self, text: &str) -> &mut Self {
        utf8_percent_encode(text, RESERVED).fold(self, |buffer, piece| buffer.push(piece))
    }
}

/// The hash of the canonical request.
fn canonical_request_hash(query: &str, authority: &str) -> String {
    let empty_payload_hash = sha256::hex([]);
    let request = ["GET\n/\n", query, "\nhost:", authority, "\n\nhost\n", &empty_payload_hash];
    sha256::hex(request.map(str::as_bytes))
}

fn check_user(user: &str) -> Result<(), Error> {
    let wrong = match user {
        "" => "is empty",
        _ if user.contains('\0') => "contains a NUL",
        _ => return Ok(()),
    };
    let message = format!("database user {user:?} {wrong}; use the name it was created with");
    Err(Error::new(Kind::User, message))
}

//! The signature of a token: Signature Version 4 in the query of a GET, written from AWS's description
//! ("Create a signed AWS API request", IAM User Guide).

use std::fmt::Write as _;

use ring::{digest, hmac};

use crate::percent;
use crate::token::Token;

/// The only algorithm.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The service of database logins.
pub(crate) const SERVICE: &str = "rds-db";
/// How every credential scope ends.
pub(crate) const TERMINATOR: &str = "aws4_request";

/// The day and region of a credential scope: the part of `X-Amz-Credential` after the key.
pub(crate) struct Scope<'a> {
    /// The day, such as `20140704`.
    pub(crate) day: &'a str,
    /// The region, such as `eu-west-1`.
    pub(crate) region: &'a str,
}

/// Whether `signature`, in lower-case hexadecimal, is that of `token` with `secret`. The comparison
/// takes constant time.
pub(crate) fn is_valid(
    signature: &str,
    token: &Token,
    date: &str,
    scope: &Scope<'_>,
    secret: &str,
) -> bool {
    let Some(signature) = from_hex(signature) else { return false };
    let key = signing_key(secret, scope);
    hmac::verify(&key, string_to_sign(token, date, scope).as_bytes(), &signature).is_ok()
}

/// The signature that [`is_valid`] accepts, for tests of the other checks.
#[cfg(test)]
pub(crate) fn sign(token: &Token, date: &str, scope: &Scope<'_>, secret: &str) -> String {
    let key = signing_key(secret, scope);
    hex(hmac::sign(&key, string_to_sign(token, date, scope).as_bytes()).as_ref())
}

/// The signing key for one day, region and service.
fn signing_key(secret: &str, scope: &Scope<'_>) -> hmac::Key {
    let start = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    [scope.day, scope.region, SERVICE, TERMINATOR].into_iter().fold(start, |key, step| {
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, step.as_bytes()).as_ref())
    })
}

fn string_to_sign(token: &Token, date: &str, Scope { day, region }: &Scope<'_>) -> String {
    let request = sha256_hex(canonical_request(token).as_bytes());
    format!("{ALGORITHM}\n{date}\n{day}/{region}/{SERVICE}/{TERMINATOR}\n{request}")
}

/// The canonical request. Its host is in lower case, as botocore signs it, whatever the case of the
/// host in the token.
fn canonical_request(token: &Token) -> String {
    let mut parameters: Vec<_> = token
        .signed_parameters()
        .map(|(name, value)| (percent::encode(name), percent::encode(value)))
        .collect();
    parameters.sort();
    let query: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!(
        "GET\n/\n{query}\nhost:{host}:{port}\n\nhost\n{empty_payload}",
        query = query.join("&"),
        host = token.host.to_ascii_lowercase(),
        port = token.port,
        empty_payload = sha256_hex(b""),
    )
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        _ = write!(hex, "{byte:02x}"); // writing to a String cannot fail
        hex
    })
}

/// Decodes 64 lower-case hexadecimal digits.
fn from_hex(text: &str) -> Option<[u8; 32]> {
    let text = text.as_bytes();
    if text.len() != 64 {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signing_key_of_awss_example() {
        // The worked example in "Examples of how to derive a signing key", AWS General Reference,
        // is for the service iam; the chain up to the region is the same, so check it there.
        let start =
            hmac::Key::new(hmac::HMAC_SHA256, b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let day = hmac::sign(&start, b"20120215");
        let day = hmac::Key::new(hmac::HMAC_SHA256, day.as_ref());
        let region = hmac::sign(&day, b"us-east-1");
        assert_eq!(
            hex(region.as_ref()),
            "69daa0209cd9c5ff5c8ced464a696fd4252e981430b10e3d3fd8e2f197d7a70c"
        );
    }

    #[test]
    fn the_canonical_request_is_sorted_encoded_and_in_lower_case() {
        let token =
            Token::parse(b"Db.Example:3306/?b=%2f&X-Amz-Signature=00&B=~&a=*&a-=1").unwrap();
        assert_eq!(
            canonical_request(&token),
            "GET\n/\nB=~&a=%2A&a-=1&b=%2F\nhost:db.example:3306\n\nhost\n\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn only_64_lower_case_digits_are_a_signature() {
        assert_eq!(from_hex(&"0f".repeat(32)), Some([15; 32]));
        for text in ["", "0f", &"0F".repeat(32), &"0g".repeat(32), &"0f".repeat(33)] {
            assert_eq!(from_hex(text), None, "{text}");
        }
    }
}

//! The access keys that the verifier knows.

use std::fmt;
use std::time::SystemTime;

use ring::rand::{SecureRandom, SystemRandom};

/// What the ids of temporary access keys begin with (IAM User Guide, "Unique identifiers").
const TEMPORARY: &str = "ASIA";
/// What session tokens that AWS issues today begin with.
const SESSION_TOKEN_START: &str = "IQoJb3JpZ2luX2Vj";
/// The length of a session token in bytes: that of a Lambda function's role.
const SESSION_TOKEN_LENGTH: usize = 900;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// An access key, permanent or temporary.
#[derive(Clone)]
pub struct AccessKey {
    /// The access key id, which a token names.
    pub id: String,
    /// The secret access key.
    pub secret: String,
    /// The session token of a temporary key. Tokens must carry it, and must carry none if the key has
    /// none.
    pub session_token: Option<String>,
    /// When the key expires, if it does. Tokens signed with it expire at the same moment.
    pub expires: Option<SystemTime>,
}

impl AccessKey {
    /// A new temporary key like that of a Lambda function, but one that never expires.
    pub fn random() -> Self {
        let length = SESSION_TOKEN_LENGTH - SESSION_TOKEN_START.len();
        Self {
            id: format!("{TEMPORARY}{}", random_text(16, BASE32)),
            secret: random_text(40, BASE64),
            session_token: Some(format!("{SESSION_TOKEN_START}{}", random_text(length, BASE64))),
            expires: None,
        }
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey")
            .field("id", &self.id)
            .field("secret", &"** redacted **")
            .field("session_token", &self.session_token.as_ref().map(|_| "** redacted **"))
            .field("expires", &self.expires)
            .finish()
    }
}

/// `length` letters drawn evenly from `alphabet`, whose size divides 256.
fn random_text<const N: usize>(length: usize, alphabet: &[u8; N]) -> String {
    const { assert!(256 % N == 0, "letters would not be drawn evenly") };
    let mut bytes = vec![0; length];
    #[allow(clippy::expect_used, reason = "getrandom(2) cannot fail once the system has booted")]
    SystemRandom::new().fill(&mut bytes).expect("the system's random numbers");
    bytes.into_iter().map(|byte| char::from(alphabet[usize::from(byte) % N])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_key_has_the_shape_of_a_lambda_functions() {
        let key = AccessKey::random();
        assert_eq!(key.id.len(), 20);
        assert!(key.id.starts_with("ASIA"));
        assert_eq!(key.secret.len(), 40);
        assert_eq!(key.session_token.as_ref().map(String::len), Some(SESSION_TOKEN_LENGTH));
        assert_ne!(key.secret, AccessKey::random().secret);
    }

    #[test]
    fn debug_shows_the_id_and_nothing_secret() {
        let key = AccessKey::random();
        let shown = format!("{key:#?}");
        assert!(shown.contains(&key.id), "{shown}");
        assert!(!shown.contains(&key.secret), "{shown}");
        assert!(!shown.contains(SESSION_TOKEN_START), "{shown}");
    }
}

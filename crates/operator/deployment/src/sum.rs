//! SHA-256 sums of what was built and what AWS has.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize, Serializer};

/// A SHA-256 in base64, as Lambda and S3 write it. It is shown in hex, as `cargo xtask build` does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sum(String);

impl Sum {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, bytes)))
    }

    pub(crate) fn base64(&self) -> &str {
        &self.0
    }
}

impl From<String> for Sum {
    fn from(base64: String) -> Self {
        Self(base64)
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match STANDARD.decode(&self.0) {
            Ok(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            // Not base64: shown as AWS wrote it.
            Err(_) => f.write_str(&self.0),
        }
    }
}

impl Serialize for Sum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Sum;

    #[test]
    fn a_sum_has_two_forms() {
        let sum = Sum::of(b"");
        assert_eq!(sum.base64(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sum.to_string(), hex);
        assert_eq!(serde_json::to_value(&sum).unwrap(), hex);
        assert_eq!(serde_json::from_str::<Sum>(&format!("\"{}\"", sum.base64())).unwrap(), sum);
    }
}

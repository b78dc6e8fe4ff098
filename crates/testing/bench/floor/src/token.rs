//! The token: a URL presigned with Signature Version 4 for `rds-db`
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>).

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use ring::{digest, hmac};

use crate::setting;

pub(crate) fn sign() -> String {
    let host = format!("{}:{}", setting("DB_HOST"), setting("DB_PORT"));
    let (region, key) = (setting("AWS_REGION"), setting("AWS_ACCESS_KEY_ID"));
    let (date, time) = now();
    let scope = format!("{date}/{region}/rds-db/aws4_request");
    let query = format!(
        "Action=connect&DBUser={}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date={time}\
         &X-Amz-Expires=900&X-Amz-Security-Token={}&X-Amz-SignedHeaders=host",
        encoded(&setting("DB_USER")),
        encoded(&format!("{key}/{scope}")),
        encoded(&setting("AWS_SESSION_TOKEN")),
    );
    let request = format!("GET\n/\n{query}\nhost:{host}\n\nhost\n{}", hex(&sha256(b"")));
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&sha256(request.as_bytes())));
    let secret = format!("AWS4{}", setting("AWS_SECRET_ACCESS_KEY"));
    let parts = [date.as_str(), &region, "rds-db", "aws4_request", &to_sign];
    let signature = parts.iter().fold(secret.into_bytes(), |key, part| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec()
    });
    format!("{host}/?{query}&X-Amz-Signature={}", hex(&signature))
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(byte.into());
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
        encoded
    })
}

/// The date and the time as Signature Version 4 has them: `20261130` and `20261130T120000Z`.
#[allow(clippy::disallowed_methods, reason = "it is a program, with a clock")]
fn now() -> (String, String) {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    // Days since 0000-03-01, in eras of 400 years (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let date = format!("{year:04}{month:02}{day:02}");
    let time = format!("{date}T{hour:02}{minute:02}{second:02}Z");
    (date, time)
}

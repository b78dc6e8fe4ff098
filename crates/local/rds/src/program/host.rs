//! The names that `--endpoint` and `--also-named` accept.

use std::net::{IpAddr, Ipv4Addr};

/// Checks that `text` is the name of a host, alone, or the address that servers listen on.
///
/// # Errors
/// Why it is not.
pub(crate) fn check(text: &str) -> Result<(), String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return match address == IpAddr::V4(Ipv4Addr::LOCALHOST) {
            true => Ok(()),
            false => Err(format!(
                "{text} is not where the servers listen: use localhost, another name, or 127.0.0.1"
            )),
        };
    }
    let is_label = |label: &str| {
        let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let ends = !label.starts_with('-') && !label.ends_with('-');
        (1..=63).contains(&label.len()) && ends && label.bytes().all(inside)
    };
    // A name whose last part is a number would be an address.
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let last = text.rsplit('.').next().unwrap_or(text);
    if text.len() <= 253 && text.split('.').all(is_label) && !is_number(last) {
        return Ok(());
    }
    Err(format!(
        "{text:?} is not the name of a host: give a name alone, such as localhost, without a scheme or a \
         port"
    ))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_name_or_the_loopback_address_is_accepted() {
        let long = format!("{}.example", "a".repeat(63));
        for name in ["localhost", "127.0.0.1", "mydb.example", "DB-1", "a_b.c", &long] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn what_is_neither_is_refused_with_the_way_out() {
        let long = "a".repeat(64);
        for text in [
            "localhost:5432",
            "https://localhost",
            "local host",
            "-a",
            "a..b",
            "a.",
            "10.0.0.300",
            "é.example",
            &long,
        ] {
            assert!(check(text).unwrap_err().contains("a name alone"), "{text}");
        }
        for address in ["10.0.0.1", "0.0.0.0", "127.0.0.2", "::1"] {
            assert!(check(address).unwrap_err().contains("or 127.0.0.1"), "{address}");
        }
    }
}

//! Network addresses.

use postgres_protocol::types::inet_from_sql;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Malformed;

/// An `inet` or `cidr`. The prefix length is left out where it is that of the whole address, except
/// in a `cidr`.
pub(crate) fn inet(raw: &[u8], is_cidr: bool) -> Result<String, Malformed> {
    let inet = inet_from_sql(raw)?;
    let (address, whole) = match inet.addr() {
        IpAddr::V4(address) => (address.to_string(), 32),
        IpAddr::V6(address) => (ipv6(address), 128),
    };
    let prefix = inet.netmask();
    Ok(if prefix == whole && !is_cidr { address } else { format!("{address}/{prefix}") })
}

/// An IPv6 address as in RFC 5952, except that one with 96 leading zero bits ends like an IPv4
/// address, as RFC 4291's "IPv4-compatible" ones do, when its seventh group is not zero.
fn ipv6(address: Ipv6Addr) -> String {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => {
            format!("::{}", Ipv4Addr::from(address.to_bits() as u32))
        }
        _ => address.to_string(),
    }
}

/// A `macaddr` or `macaddr8`.
pub(crate) fn mac(raw: &[u8]) -> Result<String, Malformed> {
    match raw.len() {
        6 | 8 => Ok(raw.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")),
        length => Err(format!("an address of {length} bytes").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_shown_where_the_server_shows_them() {
        assert_eq!(inet(&[2, 32, 0, 4, 192, 0, 2, 1], false).unwrap(), "192.0.2.1");
        assert_eq!(inet(&[2, 24, 0, 4, 192, 0, 2, 1], false).unwrap(), "192.0.2.1/24");
        assert_eq!(inet(&[2, 32, 1, 4, 192, 0, 2, 1], true).unwrap(), "192.0.2.1/32");
        assert!(inet(&[2, 32, 0, 4, 192, 0, 2], false).is_err());
        assert!(inet(&[4, 32, 0, 4, 192, 0, 2, 1], false).is_err());
    }

    #[test]
    fn ipv6_is_shortened_as_the_server_does() {
        for (address, text) in [
            ("::", "::"),
            ("::1", "::1"),
            ("::ffff", "::ffff"),
            ("::1:0", "::0.1.0.0"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
            ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"),
        ] {
            assert_eq!(ipv6(address.parse().unwrap()), text);
        }
    }
}

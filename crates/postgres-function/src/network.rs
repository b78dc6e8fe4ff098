//! The binary forms of network addresses, as text.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::binary::{Malformed, Reader};

/// The families of `inet_send` in PostgreSQL's `network.c`.
const IPV4: u8 = 2;
const IPV6: u8 = 3;

/// An `inet` or `cidr`. The length of the network's prefix is left out where it is the address's
/// whole length, except for a `cidr`.
pub(crate) fn inet(raw: &[u8]) -> Result<String, Malformed> {
    let mut reader = Reader::new(raw);
    let (family, prefix, is_cidr, _length) =
        (reader.u8()?, reader.u8()?, reader.u8()? != 0, reader.u8()?);
    let (address, whole) = match family {
        IPV4 => (Ipv4Addr::from(reader.array::<4>()?).to_string(), 32),
        IPV6 => (ipv6(reader.array::<16>()?.into()), 128),
        other => return Err(Malformed(format!("an address of family {other}"))),
    };
    reader.end()?;
    Ok(if prefix == whole && !is_cidr { address } else { format!("{address}/{prefix}") })
}

/// An IPv6 address in RFC 5952's form, but that one whose first 96 bits are zero ends as an IPv4
/// address, as RFC 4291's "IPv4-compatible" ones did, when its seventh group is not zero.
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
        length => Err(Malformed(format!("an address of {length} bytes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_shown_where_the_server_shows_them() {
        assert_eq!(inet(&[2, 32, 0, 4, 192, 0, 2, 1]).unwrap(), "192.0.2.1");
        assert_eq!(inet(&[2, 24, 0, 4, 192, 0, 2, 1]).unwrap(), "192.0.2.1/24");
        assert_eq!(inet(&[2, 32, 1, 4, 192, 0, 2, 1]).unwrap(), "192.0.2.1/32");
        assert!(inet(&[2, 32, 0, 4, 192, 0, 2]).is_err());
        assert!(inet(&[4, 32, 0, 4, 192, 0, 2, 1]).is_err());
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

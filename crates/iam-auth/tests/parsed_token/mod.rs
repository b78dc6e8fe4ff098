//! Reads a token as RDS must, by the RFC and not by the signer's code.

use std::collections::BTreeMap;

/// A token's parts. A token that is not of the form panics: these are tests.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ParsedToken {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) parameters: BTreeMap<String, String>,
}

impl ParsedToken {
    pub(crate) fn read(token: &str) -> Self {
        assert!(token.is_ascii(), "a token is ASCII");
        let (authority, query) = token.split_once("/?").expect("authority, then /?");
        let (host, port) = authority.rsplit_once(':').expect("host, then a port");
        let host = match host.strip_prefix('[') {
            Some(host) => host.strip_suffix(']').expect("a closing bracket"),
            None => host,
        };
        let mut parameters = BTreeMap::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').expect("name=value");
            let twice = parameters.insert(decode(name), decode(value));
            assert_eq!(twice, None, "{name} stands twice");
        }
        Self { host: host.to_owned(), port: port.parse().unwrap(), parameters }
    }
}

/// RFC 3986, section 2: unreserved characters as they are, everything else as `%XX`.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                bytes.push(*first);
            }
            b'%' => {
                let digits = std::str::from_utf8(&tail[..2]).unwrap();
                assert_eq!(digits, digits.to_uppercase(), "SigV4 wants upper-case hex");
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = &tail[2..];
            }
            other => panic!("{:?} must be encoded", char::from(*other)),
        }
    }
    String::from_utf8(bytes).unwrap()
}

//! A parsed token: host, port and the parameters of its query.

use crate::percent::{self, Fault};
use crate::refusal::Refusal;

/// The only parameter that is not signed.
pub(crate) const SIGNATURE: &str = "X-Amz-Signature";

/// A token in the right form. Its values are not checked yet.
pub(crate) struct Token {
    /// The host it was signed for, as the client wrote it.
    pub(crate) host: String,
    /// The port it was signed for, as the client wrote it.
    pub(crate) port: String,
    /// Name and value of each parameter, decoded. Names are unique.
    parameters: Vec<(String, String)>,
}

impl Token {
    /// Parses `password`.
    ///
    /// RDS accepts both `host:port/?query`, which most signers write, and `host:port?query`, which
    /// the AWS SDK for Go writes; both are signed with the path `/`. Raw bytes that are ambiguous in
    /// a query are refused: `+` (a plus or a space?), `#`, spaces.
    pub(crate) fn parse(password: &[u8]) -> Result<Self, Refusal> {
        if password.is_empty() {
            return Err(Refusal::EmptyPassword);
        }
        let question = password.iter().position(|byte| *byte == b'?').ok_or(Refusal::NotAToken)?;
        let (host, port) = authority(&password[..question]).ok_or(Refusal::NotAToken)?;
        let mut token =
            Self { host: host.to_owned(), port: port.to_owned(), parameters: Vec::new() };

        let mut offset = question + 1;
        for parameter in password[offset..].split(|byte| *byte == b'&') {
            token.add(parameter, offset)?;
            offset += parameter.len() + 1;
        }
        Ok(token)
    }

    /// Adds one `name=value`, which begins `offset` bytes into the token.
    fn add(&mut self, parameter: &[u8], offset: usize) -> Result<(), Refusal> {
        let malformed = |offset, fault| Refusal::Malformed { offset, fault };
        if let Some(at) = parameter.iter().position(|byte| !may_be_raw(*byte)) {
            return Err(malformed(offset + at, "a byte that must be percent-encoded"));
        }
        let text = str::from_utf8(parameter).map_err(|_| malformed(offset, "not ASCII"))?;
        let (name, value) =
            text.split_once('=').ok_or_else(|| malformed(offset, "a parameter without ="))?;
        let decode = |text, offset| {
            percent::decode(text).map_err(|fault| match fault {
                Fault::Escape => malformed(offset, "% without two hexadecimal digits in the value"),
                Fault::Utf8 => malformed(offset, "a value that is not UTF-8"),
            })
        };
        let value = decode(value, offset + name.len() + 1)?;
        let name = decode(name, offset)?;
        if self.get(&name).is_some() {
            return Err(Refusal::DuplicateParameter(name.escape_debug().to_string()));
        }
        self.parameters.push((name, value));
        Ok(())
    }

    /// The value of the parameter `name`, if the token has it.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The value of the required parameter `name`.
    pub(crate) fn require(&self, name: &'static str) -> Result<&str, Refusal> {
        self.get(name).ok_or(Refusal::MissingParameter(name))
    }

    /// Name and value of each parameter that the signature covers: all but the signature itself,
    /// unknown ones included.
    pub(crate) fn signed_parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters
            .iter()
            .filter(|(name, _)| name != SIGNATURE)
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The host and port before the `?`: `host:port` or `host:port/`.
fn authority(bytes: &[u8]) -> Option<(&str, &str)> {
    let text = str::from_utf8(bytes).ok()?;
    let (host, port) = text.strip_suffix('/').unwrap_or(text).rsplit_once(':')?;
    let host_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_host = !host.is_empty() && host.bytes().all(host_byte);
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    (is_host && is_port).then_some((host, port))
}

/// Whether `byte` may be unencoded in a query (RFC 3986, section 3.4), except for `+`.
fn may_be_raw(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$'()*,;:@/?%=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(password: &str) -> Refusal {
        match Token::parse(password.as_bytes()) {
            Ok(_) => panic!("{password} was taken"),
            Err(refusal) => refusal,
        }
    }

    #[test]
    fn takes_both_forms_apart() {
        for form in ["Db.example:3306/?a%20b=c%26&d=", "Db.example:3306?a%20b=c%26&d="] {
            let token = Token::parse(form.as_bytes()).unwrap();
            assert_eq!((token.host.as_str(), token.port.as_str()), ("Db.example", "3306"));
            assert_eq!(token.get("a b"), Some("c&"));
            assert_eq!(token.get("d"), Some(""));
            assert_eq!(token.get("D"), None);
        }
    }

    #[test]
    fn a_plain_password_is_no_token() {
        for password in [
            "secret",
            "secret?",
            "host/?a=b",
            ":3306/?a=b",
            "host:/?a=b",
            "host:http/?a=b",
            "host:3306//?a=b",
            "host:3306/x?a=b",
            "https://host:3306/?a=b",
            "user@host:3306/?a=b",
            "hôte:3306/?a=b",
        ] {
            assert_eq!(refusal(password), Refusal::NotAToken, "{password}");
        }
        assert_eq!(refusal(""), Refusal::EmptyPassword);
    }

    #[test]
    fn what_breaks_the_query_is_named_with_its_place() {
        let at = |password: &str| match refusal(password) {
            Refusal::Malformed { offset, fault } => (offset, fault),
            other => panic!("{password}: {other}"),
        };
        let raw = "a byte that must be percent-encoded";
        assert_eq!(at("h:1/?a=b c"), (8, raw));
        assert_eq!(at("h:1/?a=b+c"), (8, raw));
        assert_eq!(at("h:1/?a=b#c"), (8, raw));
        assert_eq!(at("h:1/?a=é"), (7, raw));
        assert_eq!(at("h:1/?"), (5, "a parameter without ="));
        assert_eq!(at("h:1/?a=b&"), (9, "a parameter without ="));
        assert_eq!(at("h:1/?a=b&c"), (9, "a parameter without ="));
        assert_eq!(at("h:1/?a=b&cd=%2"), (12, "% without two hexadecimal digits in the value"));
        assert_eq!(at("h:1/?a=%ff"), (7, "a value that is not UTF-8"));
    }

    #[test]
    fn a_parameter_that_stands_twice_is_refused_however_it_is_written() {
        let twice = Refusal::DuplicateParameter("a".into());
        assert_eq!(refusal("h:1/?a=b&a=b"), twice);
        assert_eq!(refusal("h:1/?a=b&%61=c"), twice);
    }
}

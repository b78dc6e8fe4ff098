//! The values that a condition compares with, read for their operator.

use std::net::IpAddr;

use crate::calendar::parse_policy_date;
use crate::operator::{Comparison, Relation};
use crate::request::Request;
use crate::template::{Template, Unresolved};
use crate::wildcard::{self, Glyph};

/// How many parts an ARN has between its first colons.
const ARN_PARTS: usize = 6;

/// One value of a condition. Strings and ARNs may have variables, and others may not.
#[derive(Debug, Clone)]
pub(crate) enum ConditionValue {
    Text(Template),
    Number(f64),
    /// In milliseconds since 1970.
    Date(i64),
    Bool(bool),
    Address(Network),
    /// What no key of a login has.
    Binary,
}

/// Addresses with the same first bits.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u32,
}

impl ConditionValue {
    /// Reads `text` for `comparison`.
    ///
    /// # Errors
    /// It is not of the operator's kind: the text names it.
    pub(crate) fn parse(
        text: &str,
        comparison: Comparison,
        has_variables: bool,
    ) -> Result<Self, String> {
        let is_no = |kind: &str| format!("{text:?} is no {kind}");
        Ok(match comparison {
            Comparison::Text | Comparison::TextInAnyCase | Comparison::TextLike => {
                Self::Text(Template::parse(text, has_variables)?)
            }
            Comparison::Arn => {
                let template = Template::parse(text, has_variables)?;
                if template.keys().next().is_none()
                    && text.splitn(ARN_PARTS, ':').count() < ARN_PARTS
                {
                    return Err(is_no("ARN, which has six parts, such as arn:aws:iam::*:role/*"));
                }
                Self::Text(template)
            }
            Comparison::Number(_) => {
                let number = text.parse().ok().filter(|number: &f64| number.is_finite());
                Self::Number(number.ok_or_else(|| is_no("number"))?)
            }
            Comparison::Date(_) => Self::Date(parse_policy_date(text).ok_or_else(|| {
                is_no("date of ISO 8601, such as 2026-11-29T23:59:59Z, nor seconds since 1970")
            })?),
            Comparison::Bool | Comparison::Null => match text {
                _ if text.eq_ignore_ascii_case("true") => Self::Bool(true),
                _ if text.eq_ignore_ascii_case("false") => Self::Bool(false),
                _ => return Err(is_no("\"true\" or \"false\"")),
            },
            Comparison::Binary => Self::Binary,
            Comparison::Address => Self::Address(
                Network::parse(text)
                    .ok_or_else(|| is_no("address or range, such as 10.0.0.0/8"))?,
            ),
        })
    }

    /// The condition keys whose values its variables need.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let template = match self {
            Self::Text(template) => Some(template),
            _ => None,
        };
        template.into_iter().flat_map(Template::keys)
    }

    /// Whether `found`, a value of the request, matches.
    ///
    /// # Errors
    /// A variable has no value.
    pub(crate) fn matches(
        &self,
        comparison: Comparison,
        found: &str,
        request: &Request,
    ) -> Result<bool, Unresolved<'_>> {
        Ok(match (self, comparison) {
            (Self::Text(template), comparison) => {
                let pattern = template.resolve(request)?;
                match comparison {
                    Comparison::TextLike => wildcard::like(&pattern, found),
                    Comparison::Arn => arn_like(&pattern, found),
                    Comparison::TextInAnyCase => {
                        plain(&pattern).to_lowercase() == found.to_lowercase()
                    }
                    _ => plain(&pattern) == found,
                }
            }
            (Self::Number(own), Comparison::Number(relation)) => {
                found.parse().is_ok_and(|found: f64| relation.holds(&found, own))
            }
            (Self::Date(own), Comparison::Date(relation)) => {
                parse_policy_date(found).is_some_and(|found| relation.holds(&found, own))
            }
            (Self::Bool(own), _) => found.eq_ignore_ascii_case(if *own { "true" } else { "false" }),
            (Self::Address(network), _) => found.parse().is_ok_and(|found| network.contains(found)),
            (Self::Number(_) | Self::Date(_) | Self::Binary, _) => false,
        })
    }
}

impl Relation {
    fn holds<T: PartialOrd>(self, found: &T, own: &T) -> bool {
        match self {
            Self::Equal => found == own,
            Self::Less => found < own,
            Self::LessOrEqual => found <= own,
            Self::Greater => found > own,
            Self::GreaterOrEqual => found >= own,
        }
    }
}

/// The text of a pattern in which `*` and `?` are no wildcards.
fn plain(pattern: &[Glyph]) -> String {
    let letter = |glyph: &Glyph| match glyph {
        Glyph::Any => '*',
        Glyph::One => '?',
        Glyph::Char(letter) => *letter,
    };
    pattern.iter().map(letter).collect()
}

/// Part by part: a wildcard matches no colon, except in the last part ("ARN condition operators").
fn arn_like(pattern: &[Glyph], found: &str) -> bool {
    let patterns: Vec<_> = pattern.splitn(ARN_PARTS, |it| *it == Glyph::Char(':')).collect();
    let parts: Vec<_> = found.splitn(ARN_PARTS, ':').collect();
    patterns.len() == ARN_PARTS
        && parts.len() == ARN_PARTS
        && patterns.iter().zip(parts).all(|(pattern, part)| wildcard::like(pattern, part))
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(longest), |bits| bits.parse().ok())?;
        (bits <= longest).then_some(Self { address, bits })
    }

    fn contains(&self, address: IpAddr) -> bool {
        let (own, found, longest) = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(found)) => {
                (u128::from(own.to_bits()), u128::from(found.to_bits()), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(found)) => (own.to_bits(), found.to_bits(), 128),
            _ => return false,
        };
        (own ^ found).checked_shr(longest - self.bits).unwrap_or(0) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        let contains = |network: &str, address: &str| {
            Network::parse(network).unwrap().contains(address.parse().unwrap())
        };
        for (network, address, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1/32", "10.0.0.0", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("::/0", "::1", true),
            ("2001:db8::/32", "2001:db8:1::", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("0.0.0.0/0", "::1", false),
        ] {
            assert_eq!(contains(network, address), expected, "{network}, {address}");
        }
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/x"] {
            assert!(Network::parse(text).is_none(), "{text}");
        }
    }
}

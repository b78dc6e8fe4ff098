//! Strings with wildcards and variables.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use super::Context;

/// A string of a policy: `arn:aws:s3:::zips-${aws:PrincipalAccount}-*`.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Debug)]
enum Part {
    /// One token of the string.
    Token(Token),
    /// The value of a condition key, in lower case, without wildcards.
    Variable(String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token {
    /// `*`
    Any,
    /// `?`
    One,
    Char(char),
}

impl Pattern {
    /// The pattern of a condition's value.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let Some(variable) = rest.strip_prefix("${") else {
                parts.push(Part::Token(match next {
                    '*' => Token::Any,
                    '?' => Token::One,
                    other => Token::Char(other),
                }));
                rest = &rest[next.len_utf8()..];
                continue;
            };
            let (name, after) = variable
                .split_once('}')
                .ok_or_else(|| format!("{text}: an unterminated variable"))?;
            parts.push(match name {
                "*" | "?" | "$" => Part::Token(Token::Char(name.chars().next().unwrap())),
                _ if name.contains(',') => {
                    return Err(format!("{text}: defaults are not supported"));
                }
                _ => Part::Variable(name.to_ascii_lowercase()),
            });
            rest = after;
        }
        Ok(Self(parts))
    }

    /// The pattern of an action, case-insensitive.
    pub(super) fn action(text: &str) -> Result<Self, String> {
        if !text.contains(':') || text.contains('$') {
            return Err(format!("{text} is not an action"));
        }
        Self::parse(&text.to_ascii_lowercase())
    }

    /// The pattern of a resource: an ARN with variables only in its last part, or `*`.
    pub(super) fn resource(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.splitn(6, ':').collect();
        let is_arn = parts.len() == 6 && parts[0] == "arn";
        if text != "*" && (!is_arn || parts[..5].iter().any(|part| part.contains('$'))) {
            return Err(format!("{text} is not a resource"));
        }
        Self::parse(text)
    }

    /// Whether it matches all of `text`.
    pub(super) fn matches(&self, text: &str, context: &Context) -> bool {
        let text: Vec<_> = text.chars().collect();
        self.expand(context).is_some_and(|tokens| glob(&tokens, &text))
    }

    /// The same for ARNs: part by part, so that a wildcard matches a colon only in the last part.
    pub(super) fn matches_arn(&self, arn: &str, context: &Context) -> bool {
        let Some(tokens) = self.expand(context) else { return false };
        let arn: Vec<_> = arn.chars().collect();
        let patterns: Vec<_> = tokens.splitn(6, |token| *token == Token::Char(':')).collect();
        let parts: Vec<_> = arn.splitn(6, |character| *character == ':').collect();
        let of_arns = patterns.len() == 6 && parts.len() == 6;
        of_arns && patterns.iter().zip(parts).all(|(pattern, part)| glob(pattern, part))
    }

    /// The same without wildcards: a `*` is a `*`.
    pub(super) fn equals(&self, text: &str, context: &Context) -> bool {
        let character = |token: Token| match token {
            Token::Any => '*',
            Token::One => '?',
            Token::Char(character) => character,
        };
        let own = self.expand(context);
        own.is_some_and(|tokens| tokens.into_iter().map(character).eq(text.chars()))
    }

    /// With its variables' values. A variable without a value matches nothing.
    fn expand(&self, context: &Context) -> Option<Vec<Token>> {
        let mut tokens = Vec::new();
        for part in &self.0 {
            match part {
                Part::Token(token) => tokens.push(*token),
                Part::Variable(key) => {
                    let [value] = &context.get(key)?[..] else { return None };
                    tokens.extend(value.chars().map(Token::Char));
                }
            }
        }
        Some(tokens)
    }
}

/// Whether the tokens match all of the text. A `*` first matches nothing, then one more character each
/// time that the rest fails.
fn glob(tokens: &[Token], text: &[char]) -> bool {
    let (mut token, mut at) = (0, 0);
    let mut last_any = None;
    while at < text.len() {
        match tokens.get(token) {
            Some(Token::Any) => {
                last_any = Some((token, at));
                token += 1;
            }
            Some(Token::One) => (token, at) = (token + 1, at + 1),
            Some(Token::Char(own)) if *own == text[at] => (token, at) = (token + 1, at + 1),
            _ => {
                let Some((any, from)) = last_any else { return false };
                last_any = Some((any, from + 1));
                (token, at) = (any + 1, from + 1);
            }
        }
    }
    tokens[token..].iter().all(|rest| *rest == Token::Any)
}

//! Strings of policies: characters, wildcards and variables ("IAM policy elements: Variables and tags",
//! IAM User Guide).

use crate::condition_key;
use crate::request::Request;
use crate::wildcard::Glyph;

/// A string such as `arn:aws:rds-db:*:*:dbuser:*/${aws:username}`.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Glyph(Glyph),
    /// The value of a condition key.
    Variable {
        key: String,
        default: Option<String>,
    },
}

/// A variable that has no value at this login, nor a default.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unresolved<'a>(pub(crate) &'a str);

impl Template {
    /// Reads `text`, with variables in it or, in a document of version 2008-10-17, without.
    ///
    /// # Errors
    /// A variable is malformed: the text names it.
    pub(crate) fn parse(text: &str, has_variables: bool) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(variable) = rest.find("${").filter(|_| has_variables) {
            parts.extend(glyphs(&rest[..variable]));
            let inside = &rest[variable + 2..];
            let (inside, after) = inside
                .split_once('}')
                .ok_or_else(|| format!("{text:?} has a policy variable without its }}"))?;
            parts.push(Part::variable(inside)?);
            rest = after;
        }
        parts.extend(glyphs(rest));
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The string as the policy has it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The condition keys whose values it needs.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable { key, .. } => Some(key.as_str()),
            Part::Glyph(_) => None,
        })
    }

    /// The pattern with the values that its variables have at this login, in which nothing is a
    /// wildcard.
    ///
    /// # Errors
    /// The first variable without a value. Such a string equals nothing ("Using policy variables with no
    /// value", IAM User Guide).
    pub(crate) fn resolve(&self, request: &Request) -> Result<Vec<Glyph>, Unresolved<'_>> {
        let mut glyphs = Vec::new();
        for part in &self.parts {
            match part {
                Part::Glyph(glyph) => glyphs.push(*glyph),
                Part::Variable { key, default } => {
                    let value = match request.values(key) {
                        Some([value]) => value,
                        _ => default.as_ref().ok_or(Unresolved(key))?,
                    };
                    glyphs.extend(value.chars().map(Glyph::Char));
                }
            }
        }
        Ok(glyphs)
    }
}

impl Part {
    /// What stands between `${` and `}`.
    fn variable(inside: &str) -> Result<Self, String> {
        // The three that stand for a character which would be special.
        if let "*" | "?" | "$" = inside {
            return Ok(Self::Glyph(Glyph::Char(char::from(inside.as_bytes()[0]))));
        }
        let (key, default) = match inside.split_once(',') {
            None => (inside, None),
            Some((key, default)) => {
                let quoted = default.trim().strip_prefix('\'').and_then(|it| it.strip_suffix('\''));
                let default = quoted.ok_or_else(|| {
                    format!(
                        "the default of the policy variable ${{{inside}}} must be in single quotes"
                    )
                })?;
                (key, Some(default.to_owned()))
            }
        };
        if !condition_key::is_well_formed(key) {
            return Err(format!(
                "the policy variable ${{{inside}}} is no condition key, such as aws:username"
            ));
        }
        Ok(Self::Variable { key: key.to_owned(), default })
    }
}

fn glyphs(text: &str) -> impl Iterator<Item = Part> {
    Glyph::of(text).into_iter().map(Part::Glyph)
}

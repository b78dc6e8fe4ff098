//! IAM policy documents, as far as they decide about `rds-db:connect`.
//!
//! An element that this module does not support is an error that names it. A policy that was read in
//! part would allow here what it denies on AWS.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::refusal::Refusal;
use crate::wildcard;

/// The action of a login.
const CONNECT: &str = "rds-db:connect";

/// An identity-based policy: the holder of the access key may do what it allows.
#[derive(Debug)]
pub(crate) struct Policy {
    statements: Vec<Statement>,
}

/// Why a policy document was refused: what is wrong, in which line and column.
#[derive(Debug)]
pub struct PolicyError(serde_json::Error);

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "policy document: {}", self.0)
    }
}

impl Error for PolicyError {}

impl Policy {
    /// Reads a policy document ("Grammar of the IAM JSON policy language", IAM User Guide).
    pub(crate) fn parse(json: &str) -> Result<Self, PolicyError> {
        let Document { statement, .. } = serde_json::from_str(json).map_err(PolicyError)?;
        Ok(Self { statements: statement.0 })
    }

    /// Decides about `rds-db:connect` on `arn`: a deny overrides every allow, and what no statement
    /// allows is refused.
    pub(crate) fn allows_connect(&self, arn: &str) -> Result<(), Refusal> {
        let mut applying = self.statements.iter().enumerate().filter(|(_, s)| s.applies_to(arn));
        let mut allowed = false;
        let denied = applying.find(|(_, statement)| {
            allowed |= statement.effect == Effect::Allow;
            statement.effect == Effect::Deny
        });
        match denied {
            Some((index, statement)) => {
                Err(Refusal::Denied { arn: arn.to_owned(), statement: statement.name(index) })
            }
            None if allowed => Ok(()),
            None => Err(Refusal::NotAllowed { arn: arn.to_owned() }),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    #[serde(rename = "Version")]
    _version: Option<Version>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: OneOrMore<Statement>,
}

/// The two versions of the policy language, which differ only in policy variables.
#[derive(Deserialize)]
enum Version {
    #[serde(rename = "2008-10-17")]
    V2008,
    #[serde(rename = "2012-10-17")]
    V2012,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "StatementDocument")]
struct Statement {
    sid: Option<String>,
    effect: Effect,
    actions: Patterns,
    resources: Patterns,
}

impl Statement {
    fn applies_to(&self, arn: &str) -> bool {
        self.actions.cover(CONNECT) && self.resources.cover(arn)
    }

    /// Its `Sid`, or its position if it has none; `index` counts from 0.
    fn name(&self, index: usize) -> String {
        match &self.sid {
            Some(sid) => format!("statement {sid:?}"),
            None => format!("statement {}", index + 1),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

/// What a statement is about.
#[derive(Debug)]
enum Patterns {
    Any(Vec<String>),
    AllBut(Vec<String>),
}

impl Patterns {
    /// The patterns of an element or of its `Not…`, of which there must be exactly one.
    fn either<T: Into<String>>(
        any: Option<OneOrMore<T>>,
        all_but: Option<OneOrMore<T>>,
    ) -> Option<Self> {
        let texts = |list: OneOrMore<T>| list.0.into_iter().map(Into::into).collect();
        match (any, all_but) {
            (Some(any), None) => Some(Self::Any(texts(any))),
            (None, Some(all_but)) => Some(Self::AllBut(texts(all_but))),
            _ => None,
        }
    }

    fn cover(&self, text: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|p| wildcard::matches(p, text));
        match self {
            Self::Any(patterns) => any(patterns),
            Self::AllBut(patterns) => !any(patterns),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StatementDocument {
    sid: Option<String>,
    effect: Effect,
    action: Option<OneOrMore<ActionPattern>>,
    not_action: Option<OneOrMore<ActionPattern>>,
    resource: Option<OneOrMore<ResourcePattern>>,
    not_resource: Option<OneOrMore<ResourcePattern>>,
    #[serde(rename = "Condition", default, deserialize_with = "refuse_condition")]
    _condition: (),
    #[serde(rename = "Principal", default, deserialize_with = "refuse_principal")]
    _principal: (),
    #[serde(rename = "NotPrincipal", default, deserialize_with = "refuse_principal")]
    _not_principal: (),
}

impl TryFrom<StatementDocument> for Statement {
    type Error = &'static str;

    fn try_from(document: StatementDocument) -> Result<Self, Self::Error> {
        let StatementDocument { sid, effect, action, not_action, resource, not_resource, .. } =
            document;
        let actions = Patterns::either(action, not_action)
            .ok_or("the statement must have either Action or NotAction")?;
        let resources = Patterns::either(resource, not_resource)
            .ok_or("the statement must have either Resource or NotResource")?;
        Ok(Self { sid, effect, actions, resources })
    }
}

fn refuse_condition<'de, D: Deserializer<'de>>(_: D) -> Result<(), D::Error> {
    Err(de::Error::custom(
        "Condition is not supported by the local server, which cannot evaluate it; remove it, or \
         test this policy on AWS",
    ))
}

fn refuse_principal<'de, D: Deserializer<'de>>(_: D) -> Result<(), D::Error> {
    Err(de::Error::custom(
        "Principal and NotPrincipal are not allowed in an identity-based policy; remove them",
    ))
}

/// `service:action` or `*`, in lower case: actions are not case-sensitive.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct ActionPattern(String);

impl TryFrom<String> for ActionPattern {
    type Error = String;

    fn try_from(pattern: String) -> Result<Self, String> {
        let is_action = match pattern.split_once(':') {
            Some((service, action)) => {
                !service.is_empty() && !service.contains(['*', '?']) && !action.is_empty()
            }
            None => pattern == "*",
        };
        if !is_action {
            return Err(format!(
                "the action {pattern:?} is neither \"*\" nor of the form \"service:action\", such \
                 as \"{CONNECT}\""
            ));
        }
        Ok(Self(pattern.to_ascii_lowercase()))
    }
}

impl From<ActionPattern> for String {
    fn from(pattern: ActionPattern) -> Self {
        pattern.0
    }
}

/// An ARN with wildcards, or `*`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct ResourcePattern(String);

impl TryFrom<String> for ResourcePattern {
    type Error = String;

    fn try_from(pattern: String) -> Result<Self, String> {
        if pattern.contains("${") {
            return Err(format!(
                "the resource {pattern:?} has a policy variable, which the local server cannot \
                 resolve; write its value, or *"
            ));
        }
        let mut segments = pattern.splitn(6, ':');
        let (arn, _partition, service) = (segments.next(), segments.next(), segments.next());
        let is_arn =
            arn == Some("arn") && service.is_some_and(|s| !s.is_empty() && !s.contains(['*', '?']));
        if !is_arn && pattern != "*" {
            return Err(format!(
                "the resource {pattern:?} is neither \"*\" nor an ARN, such as \
                 \"arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-ABC/lambda-user\""
            ));
        }
        Ok(Self(pattern))
    }
}

impl From<ResourcePattern> for String {
    fn from(pattern: ResourcePattern) -> Self {
        pattern.0
    }
}

/// An element that may be written alone or as a list.
struct OneOrMore<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMore<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMoreVisitor(PhantomData))
    }
}

struct OneOrMoreVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMoreVisitor<T> {
    type Value = OneOrMore<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one element, or a list of at least one")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(StrDeserializer::new(text)).map(|one| OneOrMore(vec![one]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|one| OneOrMore(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        let more = Vec::deserialize(SeqAccessDeserializer::new(list))?;
        if more.is_empty() { Err(de::Error::invalid_length(0, &self)) } else { Ok(OneOrMore(more)) }
    }
}

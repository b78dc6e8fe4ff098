//! IAM policy documents, as far as they decide about `rds-db:connect`.
//!
//! What this crate cannot decide is an error that names it. A policy that was read in part would allow
//! here what it denies on AWS.

use std::error::Error;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer};
use serde_json::value::RawValue;

use crate::condition::{Condition, Reading, Unanswered, check_variable};
use crate::one_or_more::{Each, OneOrMore};
use crate::request::{CONNECT, Request};
use crate::template::{Template, Unresolved};
use crate::wildcard::{self, Glyph};

/// A policy document.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What refusals call it, such as its file.
    name: Option<String>,
    statements: Vec<Statement>,
}

/// Why a policy document was refused: what is wrong, in which line and column.
#[derive(Debug)]
pub struct PolicyError {
    message: String,
    line: usize,
    column: usize,
}

impl PolicyError {
    /// What is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line of the document, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in it, from 1, in bytes.
    pub fn column(&self) -> usize {
        self.column
    }

    /// An error of serde_json's in `part` of the document `whole`.
    fn within(whole: &str, part: &str, error: &serde_json::Error) -> Self {
        // `part` is borrowed from `whole`; a text of another origin would have the place of the whole.
        let offset = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
        let before = whole.get(..offset).unwrap_or_default();
        let lines = before.matches('\n').count();
        let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
        let text = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        Self {
            message: text.strip_suffix(&place).unwrap_or(&text).to_owned(),
            line: error.line() + lines,
            column: error.column() + if error.line() == 1 { column } else { 0 },
        }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, line, column } = self;
        write!(f, "policy document: {message} at line {line} column {column}")
    }
}

impl Error for PolicyError {}

/// What a policy says of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A statement allows it, and none denies it.
    Allows,
    /// A statement denies it.
    Denies {
        /// The statement's `Sid`, or its position.
        statement: String,
        /// What decides its conditions.
        reasons: Vec<String>,
    },
    /// No statement applies.
    Silent {
        /// Which statements would allow it, if their conditions held or their variables had values.
        reasons: Vec<String>,
    },
}

impl Policy {
    /// Reads a policy document ("Grammar of the IAM JSON policy language", IAM User Guide).
    ///
    /// # Errors
    /// It is malformed, or has a condition of which it is not known how AWS would decide it at a login.
    pub fn parse(json: &str) -> Result<Self, PolicyError> {
        Self::parse_knowing(json, &|_| None)
    }

    /// The same for a caller who does not know everything about the principal: `unanswered` says of a
    /// condition key why its value is not known, if it is not.
    ///
    /// # Errors
    /// As of [`Policy::parse`]; and a login is decided by such a key: the error is what `unanswered` says.
    pub fn parse_knowing(
        json: &str,
        unanswered: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, PolicyError> {
        let document: Document<'_> =
            serde_json::from_str(json).map_err(|error| PolicyError::within(json, json, &error))?;
        let has_variables = matches!(document.version, Some(Version::V2012));
        let statements = document.statement.0.into_iter();
        let statements =
            statements.map(|statement| statement.read(json, has_variables, unanswered));
        Ok(Self { name: None, statements: statements.collect::<Result<_, _>>()? })
    }

    /// The same, with the name that refusals call it by, such as that of its file.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What refusals call it.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What it says of `request`: a deny overrides every allow.
    pub(crate) fn decide(&self, request: &Request) -> Verdict {
        let mut allowed = false;
        let mut reasons = Vec::new();
        for (index, statement) in self.statements.iter().enumerate() {
            match (statement.applies_to(request), statement.effect) {
                (Ok(()), Effect::Deny) => {
                    let statement = statement.name(index);
                    return Verdict::Denies { statement, reasons: self.explain(index, request) };
                }
                (Ok(()), Effect::Allow) => allowed = true,
                (Err(Some(why)), Effect::Allow) => {
                    reasons.push(format!("{} does not apply: {why}", statement.name(index)));
                }
                (Err(_), _) => {}
            }
        }
        if allowed { Verdict::Allows } else { Verdict::Silent { reasons } }
    }

    fn explain(&self, index: usize, request: &Request) -> Vec<String> {
        self.statements[index].conditions.iter().map(|it| it.explain(request)).collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document<'a> {
    version: Option<Version>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    #[serde(borrow)]
    statement: OneOrMore<UnreadStatement<'a>>,
}

/// The two versions of the policy language, which differ only in policy variables.
#[derive(Deserialize)]
enum Version {
    #[serde(rename = "2008-10-17")]
    V2008,
    #[serde(rename = "2012-10-17")]
    V2012,
}

#[derive(Debug, Clone)]
struct Statement {
    sid: Option<String>,
    effect: Effect,
    actions: Patterns<Vec<Glyph>>,
    resources: Patterns<Template>,
    conditions: Vec<Condition>,
}

impl Statement {
    /// Whether it applies; or why not, if its conditions or variables are the reason.
    fn applies_to(&self, request: &Request) -> Result<(), Option<String>> {
        if !self.actions.cover(|pattern| wildcard::matches(pattern, CONNECT)) {
            return Err(None);
        }
        let mut missing = None;
        let covered = self.resources.cover(|pattern| match pattern.resolve(request) {
            Ok(pattern) => wildcard::matches(&pattern, &request.arn),
            Err(Unresolved(key)) => {
                missing = Some(format!("${{{key}}} in {} has no value here", pattern.text()));
                false
            }
        });
        if !covered {
            return Err(missing);
        }
        match self.conditions.iter().find(|condition| !condition.holds(request)) {
            Some(condition) => Err(Some(condition.explain(request))),
            None => Ok(()),
        }
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
#[derive(Debug, Clone)]
enum Patterns<T> {
    Any(Vec<T>),
    AllBut(Vec<T>),
}

impl<T> Patterns<T> {
    fn cover(&self, matches: impl FnMut(&T) -> bool) -> bool {
        match self {
            Self::Any(patterns) => patterns.iter().any(matches),
            Self::AllBut(patterns) => !patterns.iter().any(matches),
        }
    }
}

/// A statement of which the version of its document and its actions say how the rest is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StatementDocument<'a> {
    sid: Option<String>,
    effect: Effect,
    action: Option<OneOrMore<ActionPattern>>,
    not_action: Option<OneOrMore<ActionPattern>>,
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    #[serde(borrow)]
    not_resource: Option<&'a RawValue>,
    #[serde(borrow)]
    condition: Option<&'a RawValue>,
    #[serde(rename = "Principal", default, deserialize_with = "refuse_principal")]
    _principal: (),
    #[serde(rename = "NotPrincipal", default, deserialize_with = "refuse_principal")]
    _not_principal: (),
}

struct UnreadStatement<'a> {
    sid: Option<String>,
    effect: Effect,
    actions: Patterns<Vec<Glyph>>,
    resources: &'a RawValue,
    /// `resources` are those of `NotResource`.
    is_negated: bool,
    condition: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for UnreadStatement<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StatementDocument::deserialize(deserializer)?.try_into().map_err(de::Error::custom)
    }
}

impl<'a> TryFrom<StatementDocument<'a>> for UnreadStatement<'a> {
    type Error = &'static str;

    fn try_from(document: StatementDocument<'a>) -> Result<Self, Self::Error> {
        let StatementDocument { sid, effect, action, not_action, condition, .. } = document;
        let patterns = |list: OneOrMore<ActionPattern>| list.0.into_iter().map(|it| it.0).collect();
        let actions = match (action, not_action) {
            (Some(any), None) => Patterns::Any(patterns(any)),
            (None, Some(all_but)) => Patterns::AllBut(patterns(all_but)),
            _ => return Err("the statement must have either Action or NotAction"),
        };
        let (resources, is_negated) = match (document.resource, document.not_resource) {
            (Some(any), None) => (any, false),
            (None, Some(all_but)) => (all_but, true),
            _ => return Err("the statement must have either Resource or NotResource"),
        };
        Ok(Self { sid, effect, actions, resources, is_negated, condition })
    }
}

impl UnreadStatement<'_> {
    /// Reads resources and conditions. `json` is the whole document.
    fn read(
        self,
        json: &str,
        has_variables: bool,
        unanswered: Unanswered<'_>,
    ) -> Result<Statement, PolicyError> {
        let Self { sid, effect, actions, resources, is_negated, condition } = self;
        let is_about_logins = actions.cover(|pattern| wildcard::matches(pattern, CONNECT));
        let resource = |text: &str| resource_pattern(text, has_variables);
        let patterns = read_within(json, resources, Each(&resource))?;
        let concerns_logins = is_about_logins
            && (is_negated || patterns.iter().any(|(_, may_be_a_user)| *may_be_a_user));
        // Again, because whether a variable matters depends on all of them.
        let checked = |text: &str| {
            let (pattern, _) = resource(text)?;
            if concerns_logins {
                pattern.keys().try_for_each(|key| check_variable(key, unanswered))?;
            }
            Ok(pattern)
        };
        let patterns = read_within(json, resources, Each(&checked))?;
        let resources =
            if is_negated { Patterns::AllBut(patterns) } else { Patterns::Any(patterns) };
        let reading = Reading { has_variables, concerns_logins, unanswered };
        let conditions = condition.map(|part| read_within(json, part, reading)).transpose()?;
        Ok(Statement {
            sid,
            effect,
            actions,
            resources,
            conditions: conditions.unwrap_or_default(),
        })
    }
}

/// Reads a part of the document `json`.
fn read_within<'a, S: DeserializeSeed<'a>>(
    json: &str,
    part: &'a RawValue,
    seed: S,
) -> Result<S::Value, PolicyError> {
    let mut deserializer = serde_json::Deserializer::from_str(part.get());
    seed.deserialize(&mut deserializer)
        .map_err(|error| PolicyError::within(json, part.get(), &error))
}

fn refuse_principal<'de, D: Deserializer<'de>>(_: D) -> Result<(), D::Error> {
    Err(de::Error::custom(
        "Principal and NotPrincipal are allowed only in resource-based policies; remove them",
    ))
}

/// `service:action` or `*`, in lower case: actions are not case-sensitive.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct ActionPattern(Vec<Glyph>);

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
        Ok(Self(Glyph::of(&pattern.to_ascii_lowercase())))
    }
}

/// Reads an ARN with wildcards, or `*`. Returns also whether it may be that of a database user.
fn resource_pattern(text: &str, has_variables: bool) -> Result<(Template, bool), String> {
    let segments: Vec<&str> = text.splitn(6, ':').collect();
    let service = segments.get(2).filter(|it| !it.is_empty() && !it.contains(['*', '?']));
    if text != "*" && (segments[0] != "arn" || service.is_none()) {
        return Err(format!(
            "the resource {text:?} is neither \"*\" nor an ARN, such as \
             \"arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-ABC/lambda-user\""
        ));
    }
    let beginning = &segments[..segments.len().min(5)];
    if has_variables && beginning.iter().any(|segment| segment.contains("${")) {
        return Err(format!(
            "the resource {text:?} has a policy variable before its fifth colon, where IAM allows none"
        ));
    }
    let may_be_a_user = service.is_none_or(|service| *service == "rds-db");
    Ok((Template::parse(text, has_variables)?, may_be_a_user))
}

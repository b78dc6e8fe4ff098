//! IAM's decision on a request, from the policy documents of files and templates.
//!
//! A request is allowed if a statement of the identity's policy allows it, a statement of the
//! permissions boundary, if there is one, allows it too, and no statement of either denies it:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>. What
//! is not supported here is refused by name: a policy read in part would allow what it denies on AWS.

mod condition;
mod pattern;

use serde_json::{Map, Value};
use std::collections::BTreeMap;

use condition::Condition;
use pattern::Pattern;

/// A request to AWS.
#[derive(Clone, Debug)]
pub struct Request {
    action: String,
    resource: String,
    context: Context,
}

/// The condition keys that a request carries, in lower case, and their values.
type Context = BTreeMap<String, Vec<String>>;

impl Request {
    /// `action` on `resource`, with no condition key.
    pub fn new(action: &str, resource: &str) -> Self {
        Self { action: action.to_owned(), resource: resource.to_owned(), context: Context::new() }
    }

    /// The action.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The same, with one more value of a condition key.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.context.entry(key.to_ascii_lowercase()).or_default().push(value.to_owned());
        self
    }
}

/// IAM's decision on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it.
    Allowed,
    /// Nothing allows it.
    NotAllowed,
    /// A statement denies it, whatever the others allow.
    Denied,
}

/// A policy document: an identity's, a permissions boundary, or the trust policy of a role.
#[derive(Debug)]
pub struct Policy(Vec<Statement>);

#[derive(Debug)]
struct Statement {
    allows: bool,
    actions: Vec<Pattern>,
    /// Of an identity's policy.
    resources: Vec<Pattern>,
    /// Of a trust policy: the services that may assume the role.
    services: Vec<String>,
    conditions: Vec<Condition>,
}

impl Policy {
    /// Reads a policy document.
    ///
    /// # Errors
    /// It has an element, a condition operator or a variable that is not supported here or that IAM
    /// would refuse.
    pub fn parse(document: &Value) -> Result<Self, String> {
        let document = object(document, &["Version", "Statement"])?;
        if document.get("Version").is_none_or(|version| version != "2012-10-17") {
            return Err("the version is not 2012-10-17, the one with variables".to_owned());
        }
        let statements = document.get("Statement").and_then(Value::as_array);
        let statements = statements.ok_or("Statement is not a list")?;
        statements.iter().map(Statement::parse).collect::<Result<_, _>>().map(Self)
    }

    /// The decision of this policy alone.
    pub fn decide(&self, request: &Request) -> Decision {
        self.decision(|it| it.is_about(request) && any(&it.resources, &request.resource, request))
    }

    /// The decision of this identity's policy together with a permissions boundary.
    pub fn decide_within(&self, boundary: &Self, request: &Request) -> Decision {
        match (self.decide(request), boundary.decide(request)) {
            (Decision::Allowed, Decision::Allowed) => Decision::Allowed,
            (Decision::Denied, _) | (_, Decision::Denied) => Decision::Denied,
            _ => Decision::NotAllowed,
        }
    }

    /// The decision of this trust policy on a service that assumes the role. The request's resource is
    /// ignored: it is the role.
    pub fn trusts(&self, service: &str, request: &Request) -> Decision {
        self.decision(|it| it.is_about(request) && it.services.iter().any(|own| own == service))
    }

    fn decision(&self, applies: impl Fn(&Statement) -> bool) -> Decision {
        let mut decision = Decision::NotAllowed;
        for statement in self.0.iter().filter(|statement| applies(statement)) {
            if !statement.allows {
                return Decision::Denied;
            }
            decision = Decision::Allowed;
        }
        decision
    }
}

impl Statement {
    fn parse(statement: &Value) -> Result<Self, String> {
        let known = ["Sid", "Effect", "Action", "Resource", "Principal", "Condition"];
        let statement = object(statement, &known)?;
        let get = |key: &str| statement.get(key);
        let allows = match get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            other => return Err(format!("an effect {other:?} is not known")),
        };
        let actions = get("Action").map(texts).transpose()?.ok_or("a statement has no Action")?;
        let resources = get("Resource").map(texts).transpose()?;
        let principal = get("Principal").map(|it| object(it, &["Service"])).transpose()?;
        let services = principal.and_then(|it| it.get("Service")).map(texts).transpose()?;
        if resources.is_some() == services.is_some() {
            return Err("a statement has either resources or the principals of a trust".to_owned());
        }
        let conditions = match get("Condition") {
            Some(conditions) => Condition::all(conditions)?,
            None => Vec::new(),
        };
        Ok(Self {
            allows,
            actions: actions.iter().map(|it| Pattern::action(it)).collect::<Result<_, _>>()?,
            resources: resources
                .unwrap_or_default()
                .iter()
                .map(|it| Pattern::resource(it))
                .collect::<Result<_, _>>()?,
            services: services.unwrap_or_default(),
            conditions,
        })
    }

    fn is_about(&self, request: &Request) -> bool {
        any(&self.actions, &request.action.to_ascii_lowercase(), request)
            && self.conditions.iter().all(|condition| condition.holds(&request.context))
    }
}

fn any(patterns: &[Pattern], text: &str, request: &Request) -> bool {
    patterns.iter().any(|pattern| pattern.matches(text, &request.context))
}

/// An object with no other members than these.
fn object<'a>(value: &'a Value, members: &[&str]) -> Result<&'a Map<String, Value>, String> {
    let object = value.as_object().ok_or_else(|| format!("{value} is not an object"))?;
    match object.keys().find(|key| !members.contains(&key.as_str())) {
        Some(other) => Err(format!("{other} is not supported here")),
        None => Ok(object),
    }
}

/// A string, or a list of strings.
fn texts(value: &Value) -> Result<Vec<String>, String> {
    let one_or_many = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    let text = |value: &Value| {
        value.as_str().map(str::to_owned).ok_or_else(|| format!("{value} is not a string"))
    };
    one_or_many.iter().map(text).collect()
}

#[cfg(test)]
mod tests;

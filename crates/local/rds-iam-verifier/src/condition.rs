//! `Condition`: which keys a request must have, with which values ("IAM JSON policy elements: Condition",
//! IAM User Guide).
//!
//! All conditions of a statement must hold, and for each at least one of its values; for a negated
//! operator, none. Without the key no value matches, so that a negated operator holds.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};

use crate::condition_key::{self, Presence};
use crate::condition_value::ConditionValue;
use crate::one_or_more::Each;
use crate::operator::{Comparison, Operator, Quantifier};
use crate::request::Request;

/// One operator and one key.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    operator: Operator,
    key: String,
    values: Vec<ConditionValue>,
}

/// What must be known of a statement to read its parts.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// `${…}` is a variable: in documents of version 2012-10-17.
    pub(crate) has_variables: bool,
    /// The statement may concern a database login. Others may have keys that this crate does not know.
    pub(crate) concerns_logins: bool,
    pub(crate) unanswered: Unanswered<'a>,
}

/// Why the value of a key of the login is not known, if it is not.
pub(crate) type Unanswered<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Condition {
    fn new(
        operator: Operator,
        key: &str,
        values: Vec<ConditionValue>,
        reading: Reading<'_>,
    ) -> Result<Self, String> {
        let condition = Self { operator, key: key.to_owned(), values };
        if reading.concerns_logins {
            condition.check(reading.unanswered)?;
        }
        Ok(condition)
    }

    /// Refuses what cannot be decided for a login.
    fn check(&self, unanswered: Unanswered<'_>) -> Result<(), String> {
        for variable in self.values.iter().flat_map(ConditionValue::keys) {
            check_variable(variable, unanswered)?;
        }
        let is_single = self.operator.quantifier == Quantifier::Single;
        let is_null = self.operator.comparison == Comparison::Null;
        if is_single && !is_null && condition_key::has_several_values(&self.key) {
            return Err(format!(
                "the condition key {} may have several values: put ForAnyValue: or ForAllValues: \
                 before the operator",
                self.key
            ));
        }
        match condition_key::presence(&self.key) {
            Presence::Known => unanswered(&self.key).map_or(Ok(()), Err),
            Presence::Either(value) if self.is_decided_by(value) => Ok(()),
            Presence::Either(_) | Presence::Unknown => Err(unknown(&self.key)),
        }
    }

    /// Whether it is the same for a key that is absent and for one that has `value`.
    fn is_decided_by(&self, value: &str) -> bool {
        let present = Request::with_only(Some((&self.key, &[value])));
        let has_variables = self.values.iter().any(|own| own.keys().next().is_some());
        !has_variables && self.holds(&present) == self.holds(&Request::with_only(None))
    }

    /// Whether the request fulfils it.
    pub(crate) fn holds(&self, request: &Request) -> bool {
        let Operator { quantifier, comparison, is_negated, if_exists } = self.operator;
        let found = request.values(&self.key);
        if comparison == Comparison::Null {
            let is_absent = |own: &ConditionValue| matches!(own, ConditionValue::Bool(true));
            return self.values.iter().any(|own| is_absent(own) == found.is_none());
        }
        let Some(found) = found else {
            return if_exists || holds_for_none(quantifier, is_negated);
        };
        let equals = |own: &ConditionValue, found: &str| {
            // A variable without a value equals nothing.
            own.matches(comparison, found, request).unwrap_or(false)
        };
        let fits = |found: &String| self.values.iter().any(|own| equals(own, found)) != is_negated;
        match quantifier {
            // No values at all, as AWS counts them: "Set operators", IAM User Guide.
            Quantifier::Any | Quantifier::All if found.iter().all(String::is_empty) => {
                holds_for_none(quantifier, is_negated)
            }
            Quantifier::All => found.iter().all(fits),
            Quantifier::Any => found.iter().any(fits),
            Quantifier::Single => matches!(found, [one] if fits(one)),
        }
    }

    /// What decides it for this request: the key's value, and variables that have none.
    pub(crate) fn explain(&self, request: &Request) -> String {
        let variables: BTreeSet<_> = self.values.iter().flat_map(ConditionValue::keys).collect();
        let missing = variables.into_iter().filter(|key| request.values(key).is_none());
        let missing = missing.map(|key| format!(", and ${{{key}}} has no value here"));
        request.describe(&self.key) + &missing.collect::<String>()
    }
}

/// Refuses a variable of which it is not known whether it has a value.
pub(crate) fn check_variable(key: &str, unanswered: Unanswered<'_>) -> Result<(), String> {
    if condition_key::has_several_values(key) {
        return Err(format!("${{{key}}} may have several values, and cannot be a policy variable"));
    }
    match condition_key::presence(key) {
        Presence::Known => unanswered(key).map_or(Ok(()), Err),
        Presence::Either(_) | Presence::Unknown => Err(unknown(key)),
    }
}

fn unknown(key: &str) -> String {
    format!(
        "it is not known whether a database login has the condition key {key}, which decides here; \
         remove it, or test this policy on AWS"
    )
}

/// Whether a condition holds for a key without values.
fn holds_for_none(quantifier: Quantifier, is_negated: bool) -> bool {
    match quantifier {
        Quantifier::Single => is_negated,
        Quantifier::All => true,
        Quantifier::Any => false,
    }
}

/// Reads the element `Condition`.
impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = Vec<Condition>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = Vec<Condition>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("condition operators with their keys")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut conditions = Vec::new();
        let mut seen = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let operator = Operator::parse(&name).map_err(de::Error::custom)?;
            if !seen.insert(name.clone()) {
                return Err(de::Error::custom(format!("the operator {name:?} is there twice")));
            }
            conditions.extend(map.next_value_seed(OfOperator { reading: self, operator })?);
        }
        Ok(conditions)
    }
}

/// Reads the keys of one operator.
struct OfOperator<'a> {
    reading: Reading<'a>,
    operator: Operator,
}

impl<'de> DeserializeSeed<'de> for OfOperator<'_> {
    type Value = Vec<Condition>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OfOperator<'_> {
    type Value = Vec<Condition>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("condition keys with their values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self { reading, operator } = self;
        let mut conditions = Vec::new();
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !condition_key::is_well_formed(&key) {
                return Err(de::Error::custom(format!(
                    "{key:?} is no condition key, such as \"aws:PrincipalArn\""
                )));
            }
            if !seen.insert(key.to_lowercase()) {
                let twice = format!("the condition key {key:?} is there twice under one operator");
                return Err(de::Error::custom(twice));
            }
            let values = map.next_value_seed(Each(&|text: &str| {
                ConditionValue::parse(text, operator.comparison, reading.has_variables)
            }))?;
            let condition = Condition::new(operator, &key, values, reading);
            conditions.push(condition.map_err(de::Error::custom)?);
        }
        Ok(conditions)
    }
}

//! Conditions: which keys a request must carry, and with which values.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use serde_json::Value;

use super::pattern::Pattern;
use super::{Context, texts};

/// One operator, and one key.
#[derive(Debug)]
pub(super) struct Condition {
    operator: Operator,
    /// `…IfExists`: it holds also for a request without the key.
    if_exists: bool,
    key: String,
    values: Vec<Pattern>,
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    StringEquals,
    StringLike,
    /// `ArnEquals` and `ArnLike`, which are the same.
    ArnLike,
    /// `ForAllValues:StringLike`: every value that the request carries, if any.
    AllStringLike,
    /// Whether the key must be absent.
    Null(bool),
}

impl Condition {
    /// The conditions of a statement, all of which must hold.
    pub(super) fn all(conditions: &Value) -> Result<Vec<Self>, String> {
        let mut all = Vec::new();
        for (operator, keys) in conditions.as_object().ok_or("Condition is not an object")? {
            for (key, values) in keys.as_object().ok_or("an operator has no keys")? {
                all.push(Self::parse(operator, key, &texts(values)?)?);
            }
        }
        Ok(all)
    }

    fn parse(operator: &str, key: &str, values: &[String]) -> Result<Self, String> {
        let (base, if_exists) = match operator.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (operator, false),
        };
        let operator = match (base, values) {
            ("StringEquals", _) => Operator::StringEquals,
            ("StringLike", _) => Operator::StringLike,
            ("ArnEquals" | "ArnLike", _) => Operator::ArnLike,
            ("ForAllValues:StringLike", _) if !if_exists => Operator::AllStringLike,
            ("Null", [one]) if !if_exists && (one == "true" || one == "false") => {
                Operator::Null(one == "true")
            }
            _ => {
                return Err(format!(
                    "the condition {operator} of {values:?} is not supported here"
                ));
            }
        };
        let values = values.iter().map(|it| Pattern::parse(it)).collect::<Result<_, _>>()?;
        Ok(Self { operator, if_exists, key: key.to_ascii_lowercase(), values })
    }

    /// Whether a request with these keys fulfils it. A missing key equals no value.
    pub(super) fn holds(&self, context: &Context) -> bool {
        let carried = context.get(&self.key).map(Vec::as_slice);
        let one = |matches: fn(&Pattern, &str, &Context) -> bool| match carried {
            Some([value]) => self.values.iter().any(|own| matches(own, value, context)),
            None => self.if_exists,
            Some(_) => panic!("{} has several values: it needs ForAllValues", self.key),
        };
        match self.operator {
            Operator::Null(absent) => carried.is_none() == absent,
            Operator::StringEquals => one(Pattern::equals),
            Operator::StringLike => one(Pattern::matches),
            Operator::ArnLike => one(Pattern::matches_arn),
            Operator::AllStringLike => carried
                .unwrap_or_default()
                .iter()
                .all(|value| self.values.iter().any(|own| own.matches(value, context))),
        }
    }
}

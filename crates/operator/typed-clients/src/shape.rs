//! The JSON that a schema allows, as far as a type can say it.
//!
//! A description's schemas are written by our own functions. What one says that is not known here (another
//! keyword, a reference) makes the type wider, never narrower: whatever the schema allows fits the type.

use std::collections::BTreeSet;

use serde_json::Value;

/// The kinds of values, each allowed or not.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shape {
    /// Everything is allowed.
    pub(crate) any: bool,
    pub(crate) null: bool,
    pub(crate) boolean: bool,
    /// Numbers without a fraction.
    pub(crate) integer: bool,
    /// Numbers with or without a fraction.
    pub(crate) number: bool,
    pub(crate) text: Option<Text>,
    /// Arrays, with the shape of the elements.
    pub(crate) list: Option<Box<Shape>>,
    /// An element may be an array of such elements, to any depth.
    pub(crate) nested: bool,
    pub(crate) object: bool,
}

/// The strings that are allowed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Text {
    /// Integers, which may be too large for a number in JSON.
    Digits,
    /// Some of `NaN`, `Infinity` and `-Infinity`.
    NotFinite,
    /// These.
    Words(BTreeSet<String>),
    /// All.
    Any,
}

impl Shape {
    /// Every value.
    pub(crate) fn any() -> Self {
        Self { any: true, ..Self::default() }
    }

    /// What a schema allows.
    pub(crate) fn of(schema: &Value) -> Self {
        let Some(keywords) = schema.as_object() else {
            return if *schema == Value::Bool(false) { Self::default() } else { Self::any() };
        };
        if keywords.contains_key("$ref") || keywords.contains_key("$dynamicRef") {
            return Self::any();
        }
        if let Some(value) = keywords.get("const") {
            return Self::of_value(value);
        }
        if let Some(Value::Array(values)) = keywords.get("enum") {
            return values.iter().map(Self::of_value).fold(Self::default(), Self::or);
        }
        let types = keywords.get("type").map(|types| Self::of_types(types, schema));
        let choices =
            ["anyOf", "oneOf"].iter().filter_map(|choice| keywords.get(*choice)?.as_array());
        let choices = choices.map(|all| all.iter().map(Self::of).fold(Self::default(), Self::or));
        // A value fits all of them; the narrower of two types is enough for it to fit.
        types.into_iter().chain(choices).next().unwrap_or_else(Self::any)
    }

    /// The keyword `type`: a name, or several.
    fn of_types(types: &Value, schema: &Value) -> Self {
        let names = match types {
            Value::Array(names) => names.iter().map(Value::as_str).collect(),
            one => vec![one.as_str()],
        };
        let mut shape = Self::default();
        for name in names {
            match name {
                Some("null") => shape.null = true,
                Some("boolean") => shape.boolean = true,
                Some("integer") => shape.integer = true,
                Some("number") => shape.number = true,
                Some("object") => shape.object = true,
                Some("string") => shape.text = Some(Text::of(schema)),
                Some("array") => {
                    let mut items = schema.get("items").map_or_else(Self::any, Self::of);
                    if !items.any && items.kinds() > 1 && items.list == Some(Self::any().into()) {
                        shape.nested = true;
                        items.list = None;
                    }
                    shape.list = Some(Box::new(items));
                }
                _ => return Self::any(),
            }
        }
        shape
    }

    fn of_value(value: &Value) -> Self {
        let mut shape = Self::default();
        match value {
            Value::Null => shape.null = true,
            Value::Bool(_) => shape.boolean = true,
            Value::Number(number) if number.is_f64() => shape.number = true,
            Value::Number(_) => shape.integer = true,
            Value::String(word) => shape.text = Some(Text::of_word(word)),
            Value::Array(_) => shape.list = Some(Box::new(Self::any())),
            Value::Object(_) => shape.object = true,
        }
        shape
    }

    /// What this or `other` allows.
    fn or(self, other: Self) -> Self {
        let list = match (self.list, other.list) {
            (Some(one), Some(other)) => Some(Box::new(one.or(*other))),
            (one, other) => one.or(other),
        };
        let text = match (self.text, other.text) {
            (Some(one), Some(other)) => Some(one.or(other)),
            (one, other) => one.or(other),
        };
        Self {
            any: self.any || other.any,
            null: self.null || other.null,
            boolean: self.boolean || other.boolean,
            integer: self.integer || other.integer,
            number: self.number || other.number,
            text,
            list,
            nested: self.nested || other.nested,
            object: self.object || other.object,
        }
    }

    /// The same without null.
    pub(crate) fn not_null(&self) -> Self {
        Self { null: false, ..self.clone() }
    }

    /// How many kinds are allowed, where not all are. A number may be an integer.
    pub(crate) fn kinds(&self) -> usize {
        let kinds = [
            self.null,
            self.boolean,
            self.integer || self.number,
            self.text.is_some(),
            self.list.is_some(),
            self.object,
        ];
        kinds.iter().filter(|kind| **kind).count()
    }

    /// Whether this is an integer of any size: a number, or digits in a string.
    pub(crate) fn is_large_integer(&self) -> bool {
        self.integer && !self.number && self.text == Some(Text::Digits)
    }

    /// Whether a number that is not finite is allowed, as a string.
    pub(crate) fn is_float(&self) -> bool {
        self.number && self.text == Some(Text::NotFinite)
    }
}

impl Text {
    fn of(schema: &Value) -> Self {
        match schema.get("pattern").and_then(Value::as_str) {
            Some("^(NaN|-?Infinity)$") => Self::NotFinite,
            Some(pattern) if is_digits(pattern) => Self::Digits,
            _ => Self::Any,
        }
    }

    fn of_word(word: &str) -> Self {
        match word {
            "NaN" | "Infinity" | "-Infinity" => Self::NotFinite,
            _ => Self::Words(BTreeSet::from([word.to_owned()])),
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Words(mut one), Self::Words(other)) => {
                one.extend(other);
                Self::Words(one)
            }
            (one, other) if one == other => one,
            _ => Self::Any,
        }
    }
}

/// Whether a pattern allows integers alone: it has an anchor at each end, and between them an optional sign
/// and digits.
fn is_digits(pattern: &str) -> bool {
    let Some(inner) = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$')) else {
        return false;
    };
    let digits = inner.strip_prefix("-?").or_else(|| inner.strip_prefix('-')).unwrap_or(inner);
    let digits = digits.replace("\\d", "[0-9]");
    let mut rest = &*digits;
    while !rest.is_empty() {
        let Some(after) = ["[0-9]", "[1-9]", "0", "+", "*", "?", "|", "(?:", "(", ")", "-"]
            .iter()
            .find_map(|part| rest.strip_prefix(part))
            .or_else(|| repetition(rest))
        else {
            return false;
        };
        rest = after;
    }
    !digits.is_empty()
}

/// What follows a repetition such as `{16,}`.
fn repetition(pattern: &str) -> Option<&str> {
    let (count, rest) = pattern.strip_prefix('{')?.split_once('}')?;
    count.chars().all(|c| c.is_ascii_digit() || c == ',').then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::{Shape, Text};
    use serde_json::json;

    #[test]
    fn a_schema_becomes_the_kinds_that_it_allows() {
        let number = Shape { number: true, ..Shape::default() };
        let integer = Shape { integer: true, ..Shape::default() };
        let text = |text| Shape { text: Some(text), ..Shape::default() };
        for (schema, shape) in [
            (json!({"type": "integer"}), integer.clone()),
            (json!({"type": ["integer", "null"]}), Shape { null: true, ..integer.clone() }),
            (
                json!({"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$"}),
                Shape { null: true, integer: true, ..text(Text::Digits) },
            ),
            (
                json!({"type": ["number", "string"], "pattern": "^(NaN|-?Infinity)$"}),
                Shape { number: true, ..text(Text::NotFinite) },
            ),
            (
                json!({"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}),
                Shape { number: true, ..text(Text::NotFinite) },
            ),
            (
                json!({"enum": ["a", "b", null]}),
                Shape { null: true, ..text(Text::Words(["a".into(), "b".into()].into())) },
            ),
            (
                json!({"type": "array", "items": {"type": "number"}}),
                Shape { list: Some(Box::new(number)), ..Shape::default() },
            ),
            (
                json!({"type": ["array", "string"], "items":
                    {"anyOf": [{"type": ["integer", "null"]}, {"type": "array"}]}}),
                Shape {
                    list: Some(Box::new(Shape { null: true, ..integer.clone() })),
                    nested: true,
                    ..text(Text::Any)
                },
            ),
            (json!({"type": "string", "format": "date"}), text(Text::Any)),
            (json!({"oneOf": [{"const": 1}, {"type": "integer"}]}), integer),
            (json!(true), Shape::any()),
            (json!({}), Shape::any()),
            (json!({"$ref": "#/$defs/x", "type": "string"}), Shape::any()),
            (json!({"type": "time"}), Shape::any()),
            (json!(false), Shape::default()),
        ] {
            assert_eq!(Shape::of(&schema), shape, "{schema}");
        }
    }

    #[test]
    fn only_integers_are_taken_for_digits() {
        for pattern in ["^-?[0-9]+$", "^\\d{1,20}$", "^-?(?:0|[1-9][0-9]*)$", "^-?[1-9][0-9]{15,}$"]
        {
            assert!(super::is_digits(pattern), "{pattern}");
        }
        for pattern in ["[0-9]+", "^-?[0-9]+(\\.[0-9]+)?$", "^[0-9a-f]+$", "^.*$", "^$"] {
            assert!(!super::is_digits(pattern), "{pattern}");
        }
    }
}

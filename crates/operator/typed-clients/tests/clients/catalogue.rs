//! Descriptions: one with every difficulty that is known, and random ones.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use typed_clients::Description;

/// Names that are no identifiers, that are keywords, that fall together, that hide something.
pub(crate) fn nasty() -> Description {
    Description::of_answer(include_bytes!("nasty.json")).unwrap()
}

/// A function without statements.
pub(crate) fn empty() -> Description {
    description(&[])
}

fn description(statements: &[Value]) -> Description {
    let answer = json!({ "describe": { "engine": "mysql", "statements": statements } });
    Description::of_answer(answer.to_string().as_bytes()).unwrap()
}

/// Any description.
pub(crate) fn random() -> impl Strategy<Value = Description> {
    vec((name(), statement()), 0..6).prop_map(|statements| {
        let mut all = serde_json::Map::new();
        for (name, mut statement) in statements {
            statement["name"] = json!(name);
            all.insert(name, statement);
        }
        description(&all.into_iter().map(|(_, statement)| statement).collect::<Vec<_>>())
    })
}

/// Names that are difficult somewhere.
const NAMES: &[&str] = &[
    "items",
    "add-item",
    "addItem",
    "class",
    "type",
    "self",
    "run",
    "transaction",
    "Error",
    "Row",
    "__proto__",
    "constructor",
    "count(*)",
    "*/",
    "`",
    "${x}",
    "\"",
    "\\",
    "'",
    "//",
    "größe",
    "数量",
    "r#type",
    "gen",
    "await",
    "\u{202e}",
    "\u{2028}",
    "1",
    "_",
];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        select(NAMES).prop_map(str::to_owned),
        "\\PC{0,8}",
        "[a-c_\\-A-C1]{1,4}",
        any::<String>().prop_map(|text| text.chars().take(8).collect()),
    ]
}

fn statement() -> impl Strategy<Value = Value> {
    let columns = option::of(vec((name(), name(), schema()), 0..5).prop_map(|columns| {
        let mut all: Vec<Value> = Vec::new();
        for (name, type_name, schema) in columns {
            // A function refuses a result with two columns of a name.
            if all.iter().all(|other| other["name"] != json!(name)) {
                all.push(json!({ "name": name, "type": type_name, "schema": schema }));
            }
        }
        all
    }));
    let good = (any::<bool>(), any::<bool>(), name(), params(), columns, schedule()).prop_map(
        |(write, exclusive, words, params, columns, schedule)| {
            json!({
                "mode": if write { "write" } else { "read" },
                "exclusive": exclusive,
                "description": words,
                "params": params,
                "columns": columns,
                "schedules": schedule,
            })
        },
    );
    let bad = name().prop_map(
        |message| json!({ "error": { "errorType": "Statement", "message": message, "line": 1 } }),
    );
    prop_oneof![5 => good, 1 => bad]
}

fn params() -> impl Strategy<Value = Vec<Value>> {
    (any::<bool>(), vec((name(), option::of(name()), schema()), 0..4)).prop_map(
        |(named, params)| {
            let params = params.into_iter().map(|(name, words, schema)| {
                let name = named.then_some(name);
                json!({ "name": name, "type": "int", "description": words, "schema": schema })
            });
            params.collect()
        },
    )
}

fn schedule() -> impl Strategy<Value = Vec<Value>> {
    vec(name().prop_map(|text| json!({ "expression": text, "timezone": null, "params": [] })), 0..2)
}

/// Schemas of docs/TYPES.md, and others.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = select(vec![
        json!({ "type": "integer" }),
        json!({ "type": ["integer", "null"] }),
        json!({ "type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$" }),
        json!({ "anyOf": [{ "type": "number" }, { "enum": ["NaN", "Infinity", "-Infinity"] }] }),
        json!({ "type": "number" }),
        json!({ "type": ["boolean", "null"] }),
        json!({ "type": "string", "format": "date", "contentEncoding": "base64" }),
        json!({ "enum": ["*/", "\"", null, 1, true] }),
        json!({ "const": "a\u{202e}b" }),
        json!({ "type": ["object", "array", "null"] }),
        json!({ "type": "null" }),
        json!({}),
        json!(true),
        json!(false),
    ]);
    leaf.prop_recursive(2, 6, 1, |inner| {
        prop_oneof![
            inner.clone().prop_map(|items| json!({ "type": ["array", "null"], "items": items })),
            inner.clone().prop_map(|items| json!({ "type": ["array", "string"], "items": items })),
            inner.prop_map(|choice| json!({ "oneOf": [choice, { "type": "string" }] })),
        ]
    })
}

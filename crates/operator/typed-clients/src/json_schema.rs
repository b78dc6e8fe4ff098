//! A JSON Schema of draft 2020-12: its root is the events of a function, and its definitions are the event,
//! the row, the result and the response of each statement. Names of statements may be any text, and are
//! followed by a dot and one of these words; names without a dot are common to all.

use serde_json::{Map, Value, json};

use crate::description::{Description, Param, Statement};
use crate::words;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The document.
pub(crate) fn document(description: &Description, command: &str) -> String {
    let mut comment = vec![format!("Written by `{command}`. Do not edit it.")];
    comment.extend(words::left_out(description));
    let mut definitions = common();
    let (mut events, mut results) = (Vec::new(), Vec::new());
    for statement in description.good() {
        let name = |word: &str| format!("{}.{word}", statement.name);
        events.push(reference(&name("event")));
        results.push(reference(&name("result")));
        definitions.insert(name("event"), event(statement));
        definitions.insert(name("row"), row(statement));
        definitions.insert(name("result"), result(statement));
        definitions.insert(name("response"), response(statement));
    }
    definitions.insert("transaction".into(), transaction(&one_of(&events)));
    let answer = transaction_response(&one_of(&results));
    definitions.insert("transaction_response".into(), answer);
    events.extend(["transaction", "describe", "diagnose"].map(reference));
    let document = json!({
        "$schema": DIALECT,
        "$comment": comment.join("\n"),
        "title": format!("Events of a function for {}", description.engine_title()),
        "oneOf": events,
        "$defs": definitions,
    });
    format!("{document:#}\n")
}

/// A reference to a definition.
fn reference(name: &str) -> Value {
    // RFC 6901 in a URI's fragment (RFC 3986).
    let pointer = name.replace('~', "~0").replace('/', "~1");
    let mut fragment = String::new();
    for byte in pointer.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                fragment.push(byte.into());
            }
            _ => fragment += &format!("%{byte:02X}"),
        }
    }
    json!({ "$ref": format!("#/$defs/{fragment}") })
}

/// What does not depend on a statement.
fn common() -> Map<String, Value> {
    let common = json!({
        "describe": only(&json!({ "describe": { "const": true } })),
        "diagnose": only(&json!({ "diagnose": { "const": true } })),
        "error": {
            "description": "An error of the function, or of Lambda",
            "type": "object",
            "properties": {
                "errorType": { "type": "string" },
                "errorMessage": { "type": "string" },
            },
            "required": ["errorMessage"],
        },
        "skipped": {
            "description": "Another run of an exclusive statement was in progress: nothing was done",
            "type": "object",
            "properties": {
                "statement": { "type": "string" },
                "skipped": { "const": true },
                "reason": { "type": "string" },
                "connection": reference("connection"),
            },
            "required": ["statement", "skipped", "reason", "connection"],
        },
        "connection": {
            "description": "How the function got its connection",
            "type": "object",
            "properties": { "reused": { "type": "boolean" }, "connect_ms": { "type": "number" } },
            "required": ["reused", "connect_ms"],
        },
        "column": {
            "type": "object",
            "properties": { "name": { "type": "string" }, "type": { "type": "string" } },
            "required": ["name", "type"],
        },
        "result_set": {
            "description": "What a procedure returned after its first rows",
            "type": "object",
            "properties": {
                "columns": { "type": "array", "items": reference("column") },
                "rows": { "type": "array", "items": { "type": "object" } },
                "row_count": { "type": "integer", "minimum": 0 },
            },
            "required": ["columns", "rows", "row_count"],
        },
    });
    match common {
        Value::Object(common) => common,
        _ => Map::new(),
    }
}

/// An object with all of these fields, and no others.
fn only(properties: &Value) -> Value {
    let required: Vec<_> =
        properties.as_object().into_iter().flatten().map(|(name, _)| name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn event(statement: &Statement) -> Value {
    let mut event = json!({
        "description": words::of_statement(statement).join("\n"),
        "type": "object",
        "properties": { "statement": { "const": statement.name }, "params": params(statement) },
        "required": ["statement"],
        "additionalProperties": false,
    });
    if !statement.params.is_empty() {
        event["required"] = json!(["statement", "params"]);
    }
    event
}

/// The parameters: an array, or an object if they have names.
fn params(statement: &Statement) -> Value {
    let (all, count) = (&statement.params, statement.params.len());
    let mut positions = json!({ "type": "array", "minItems": count, "maxItems": count });
    if count > 0 {
        positions["prefixItems"] = all.iter().map(described).collect();
    }
    let Some(named) = statement.named_params() else { return positions };
    let named: Map<_, _> =
        named.into_iter().map(|(name, param)| (name.to_owned(), described(param))).collect();
    json!({ "oneOf": [only(&Value::Object(named)), positions] })
}

/// The schema of a parameter, with its words.
fn described(param: &Param) -> Value {
    let words = words::of_param(param).join("\n");
    match &param.schema {
        Value::Object(schema) if !schema.contains_key("description") => {
            let mut schema = schema.clone();
            schema.insert("description".into(), words.into());
            Value::Object(schema)
        }
        Value::Null => json!({ "description": words }),
        schema => schema.clone(),
    }
}

fn row(statement: &Statement) -> Value {
    let Some(columns) = &statement.columns else {
        return json!({ "description": "Columns that only a run tells", "type": "object" });
    };
    let of = |schema: &Value| if schema.is_null() { json!(true) } else { schema.clone() };
    let columns = columns.iter().map(|column| (column.name.clone(), of(&column.schema)));
    only(&Value::Object(columns.collect()))
}

fn response(statement: &Statement) -> Value {
    let mut choices = vec![with_connection(&reference(&format!("{}.result", statement.name)))];
    if statement.exclusive {
        choices.push(reference("skipped"));
    }
    choices.push(reference("error"));
    json!({ "oneOf": choices })
}

/// An answer with what `schema` says, and how the function got its connection.
fn with_connection(schema: &Value) -> Value {
    json!({
        "allOf": [schema],
        "properties": { "connection": reference("connection") },
        "required": ["connection"],
    })
}

fn result(statement: &Statement) -> Value {
    json!({
        "type": "object",
        "properties": {
            "statement": { "const": statement.name },
            "columns": { "type": "array", "items": reference("column") },
            "rows": { "type": "array", "items": reference(&format!("{}.row", statement.name)) },
            "row_count": { "type": "integer", "minimum": 0 },
            "rows_affected": { "type": "integer", "minimum": 0 },
            "last_insert_id": { "type": "integer", "minimum": 0 },
            "more_results": { "type": "array", "items": reference("result_set") },
            "query_ms": { "type": "number" },
        },
        "required": ["statement", "columns", "rows", "row_count", "rows_affected", "query_ms"],
    })
}

/// The event of several statements.
fn transaction(items: &Value) -> Value {
    only(&json!({ "transaction": { "type": "array", "minItems": 1, "items": items } }))
}

/// The answer to a transaction.
fn transaction_response(results: &Value) -> Value {
    let results = json!({
        "type": "object",
        "properties": { "transaction": { "type": "array", "items": results } },
        "required": ["transaction"],
    });
    json!({ "oneOf": [with_connection(&results), reference("skipped"), reference("error")] })
}

/// One of several schemas; none fits if there are none.
fn one_of(choices: &[Value]) -> Value {
    if choices.is_empty() { json!(false) } else { json!({ "oneOf": choices }) }
}

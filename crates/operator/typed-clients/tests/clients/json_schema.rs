//! A document that is valid itself, and that accepts what a function accepts and answers.

use jsonschema::{Validator, options};
use proptest::prelude::*;
use serde_json::{Value, json};
use typed_clients::{Description, Language};

use crate::catalogue::{empty, nasty, random};

fn document(description: &Description) -> Value {
    let text = Language::JsonSchema.client(description, "cargo xtask describe --json-schema");
    let document = serde_json::from_str(&text).unwrap();
    if let Err(error) = jsonschema::draft202012::meta::validate(&document) {
        panic!("{error}\n{text}");
    }
    document
}

/// The validator of a definition, or of the events.
fn validator(document: &Value, definition: Option<&str>) -> Validator {
    let mut document = document.clone();
    if let Some(name) = definition {
        let pointer = name.replace('~', "~0").replace('/', "~1");
        let pointer: String = pointer.bytes().map(|byte| format!("%{byte:02X}")).collect();
        document.as_object_mut().unwrap().remove("oneOf");
        document["$ref"] = json!(format!("#/$defs/{pointer}"));
    }
    options().should_validate_formats(true).build(&document).unwrap()
}

#[test]
fn events_are_those_of_the_statements() {
    let events = validator(&document(&nasty()), None);
    let total = json!({ "days": 1, "order-id": "9007199254740993", "class": "NaN", "__proto__": "",
                        "tags": ["a", null] });
    let with = |field: &str, value: Value| {
        let mut total = total.clone();
        total[field] = value;
        json!({ "statement": "order-total", "params": total })
    };
    for event in [
        json!({ "statement": "items" }),
        json!({ "statement": "items", "params": [] }),
        with("days", json!(30)),
        with("tags", Value::Null),
        json!({ "statement": "order-total", "params": [1, 2, 0.5, "", 1, null] }),
        json!({ "statement": "orderTotal", "params": [true] }),
        json!({ "statement": "a/b~c%d\"e\\ \u{202e}" }),
        json!({ "statement": "__proto__" }),
        json!({ "transaction": [{ "statement": "items" }, { "statement": "order_total", "params": [1, []] }] }),
        json!({ "describe": true }),
        json!({ "diagnose": true }),
    ] {
        assert!(events.is_valid(&event), "{event}");
    }
    for event in [
        json!({}),
        json!({ "statement": "broken" }),
        json!({ "statement": "other" }),
        json!({ "statement": "items", "params": [1] }),
        json!({ "statement": "items", "parms": [] }),
        json!({ "statement": "orderTotal" }),
        json!({ "statement": "orderTotal", "params": [[]] }),
        with("days", json!("30")),
        with("order-id", json!("1.5")),
        with("class", json!("nan")),
        with("more", json!(1)),
        json!({ "statement": "order-total", "params": { "days": 1 } }),
        json!({ "statement": "order-total", "params": [1, 2, 0.5, "", 1] }),
        json!({ "transaction": [] }),
        json!({ "transaction": [{ "statement": "other" }] }),
        json!({ "describe": false }),
    ] {
        assert!(!events.is_valid(&event), "{event}");
    }
}

#[test]
fn responses_are_results_errors_and_skipped_runs() {
    let document = document(&nasty());
    let connection = json!({ "reused": true, "connect_ms": 0.0 });
    let result = json!({ "statement": "items", "columns": [{ "name": "id", "type": "int4" }],
        "rows": [{ "id": 1, "name": null }], "row_count": 1, "rows_affected": 0, "query_ms": 0.5,
        "connection": connection });
    let skipped = json!({ "statement": "order-total", "skipped": true, "reason": "running",
        "connection": connection });
    let error = json!({ "errorType": "Login.Denied", "errorMessage": "no" });
    let items = validator(&document, Some("items.response"));
    let total = validator(&document, Some("order-total.response"));
    assert!(items.is_valid(&result) && items.is_valid(&error));
    assert!(
        total.is_valid(&skipped) && !items.is_valid(&skipped),
        "only exclusive ones are skipped"
    );
    assert!(!total.is_valid(&result), "a result of another statement");
    let transaction = validator(&document, Some("transaction_response"));
    assert!(transaction.is_valid(&json!({ "transaction": [result], "connection": connection })));
    assert!(
        !transaction.is_valid(&json!({ "transaction": [connection], "connection": connection }))
    );
    for (field, value) in [
        ("rows", json!([{ "id": 1.5, "name": null }])),
        ("rows", json!([{ "id": 1 }])),
        ("rows", json!([{ "id": 1, "name": "", "more": 1 }])),
        ("row_count", json!(-1)),
        ("connection", Value::Null),
    ] {
        let mut wrong = result.clone();
        wrong[field] = value;
        assert!(!items.is_valid(&wrong), "{wrong}");
    }
    let odd = validator(&document, Some("a/b~c%d\"e\\ \u{202e}.row"));
    assert!(odd.is_valid(&json!({})) && !odd.is_valid(&json!({ "a": 1 })));
}

#[test]
fn without_statements_only_questions_are_events() {
    let events = validator(&document(&empty()), None);
    assert!(events.is_valid(&json!({ "diagnose": true })));
    assert!(!events.is_valid(&json!({ "transaction": [{ "statement": "items" }] })));
}

proptest! {
    #[test]
    fn any_description_is_a_schema_with_all_its_references(description in random()) {
        validator(&document(&description), None);
    }
}

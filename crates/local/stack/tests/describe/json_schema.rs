//! The JSON Schema accepts what functions accept and answer, and refuses what they refuse.

use jsonschema::Validator;
use local_rds::Engine;
use serde_json::{Value, json};

use crate::fixture::Served;

fn schema(served: &Served) -> Value {
    let document = serde_json::from_str(&served.describe("--json-schema")).unwrap();
    jsonschema::draft202012::meta::validate(&document).unwrap();
    document
}

fn events(document: &Value) -> Validator {
    jsonschema::options().should_validate_formats(true).build(document).unwrap()
}

fn response(document: &Value, definition: &str) -> Validator {
    let mut document = document.clone();
    document.as_object_mut().unwrap().remove("oneOf");
    document["$ref"] = json!(format!("#/$defs/{definition}"));
    events(&document)
}

fn real_events_and_answers(engine: Engine, more: &[(&str, Value)]) {
    let served = Served::start(engine);
    let document = schema(&served);
    let events = events(&document);
    let own = [
        ("items", json!({ "statement": "items" })),
        ("add-item", json!({ "statement": "add-item", "params": { "id": 4, "name": "fourth" } })),
        ("add-item", json!({ "statement": "add-item", "params": [4, "again"] })),
        ("purge-items", json!({ "statement": "purge-items", "params": { "above": "3" } })),
        (
            "echo",
            json!({ "statement": "echo", "params": { "number": "9007199254740993", "class": null } }),
        ),
        ("twice", json!({ "statement": "twice", "params": [21, "word"] })),
        ("exact", json!({ "statement": "exact" })),
        ("slow", json!({ "statement": "slow" })),
    ];
    for (name, event) in own.iter().chain(more) {
        assert!(events.is_valid(event), "{event}");
        let answer = served.invoke(&event.to_string());
        let response = response(&document, &format!("{name}.response"));
        if let Err(error) = response.validate(&answer) {
            panic!("{event}: {error}\n{answer}");
        };
    }
    let both = json!({ "transaction": [{ "statement": "items" }, { "statement": "exact", "params": [] }] });
    assert!(events.is_valid(&both));
    let answer = served.invoke(&both.to_string());
    assert!(response(&document, "transaction_response").is_valid(&answer), "{answer}");
    for event in ["describe", "diagnose"] {
        assert!(events.is_valid(&json!({ event: true })));
    }
    // The function refuses these, too.
    for event in [
        json!({ "statement": "add-item", "params": { "id": 4 } }),
        json!({ "statement": "add-item", "params": { "id": 4.5, "name": "" } }),
        json!({ "statement": "add-item", "params": { "id": null, "name": "" } }),
        json!({ "statement": "add-item", "params": { "id": 4, "name": "", "more": 1 } }),
        json!({ "statement": "add-item", "params": [4] }),
        json!({ "statement": "add-item" }),
        json!({ "statement": "items", "params": [1] }),
        json!({ "statement": "items", "parms": [] }),
        json!({ "statement": "other" }),
        json!({ "transaction": [] }),
        json!({ "transaction": [{ "statement": "add-item" }] }),
        json!({ "describe": false }),
    ] {
        assert!(!events.is_valid(&event), "{event}");
        let answer = served.invoke(&event.to_string());
        let error_type = answer["errorType"].as_str();
        assert!(matches!(error_type, Some("Event" | "Statement")), "{event}: {answer}");
    }
    served.end();
}

#[test]
fn of_postgres() {
    let arrays = |list: Value, number: Value| {
        ("arrays", json!({ "statement": "arrays", "params": [list, number] }))
    };
    real_events_and_answers(
        Engine::Postgres,
        &[
            arrays(json!([1, null]), json!("NaN")),
            arrays(json!([[1], [2]]), json!(0.5)),
            arrays(json!("{1,2}"), json!("1.5")),
            arrays(Value::Null, Value::Null),
        ],
    );
}

#[test]
fn of_mysql() {
    real_events_and_answers(Engine::MySql, &[]);
}

#[test]
fn of_mariadb() {
    real_events_and_answers(Engine::MariaDb, &[]);
}

//! Optional parts: engines, the queue, the reservation, a topic.

use deploy_template::{Rendered, Stack, physical_name};
use serde_json::{Value, json};

use crate::stack::{GENERATED, MYSQL, all, bare, render, render_of, stack_of, templates};

pub(crate) fn ids_of(rendered: &Rendered, kind: &str) -> Vec<String> {
    let of_kind = rendered.resources.iter().filter(|(_, resource)| resource["Type"] == kind);
    let mut ids: Vec<_> = of_kind.map(|(id, _)| id.clone()).collect();
    ids.sort();
    ids
}

#[test]
fn a_function_without_an_endpoint_leaves_nothing_behind() {
    for (template, functions) in templates() {
        for function in functions {
            let rendered = render_of(template, &stack_of(&[*function]));
            let names = rendered.resources.keys().chain(rendered.outputs.keys());
            let of_others = names.filter(|name| {
                let own = name.starts_with(function.prefix);
                let longer = functions.iter().any(|other| {
                    other.prefix.len() > function.prefix.len() && name.starts_with(other.prefix)
                });
                (!own || longer) && !name.starts_with("Schedule")
            });
            let of_others: Vec<_> = of_others
                .filter(|name| !name.starts_with("RdsCa") && *name != "LayerArn")
                .collect();
            assert!(of_others.is_empty(), "{function:?}: {of_others:?}");
            let id = format!("{}Function", function.prefix);
            assert_eq!(ids_of(&rendered, "AWS::Lambda::Function"), [&*id]);
            assert_eq!(rendered.outputs[&format!("{id}Name")], physical_name(&id));
            let text = Value::from(rendered.resources.clone()).to_string();
            for other in functions.iter().filter(|other| other.name.len() > function.name.len()) {
                assert!(!text.contains(other.name), "{}: {text}", other.name);
            }
        }
        let rendered = render_of(template, &stack_of(functions));
        assert_eq!(ids_of(&rendered, "AWS::Lambda::Function").len(), functions.len());
    }
}

#[test]
fn the_queue_goes_with_everything_that_leads_to_it() {
    for (template, functions) in templates() {
        let stack = stack_of(functions).with([("DeadLetterQueue", "false")]);
        let rendered = render_of(template, &stack);
        let all = Value::from(rendered.resources.clone()).to_string()
            + &json!(rendered.outputs).to_string();
        assert!(!all.contains("FailedEvents") && !all.contains("sqs"), "{all}");
        for id in ids_of(&rendered, "AWS::Scheduler::Schedule") {
            assert!(rendered.properties(&id)["Target"].get("DeadLetterConfig").is_none());
        }
        for function in functions {
            let events = rendered.properties(&format!("{}Events", function.prefix));
            assert!(events.get("DestinationConfig").is_none());
            assert_eq!(events["MaximumRetryAttempts"], 0);
        }
    }
}

#[test]
fn what_is_not_given_is_not_there() {
    let function = |stack: &Stack| render(stack).properties("MySqlFunction").clone();
    let plain = function(&bare().with(MYSQL));
    let variables = plain["Environment"]["Variables"].as_object().unwrap();
    for name in ["DB_CONNECT_TO", "DB_CA_BUNDLE", "DB_TRUST", "DB_READER_HOST"] {
        assert!(!variables.contains_key(name), "{name}");
    }

    let set = [
        ("ReservedConcurrency", "none"),
        ("Architecture", "x86_64"),
        ("ConnectTo", "127.0.0.1:13306"),
        ("CaBundle", "/opt/own/roots.pem"),
        ("MySqlTrust", "amazon"),
        ("MySqlReaderHost", READER),
        ("LogLevel", "DEBUG"),
    ];
    let other = function(&bare().with(MYSQL).with(set));
    assert!(other.get("ReservedConcurrentExecutions").is_none());
    assert_eq!(other["Architectures"], json!(["x86_64"]));
    assert_eq!(other["Environment"]["Variables"]["DB_CONNECT_TO"], "127.0.0.1:13306");
    assert_eq!(other["Environment"]["Variables"]["DB_CA_BUNDLE"], "/opt/own/roots.pem");
    assert_eq!(other["Environment"]["Variables"]["DB_TRUST"], "amazon");
    assert_eq!(other["Environment"]["Variables"]["DB_READER_HOST"], READER);
    assert_eq!(other["LoggingConfig"]["ApplicationLogLevel"], "DEBUG");
}

/// Of the cluster, whose id is that of all its endpoints and instances.
const READER: &str = "mydb.cluster-ro-abc123def456.eu-west-1.rds.amazonaws.com";

/// A reader changes no policy: that of a cluster names the cluster, and a read replica's id is the second of
/// two.
#[test]
fn a_reader_is_its_functions_alone() {
    let plain = render_of(&GENERATED, &all());
    let reader = render_of(&GENERATED, &all().with([("MySqlReportsReaderHost", READER)]));
    for (id, resource) in &plain.resources {
        let same = reader.resources.get(id) == Some(resource);
        assert_eq!(same, id != "MySqlReportsFunction", "{id}");
    }
}

#[test]
fn alarms_go_to_the_topic_if_there_is_one() {
    let topic = "arn:aws:sns:eu-west-1:123456789012:on-call";
    let with = render_of(&GENERATED, &all().with([("AlarmTopicArn", topic)]));
    let without = render_of(&GENERATED, &all());
    for id in ids_of(&with, "AWS::CloudWatch::Alarm") {
        assert_eq!(with.properties(&id)["AlarmActions"], json!([topic]), "{id}");
        assert!(without.properties(&id).get("AlarmActions").is_none(), "{id}");
    }
}

//! Optional parts: engines, the queue, the reservation, a topic.

use deploy_template::{Rendered, Stack, physical_name};
use serde_json::{Value, json};

use crate::stack::{MYSQL, POSTGRES, bare, both, render};

pub(crate) fn ids_of(rendered: &Rendered, kind: &str) -> Vec<String> {
    let of_kind = rendered.resources.iter().filter(|(_, resource)| resource["Type"] == kind);
    let mut ids: Vec<_> = of_kind.map(|(id, _)| id.clone()).collect();
    ids.sort();
    ids
}

#[test]
fn an_engine_without_an_endpoint_leaves_nothing_behind() {
    for (engine, other, parameters) in
        [("MySql", "Postgres", MYSQL), ("Postgres", "MySql", POSTGRES)]
    {
        let rendered = render(&bare().with(parameters));
        let all = Value::from(rendered.resources.clone()).to_string();
        assert!(!all.contains(other), "{all}");
        assert_eq!(ids_of(&rendered, "AWS::Lambda::Function"), [format!("{engine}Function")]);
        assert!(rendered.outputs.keys().all(|name| !name.contains(other)));
        let name = physical_name(&format!("{engine}Function"));
        assert_eq!(rendered.outputs[&format!("{engine}FunctionName")], name);
    }
    assert_eq!(ids_of(&render(&both()), "AWS::Lambda::Function").len(), 2);
}

#[test]
fn the_queue_goes_with_everything_that_leads_to_it() {
    let rendered = render(&both().with([("DeadLetterQueue", "false")]));
    let all =
        Value::from(rendered.resources.clone()).to_string() + &json!(rendered.outputs).to_string();
    assert!(!all.contains("FailedEvents") && !all.contains("sqs"), "{all}");
    for engine in ["MySql", "Postgres"] {
        let schedule = rendered.properties(&format!("{engine}Schedule"));
        assert!(schedule["Target"].get("DeadLetterConfig").is_none());
        let events = rendered.properties(&format!("{engine}Events"));
        assert!(events.get("DestinationConfig").is_none());
        assert_eq!(events["MaximumRetryAttempts"], 0);
    }
}

#[test]
fn what_is_not_given_is_not_there() {
    let function = |stack: &Stack| render(stack).properties("MySqlFunction").clone();
    let plain = function(&bare().with(MYSQL));
    let variables = plain["Environment"]["Variables"].as_object().unwrap();
    assert!(!variables.contains_key("DB_CONNECT_TO") && !variables.contains_key("DB_CA_BUNDLE"));

    let set = [
        ("ReservedConcurrency", "none"),
        ("Architecture", "x86_64"),
        ("ConnectTo", "127.0.0.1:13306"),
        ("CaBundle", "/opt/own/roots.pem"),
        ("LogLevel", "DEBUG"),
    ];
    let other = function(&bare().with(MYSQL).with(set));
    assert!(other.get("ReservedConcurrentExecutions").is_none());
    assert_eq!(other["Architectures"], json!(["x86_64"]));
    assert_eq!(other["Environment"]["Variables"]["DB_CONNECT_TO"], "127.0.0.1:13306");
    assert_eq!(other["Environment"]["Variables"]["DB_CA_BUNDLE"], "/opt/own/roots.pem");
    assert_eq!(other["LoggingConfig"]["ApplicationLogLevel"], "DEBUG");
}

#[test]
fn alarms_go_to_the_topic_if_there_is_one() {
    let topic = "arn:aws:sns:eu-west-1:123456789012:on-call";
    let with = render(&both().with([("AlarmTopicArn", topic)]));
    let without = render(&both());
    for id in ids_of(&with, "AWS::CloudWatch::Alarm") {
        assert_eq!(with.properties(&id)["AlarmActions"], json!([topic]), "{id}");
        assert!(without.properties(&id).get("AlarmActions").is_none(), "{id}");
    }
}

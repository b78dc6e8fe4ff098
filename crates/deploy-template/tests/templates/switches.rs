//! What is there with and without: engines, the queue, the reservation, alarms.

use deploy_template::{Rendered, Stack};
use serde_json::{Value, json};

use crate::stack::{MYSQL, POSTGRES, bare, both, render};

fn ids_of(rendered: &Rendered, kind: &str) -> Vec<String> {
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
        assert_eq!(rendered.outputs[&format!("{engine}FunctionName")], format!("{engine}Function"));
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

const IAM_METRICS: [&str; 4] =
    ["InsufficientPermissions", "InvalidToken", "ServerError", "Throttling"];

/// The alarms of one engine: their ids without the engine, with namespace, metric and dimension.
fn alarms(stack: &Stack, engine: &str) -> Vec<[String; 4]> {
    let rendered = render(stack);
    let ids = ids_of(&rendered, "AWS::CloudWatch::Alarm");
    let of_engine = ids.iter().filter_map(|id| Some((id, id.strip_prefix(engine)?)));
    of_engine
        .map(|(id, short)| {
            let alarm = rendered.properties(id);
            for (name, value) in [
                ("Threshold", json!(1)),
                ("EvaluationPeriods", json!(1)),
                ("Period", json!(300)),
                ("ComparisonOperator", json!("GreaterThanOrEqualToThreshold")),
                ("TreatMissingData", json!("notBreaching")),
            ] {
                assert_eq!(alarm[name], value, "{id}: {name}");
            }
            assert!(alarm["AlarmDescription"].is_string(), "{id}");
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let dimensions = alarm["Dimensions"].as_array().unwrap();
            assert_eq!(dimensions.len(), 1, "{id}");
            let dimension =
                format!("{}={}", text(&dimensions[0]["Name"]), text(&dimensions[0]["Value"]));
            [short.to_owned(), text(&alarm["Namespace"]), text(&alarm["MetricName"]), dimension]
        })
        .collect()
}

#[test]
fn alarms_watch_errors_the_queue_and_the_databases_own_metrics() {
    for (engine, parameters, dimension) in [
        ("MySql", MYSQL, "DBInstanceIdentifier=mydb"),
        ("Postgres", POSTGRES, "DBClusterIdentifier=mypg"),
    ] {
        let mut expected = vec![
            ["Errors", "AWS/Lambda", "Errors", &format!("FunctionName={engine}Function")]
                .map(str::to_owned),
            [
                "EventsFailed",
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                &format!("QueueName={engine}FailedEvents.QueueName"),
            ]
            .map(str::to_owned),
        ];
        for metric in IAM_METRICS {
            let metric_name = format!("IamDbAuthConnectionFailure{metric}");
            expected.push(
                [&format!("Iam{metric}"), "AWS/RDS", &metric_name, dimension].map(str::to_owned),
            );
        }
        let stack = bare().with(parameters);
        assert_eq!(alarms(&stack, engine), expected);
        let no_identifier = stack.clone().with([(&*format!("{engine}DbIdentifier"), "")]);
        assert_eq!(alarms(&no_identifier, engine), expected[..2]);
        let no_queue = stack.with([("DeadLetterQueue", "false")]);
        let without: Vec<_> =
            expected.into_iter().filter(|[short, ..]| short != "EventsFailed").collect();
        assert_eq!(alarms(&no_queue, engine), without);
    }
}

/// A proxy has no metrics of IAM authentication, but one of its own.
#[test]
fn a_proxy_is_watched_by_its_own_metric() {
    for (engine, parameters) in [("MySql", MYSQL), ("Postgres", POSTGRES)] {
        let id = format!("{engine}ResourceId");
        let name = format!("{engine}DbIdentifier");
        let stack = bare().with(parameters);
        let stack = stack.with([(&*id, "prx-0123456789abcdef0"), (&*name, "myproxy")]);
        let alarms = alarms(&stack, engine);
        assert_eq!(alarms.len(), 3, "{alarms:?}");
        let proxy =
            ["ProxyDenied", "AWS/RDS", "ClientConnectionsSetupFailedAuth", "ProxyName=myproxy"];
        assert_eq!(alarms[2], proxy);
    }
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

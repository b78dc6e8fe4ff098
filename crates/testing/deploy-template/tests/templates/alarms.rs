//! Alarms that can fire: each uses a metric that exists, by its name and dimensions.

use deploy_template::{Rendered, STACK_NAME, Stack, filter, physical_name};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

use crate::stack::{
    ALL, EU_1, Function, GENERATED, MYSQL, POSTGRES, all, bare, both, render, render_of,
};
use crate::switches::ids_of;

/// A metric: its namespace, its name, and its dimensions with their values.
pub(crate) type Metric = (String, String, Vec<(String, String)>);

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

pub(crate) fn metric(alarm: &Value) -> Metric {
    let dimensions = alarm["Dimensions"].as_array().into_iter().flatten();
    let dimensions = dimensions.map(|it| (text(&it["Name"]), text(&it["Value"]))).collect();
    (text(&alarm["Namespace"]), text(&alarm["MetricName"]), dimensions)
}

/// The metrics that AWS documents, each with one set of dimension names.
pub(crate) fn documented() -> BTreeSet<(String, String, Vec<String>)> {
    let lines = include_str!("metrics.txt").lines().filter(|line| line.starts_with("AWS/"));
    let metrics = lines.flat_map(|line| {
        let [namespace, name, sets] = line.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        sets.split("; ").map(move |set| {
            let dimensions = set.split(',').map(str::to_owned).collect();
            (namespace.to_owned(), name.to_owned(), dimensions)
        })
    });
    metrics.collect()
}

/// A filter counts in its function's own log group. What it counts is held to a function's real lines
/// by `function_scenarios::contention`.
#[test]
fn every_filter_feeds_an_alarm() {
    let rendered = render_of(&GENERATED, &all());
    for function in ALL {
        let engine = function.prefix;
        let filter = rendered.properties(&format!("{engine}Skips"));
        assert_eq!(filter["LogGroupName"], format!("/aws/lambda/{STACK_NAME}/{}", function.name));
        let counted = filter["FilterPattern"].as_str().unwrap();
        assert!(filter::matches(counted, r#"{"level":"INFO","outcome":"skipped"}"#), "{counted}");
        assert!(!filter::matches(counted, r#"{"level":"INFO","outcome":"ok"}"#), "{counted}");
        let made = &filter["MetricTransformations"][0];
        assert_eq!(made["MetricValue"], "1");
        let alarm = rendered.properties(&format!("{engine}SkippedAgain"));
        for (of_the_filter, of_the_alarm) in
            [("MetricNamespace", "Namespace"), ("MetricName", "MetricName")]
        {
            assert_eq!(made[of_the_filter], alarm[of_the_alarm], "{engine}");
        }
        assert_eq!(made["MetricName"], format!("{engine}SkippedRuns"));
    }
    // The line is at INFO: if it is not written, there is no alarm on it.
    for (level, expected) in [("TRACE", 4), ("DEBUG", 4), ("INFO", 4), ("WARN", 0), ("ERROR", 0)] {
        let rendered = render_of(&GENERATED, &all().with([("LogLevel", level)]));
        assert_eq!(ids_of(&rendered, "AWS::Logs::MetricFilter").len(), expected, "{level}");
        let alarms = ids_of(&rendered, "AWS::CloudWatch::Alarm");
        let alarms = alarms.iter().filter(|id| id.ends_with("SkippedAgain")).count();
        assert_eq!(alarms, expected, "{level}");
    }
}

/// The metrics that the stack's own filters derive from its logs. They have no dimensions.
pub(crate) fn filtered(rendered: &Rendered) -> BTreeSet<(String, String, Vec<String>)> {
    let filters = ids_of(rendered, "AWS::Logs::MetricFilter");
    let metrics = filters.iter().map(|id| {
        let made = &rendered.properties(id)["MetricTransformations"][0];
        assert!(made.get("Dimensions").is_none(), "{id}");
        (text(&made["MetricNamespace"]), text(&made["MetricName"]), vec![])
    });
    metrics.collect()
}

/// Stacks that together have every alarm.
pub(crate) fn stacks() -> Vec<Stack> {
    let ids = ALL.map(|function| function.parameters[1].0);
    let with = |id: &str| all().with(ids.map(|name| (name, id)));
    vec![all(), with("prx-0123456789abcdef0"), with(POSTGRES[1].1), with(MYSQL[1].1)]
}

#[test]
fn every_alarm_is_about_a_metric_that_exists() {
    let mut seen = BTreeSet::new();
    for stack in stacks() {
        let rendered = render_of(&GENERATED, &stack);
        let known = &documented() | &filtered(&rendered);
        for id in ids_of(&rendered, "AWS::CloudWatch::Alarm") {
            let (namespace, name, dimensions) = metric(rendered.properties(&id));
            let mut names: Vec<_> = dimensions.into_iter().map(|(name, _)| name).collect();
            names.sort();
            let metric = (namespace, name, names);
            assert!(known.contains(&metric), "{id} is about {metric:?}, which nothing documents");
            seen.insert(id);
        }
    }
    let translated = &GENERATED.translated["Resources"];
    let all = translated.as_object().unwrap().iter();
    let all = all.filter(|(_, resource)| resource["Type"] == "AWS::CloudWatch::Alarm");
    let all: BTreeSet<_> = all.map(|(id, _)| id.clone()).collect();
    assert_eq!(seen, all, "every alarm is in one of the stacks");
}

/// An alarm in one line: `SUM 300 x 1 >= 1 AWS/Lambda Errors FunctionName=…`.
fn shown(alarm: &Value) -> String {
    let (namespace, name, dimensions) = metric(alarm);
    let dimensions = dimensions.iter().map(|(name, value)| format!(" {name}={value}"));
    assert_eq!(alarm["ComparisonOperator"], "GreaterThanOrEqualToThreshold");
    assert_eq!(alarm["TreatMissingData"], "notBreaching");
    assert!(alarm["AlarmDescription"].is_string());
    format!(
        "{} {} x {} >= {} {namespace} {name}{}",
        text(&alarm["Statistic"]),
        alarm["Period"],
        alarm["EvaluationPeriods"],
        alarm["Threshold"],
        dimensions.collect::<String>()
    )
}

/// The alarms of a stack, by their ids without the engine.
fn alarms(stack: &Stack, engine: &str) -> BTreeMap<String, String> {
    let rendered = render_of(&GENERATED, stack);
    let ids = ids_of(&rendered, "AWS::CloudWatch::Alarm");
    let of_engine = ids.iter().filter_map(|id| Some((id, id.strip_prefix(engine)?)));
    let longer = ALL.iter().map(|it| it.prefix).filter(|it| it.len() > engine.len());
    let longer: Vec<_> = longer.collect();
    let of_engine = of_engine.filter(|(id, _)| !longer.iter().any(|it| id.starts_with(it)));
    of_engine.map(|(id, short)| (short.to_owned(), shown(rendered.properties(id)))).collect()
}

#[test]
fn alarms_watch_the_function_its_events_and_the_database() {
    for (Function { prefix: engine, parameters, .. }, dimension) in ALL.into_iter().zip([
        "DBInstanceIdentifier=mydb",
        "DBClusterIdentifier=mypg",
        "DBClusterIdentifier=reports-db",
        "DBInstanceIdentifier=eu-db",
    ]) {
        let function = format!("FunctionName={}", physical_name(&format!("{engine}Function")));
        let queue = format!("QueueName={}", physical_name(&format!("{engine}FailedEvents")));
        let once = "Sum 300 x 1 >= 1";
        let mut expected = BTreeMap::from([
            ("Errors".to_owned(), format!("{once} AWS/Lambda Errors {function}")),
            ("Throttles".to_owned(), format!("{once} AWS/Lambda Throttles {function}")),
            (
                "FailuresLost".to_owned(),
                format!("{once} AWS/Lambda DestinationDeliveryFailures {function}"),
            ),
            (
                "EventsFailed".to_owned(),
                format!("Maximum 300 x 1 >= 1 AWS/SQS ApproximateNumberOfMessagesVisible {queue}"),
            ),
            (
                "SkippedAgain".to_owned(),
                format!("Sum 21600 x 1 >= 3 {STACK_NAME} {engine}SkippedRuns"),
            ),
        ]);
        let stack = bare().with(parameters);
        let no_identifier = stack.clone().with([(&*format!("{engine}DbIdentifier"), "")]);
        assert_eq!(alarms(&no_identifier, engine), expected);
        for metric in ["InsufficientPermissions", "InvalidToken", "ServerError", "Throttling"] {
            expected.insert(
                format!("Iam{metric}"),
                format!("{once} AWS/RDS IamDbAuthConnectionFailure{metric} {dimension}"),
            );
        }
        assert_eq!(alarms(&stack, engine), expected);
        let no_queue = stack.with([("DeadLetterQueue", "false")]);
        expected.retain(|short, _| !["EventsFailed", "FailuresLost"].contains(&&**short));
        assert_eq!(alarms(&no_queue, engine), expected);
    }
}

/// A proxy has no metrics of IAM authentication, but its own metrics.
#[test]
fn a_proxy_is_watched_by_its_own_metrics() {
    for Function { prefix: engine, parameters, .. } in ALL {
        let id = format!("{engine}ResourceId");
        let name = format!("{engine}DbIdentifier");
        let stack = bare().with(parameters);
        let stack = stack.with([(&*id, "prx-0123456789abcdef0"), (&*name, "myproxy")]);
        let mut alarms = alarms(&stack, engine);
        alarms.retain(|_, about| about.contains("AWS/RDS"));
        let about = |of: &str| format!("{of} ProxyName=myproxy");
        let expected = BTreeMap::from([
            (
                "ProxyDenied".to_owned(),
                about("Sum 300 x 1 >= 1 AWS/RDS ClientConnectionsSetupFailedAuth"),
            ),
            (
                "ProxyPins".to_owned(),
                about("Maximum 300 x 3 >= 1 AWS/RDS DatabaseConnectionsCurrentlySessionPinned"),
            ),
        ]);
        assert_eq!(alarms, expected);
    }
}

#[test]
fn alarms_watch_the_scheduler() {
    let about = |metric: &str| {
        format!("Sum 300 x 1 >= 1 AWS/Scheduler {metric} ScheduleGroup={STACK_NAME}")
    };
    let mut expected = BTreeMap::from([
        ("TargetErrors".to_owned(), about("TargetErrorCount")),
        ("Dropped".to_owned(), about("InvocationDroppedCount")),
        ("FailuresLost".to_owned(), about("InvocationsFailedToBeSentToDeadLetterCount")),
    ]);
    assert_eq!(alarms(&all(), "Schedule"), expected);
    expected.remove("FailuresLost");
    assert_eq!(alarms(&all().with([("DeadLetterQueue", "false")]), "Schedule"), expected);
    // A function without a schedule has no alarms about one.
    assert!(alarms(&bare().with(EU_1), "Schedule").is_empty());
}

/// docs/DEPLOYMENT.md counts as many alarms as there are.
#[test]
fn their_price_is_known() {
    let count =
        |stack: &Stack| ids_of(&render_of(&GENERATED, stack), "AWS::CloudWatch::Alarm").len();
    let one = bare().with(MYSQL);
    let document = include_str!("../../../../../docs/DEPLOYMENT.md");
    assert!(document.contains(&format!("| {} alarms | $0.10 each |", count(&one))));
    assert_eq!(count(&both()) - count(&one), 9, "a second function's");
    assert_eq!(count(&bare().with(EU_1)), 9, "without a schedule");
    assert_eq!(ids_of(&render(&both()), "AWS::CloudWatch::Alarm").len(), 18);
}

//! The dashboard: it shows what the stack has, by metrics and fields that exist.

use deploy_template::{STACK_NAME, Stack, Template, physical_name};
use regex::Regex;
use serde_json::{Value, json};
use std::collections::BTreeSet;

use crate::alarms::{Metric, documented, filtered, metric, stacks};
use crate::stack::{ALL, Function, GENERATED, all, bare, built, render_of, stack_of};
use crate::switches::ids_of;

const ID: &str = "CloudWatchDashboard";

fn on(stack: &Stack) -> Stack {
    stack.clone().with([("Dashboard", "true")])
}

/// The widgets of a stack's dashboard.
fn widgets(template: &Template, stack: &Stack) -> Vec<Value> {
    let rendered = render_of(template, &on(stack));
    let body = rendered.properties(ID)["DashboardBody"].as_str().unwrap();
    assert!(!body.contains("${"), "{body}");
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    // A sum over a minute would otherwise become one over the period that suits the time range.
    assert_eq!(body["periodOverride"], "inherit");
    body["widgets"].as_array().unwrap().clone()
}

/// The metrics of widgets.
fn metrics(widgets: &[Value]) -> BTreeSet<Metric> {
    let all = widgets.iter().flat_map(|it| it["properties"]["metrics"].as_array()).flatten();
    let metrics = all.map(|metric| {
        let texts = metric.as_array().unwrap().iter().map_while(Value::as_str);
        let [namespace, name, dimensions @ ..] = &texts.map(str::to_owned).collect::<Vec<_>>()[..]
        else {
            panic!("{metric}")
        };
        let (pairs, rest) = dimensions.as_chunks::<2>();
        assert!(rest.is_empty(), "{metric}");
        let pairs = pairs.iter().map(|[name, value]| (name.clone(), value.clone())).collect();
        (namespace.clone(), name.clone(), pairs)
    });
    metrics.collect()
}

/// Stacks with every combination of a database's kind, a queue, schedules and skipped runs.
fn every_stack() -> Vec<Stack> {
    let mut stacks = stacks();
    stacks.extend(ALL.map(|function| stack_of(&[function])));
    let no_identifiers = ALL.map(|function| format!("{}DbIdentifier", function.prefix));
    let without =
        |stack: &Stack| stack.clone().with(no_identifiers.iter().map(|name| (name.as_str(), "")));
    for (name, value) in [("DeadLetterQueue", "false"), ("LogLevel", "ERROR")] {
        let other: Vec<_> = stacks.iter().map(|it| it.clone().with([(name, value)])).collect();
        stacks.extend(other);
    }
    let without: Vec<_> = stacks.iter().map(without).collect();
    [stacks, without].concat()
}

#[test]
fn it_is_there_if_the_parameter_says_so() {
    let kind = "AWS::CloudWatch::Dashboard";
    let without = render_of(&GENERATED, &all());
    assert_eq!(ids_of(&without, kind), [""; 0]);
    assert!(!without.outputs.contains_key("DashboardName"));
    let with = render_of(&GENERATED, &on(&all()));
    assert_eq!(ids_of(&with, kind), [ID]);
    let name = format!("{STACK_NAME}_eu-west-1");
    assert_eq!(with.properties(ID)["DashboardName"], name);
    assert_eq!(with.outputs["DashboardName"], name);
    assert_eq!(with.resources.len(), without.resources.len() + 1);
}

#[test]
fn every_metric_exists_and_every_widget_has_a_place() {
    for stack in every_stack() {
        let known = &documented() | &filtered(&render_of(&GENERATED, &stack));
        let widgets = widgets(&GENERATED, &stack);
        for (namespace, name, dimensions) in metrics(&widgets) {
            let mut names: Vec<_> = dimensions.into_iter().map(|(name, _)| name).collect();
            names.sort();
            let metric = (namespace, name, names);
            assert!(known.contains(&metric), "nothing documents {metric:?}");
        }
        for widget in widgets {
            // Without a position, CloudWatch chooses one where nothing is.
            assert!(widget.get("x").is_none() && widget.get("y").is_none(), "{widget}");
            assert!(widget["width"].as_u64().unwrap() <= 24, "{widget}");
            let properties = &widget["properties"];
            match widget["type"].as_str().unwrap() {
                "text" => assert!(properties["markdown"].is_string()),
                "metric" => assert!(!properties["metrics"].as_array().unwrap().is_empty()),
                "log" => assert!(properties["query"].is_string()),
                other => panic!("{other}"),
            }
            assert!(widget["type"] == "text" || properties["region"] == "eu-west-1", "{widget}");
        }
    }
}

/// Who gets an alarm sees its metric on the dashboard.
#[test]
fn it_shows_the_metric_of_every_alarm() {
    for stack in every_stack() {
        let rendered = render_of(&GENERATED, &stack);
        let shown = metrics(&widgets(&GENERATED, &stack));
        for id in ids_of(&rendered, "AWS::CloudWatch::Alarm") {
            let metric = metric(rendered.properties(&id));
            assert!(shown.contains(&metric), "{id}: {metric:?}");
        }
    }
}

/// What widgets are about, such as `AWS/Lambda FunctionName=…`, and the log groups of queries.
fn about(stack: &Stack) -> BTreeSet<String> {
    let widgets = widgets(&GENERATED, stack);
    let mut about: BTreeSet<_> = metrics(&widgets)
        .into_iter()
        .map(|(namespace, _, dimensions)| {
            let dimensions = dimensions.iter().map(|(name, value)| format!(" {name}={value}"));
            format!("{namespace}{}", dimensions.collect::<String>())
        })
        .collect();
    let queries = widgets.iter().filter_map(|it| it["properties"]["query"].as_str());
    about.extend(queries.map(|query| query.split(" | ").next().unwrap().to_owned()));
    about
}

#[test]
fn it_shows_the_functions_of_the_stack_alone() {
    let databases = [
        "DBInstanceIdentifier=mydb",
        "DBClusterIdentifier=mypg",
        "DBClusterIdentifier=reports-db",
        "DBInstanceIdentifier=eu-db",
    ];
    for (Function { prefix, name, parameters, schedules }, database) in
        ALL.into_iter().zip(databases)
    {
        let stack = bare().with(parameters);
        let database = format!("AWS/RDS {database}");
        let queue =
            format!("AWS/SQS QueueName={}", physical_name(&format!("{prefix}FailedEvents")));
        let mut expected = BTreeSet::from([
            format!("AWS/Lambda FunctionName={}", physical_name(&format!("{prefix}Function"))),
            format!("SOURCE '/aws/lambda/{STACK_NAME}/{name}'"),
            STACK_NAME.to_owned(),
            database.clone(),
            queue.clone(),
        ]);
        if !schedules.is_empty() {
            expected.insert(format!("AWS/Scheduler ScheduleGroup={STACK_NAME}"));
        }
        assert_eq!(about(&stack), expected);
        let without = |parameter: &str, value: &str, gone: &str| {
            let mut rest = expected.clone();
            assert!(rest.remove(gone), "{gone}");
            assert_eq!(about(&stack.clone().with([(parameter, value)])), rest, "{parameter}");
        };
        without("DeadLetterQueue", "false", &queue);
        without("LogLevel", "WARN", STACK_NAME);
        without(&format!("{prefix}DbIdentifier"), "", &database);
        let id = format!("{prefix}ResourceId");
        expected.remove(&database);
        let (_, identifier) = parameters[4];
        expected.insert(format!("AWS/RDS ProxyName={identifier}"));
        assert_eq!(about(&stack.with([(&*id, "prx-0123456789abcdef0")])), expected);
    }
}

/// docs/DEPLOYMENT.md says how many functions the free tier's 50 metrics are enough for.
#[test]
fn the_free_tier_has_room_for_two_functions() {
    let lines = |functions: &[Function]| {
        let widgets = widgets(&GENERATED, &stack_of(functions));
        widgets.iter().filter_map(|it| it["properties"]["metrics"].as_array()).flatten().count()
    };
    assert!(lines(&ALL[..2]) <= 50 && lines(&ALL[..3]) > 50);
}

/// A template without schedules has no group of them either.
#[test]
fn without_schedules_it_shows_none() {
    let template = Template::of_text(&built(&[("mysql/a.sql", "SELECT 1")]));
    let shown = metrics(&widgets(&template, &stack_of(&ALL[..1])));
    assert!(shown.iter().all(|(namespace, ..)| namespace != "AWS/Scheduler"));
}

/// The fields of the line at the end of an invocation, by the source that writes it. That they are at the top of the
/// line is held by `function_scenarios::contention`.
fn fields_of_the_line() -> BTreeSet<String> {
    let source = include_str!("../../../../sql-function/src/summary.rs");
    let (_, line) = source.split_once("tracing::event!(").unwrap();
    let (line, _) = line.split_once("\"invocation\"").unwrap();
    let field = Regex::new(r"(?m)^\s*([a-z_]+) = ").unwrap();
    let fields = field.captures_iter(line).map(|it| it[1].to_owned());
    fields.chain(["message".to_owned()]).collect()
}

#[test]
fn its_queries_read_fields_of_the_line() {
    let line = fields_of_the_line();
    assert!(line.contains("outcome") && line.contains("total_ms"), "{line:?}");
    let word = Regex::new(r"[a-z_]+").unwrap();
    let aside = Regex::new(r#""[^"]*"|/[^/]*/| as [a-z0-9]+|[a-z]+\(|[0-9]+m\)"#).unwrap();
    // The language's own words, and the column that a query makes and sorts by.
    let own = ["filter", "and", "not", "in", "like", "stats", "by", "sort", "desc", "failed"];
    let mut queries = BTreeSet::new();
    for widget in widgets(&GENERATED, &all()) {
        let Some(query) = widget["properties"]["query"].as_str() else { continue };
        let (_, rest) = query.split_once(" | ").unwrap();
        queries.insert(rest.to_owned());
        let rest = aside.replace_all(rest, " ");
        let fields = word.find_iter(&rest).map(|it| it.as_str()).filter(|it| !own.contains(it));
        let fields: BTreeSet<_> = fields.map(str::to_owned).collect();
        assert!(fields.len() > 1, "{query}: {fields:?}");
        assert!(fields.is_subset(&line), "{query}: {fields:?}");
    }
    assert_eq!(queries.len(), 4);
}

/// The pattern of failed logins finds the types of errors that a login ends with.
#[test]
fn failed_logins_are_known_by_their_type() {
    let source = include_str!("../../../../sql-function/src/error.rs");
    let names = Regex::new(r#"Kind::\w+ => "([\w.]+)","#).unwrap();
    let widgets = widgets(&GENERATED, &all());
    let failed = widgets.iter().find(|it| it["properties"]["title"] == "Failed logins by type");
    let query = failed.unwrap()["properties"]["query"].as_str().unwrap();
    let pattern = query.split('/').rev().nth(1).unwrap();
    let pattern = Regex::new(pattern).unwrap();
    let found: Vec<_> = names
        .captures_iter(source)
        .map(|name| name[1].to_owned())
        .filter(|name| pattern.is_match(name))
        .collect();
    let logins = ["Connect.Dns", "Connect.Tcp", "Connect.Tls", "Login.Denied", "Login.Refused"];
    assert_eq!(json!(found), json!(logins));
}

//! The schedules that statements declare.

use deploy_template::{STACK_NAME, physical_name};
use serde_json::{Value, json};

use crate::stack::{
    ALL, BUILT, FUNCTIONS, GENERATED, MYSQL, all, arn, bare, both, built, render, render_of,
    stack_of,
};
use crate::switches::ids_of;

const KIND: &str = "AWS::Scheduler::Schedule";

#[test]
fn without_a_schedule_there_is_nothing_of_the_scheduler() {
    let of_scheduler = |resources: &Value| {
        let ids = resources.as_object().unwrap().keys();
        ids.filter(|id| id.contains("Schedule")).cloned().collect::<Vec<_>>()
    };
    assert_eq!(of_scheduler(&FUNCTIONS.translated["Resources"]), [""; 0]);
    assert_eq!(of_scheduler(&json!(render(&both()).resources)), [""; 0]);
    // Schedules of a function that is not deployed do not count.
    for only in [&ALL[3..], &[ALL[3]]] {
        let rendered = render_of(&GENERATED, &stack_of(only));
        assert_eq!(of_scheduler(&json!(rendered.resources)), [""; 0]);
    }
    let plain = built(&[("mysql/a.sql", "SELECT 1"), ("postgres/a.sql", "SELECT 1")]);
    let own = std::fs::read_to_string(deploy_template::functions()).unwrap();
    let own = own.replace("../target/lambda/", "");
    let mut rest = own.lines().peekable();
    let added: Vec<_> = plain.lines().filter(|line| rest.next_if_eq(line).is_none()).collect();
    assert_eq!(rest.next(), None, "without schedules it is the same");
    let entries = added.iter().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let entries: Vec<_> = entries.filter(|line| !line.starts_with("  #")).collect();
    let names = entries.iter().map(|line| line.trim().split(':').next().unwrap());
    let dashboards = ["Dashboard", "HasDashboard", "CloudWatchDashboard", "DashboardName"];
    assert_eq!(names.collect::<Vec<_>>(), dashboards, "with a dashboard");
}

#[test]
fn each_function_has_the_schedules_of_its_statements() {
    for function in ALL {
        let rendered = render_of(&GENERATED, &stack_of(&[function]));
        assert_eq!(ids_of(&rendered, KIND), function.schedules, "{function:?}");
    }
    assert_eq!(ids_of(&render_of(&GENERATED, &all()), KIND).len(), 4);
}

#[test]
fn a_schedule_hands_over_with_patience() {
    let stack = render_of(&GENERATED, &all().with([("EventAgeSeconds", "900")]));
    let cases = [
        ("MySqlSchedulePurgeItems1", "cron(0 4 * * ? *)", "Europe/Berlin"),
        ("MySqlSchedulePurgeItems2", "rate(1 hour)", "UTC"),
        ("PostgresSchedulePurgeItems1", "at(2030-01-31T12:00:00)", "UTC"),
        ("MySqlReportsSchedulePurgeItems1", "rate(1 day)", "UTC"),
    ];
    for (id, expression, timezone) in cases {
        let function = ALL.iter().find(|it| it.schedules.contains(&id)).unwrap().prefix;
        let schedule = stack.properties(id);
        assert_eq!(schedule["ScheduleExpression"], expression);
        assert_eq!(schedule["ScheduleExpressionTimezone"], timezone);
        assert_eq!(schedule["State"], "ENABLED");
        assert_eq!(schedule["GroupName"], STACK_NAME);
        assert_eq!(schedule["FlexibleTimeWindow"], json!({"Mode": "OFF"}));
        let mut target = schedule["Target"].clone();
        let input: Value = serde_json::from_str(target["Input"].take().as_str().unwrap()).unwrap();
        assert_eq!(input["statement"], "purge-items", "{id}");
        let name = physical_name(&format!("{function}Function"));
        assert_eq!(
            target,
            json!({
                "Arn": arn("lambda", &format!("function:{name}")),
                "RoleArn": arn("iam", &format!("role/{}", physical_name("ScheduleRole"))),
                "Input": null,
                "RetryPolicy": {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": "900"},
                "DeadLetterConfig": {
                    "Arn": arn("sqs", &physical_name(&format!("{function}FailedEvents"))),
                },
            })
        );
    }
}

/// Whatever is in a file, the event is what the file says, and CloudFormation replaces nothing in it.
#[test]
fn an_event_is_what_the_file_says() {
    let stack = render_of(&GENERATED, &all());
    let input = |id: &str| stack.properties(id)["Target"]["Input"].as_str().unwrap();
    assert_eq!(input("MySqlSchedulePurgeItems1"), r#"{"statement":"purge-items","params":[30]}"#);
    assert_eq!(input("MySqlReportsSchedulePurgeItems1"), r#"{"statement":"purge-items"}"#);
    let odd = input("MySqlSchedulePurgeItems2");
    let event: Value = serde_json::from_str(odd).unwrap();
    let text = r#"it's ${AWS::Region} ${MySqlUser} {{resolve:ssm:x}} {{{ <ü😀> \\ \" A"#;
    let text = text.replace(r"\\", r"\").replace(r#"\""#, "\"");
    assert_eq!(event, json!({ "statement": "purge-items", "params": [text] }));
    assert!(!odd.contains("${") && !odd.contains("{{") && odd.is_ascii(), "{odd}");
    assert!(BUILT.is_ascii() && !BUILT.contains("{{"));
    let mysql_user = "${MySqlUser}";
    let used = BUILT.matches(mysql_user).count();
    let own = std::fs::read_to_string(deploy_template::functions()).unwrap();
    assert_eq!(used, own.matches(mysql_user).count(), "only the role's policy replaces it");
}

#[test]
fn the_description_is_the_statements_own() {
    let stack = render_of(&GENERATED, &all());
    let words = |id: &str| stack.properties(id)["Description"].as_str().unwrap();
    assert_eq!(
        words("MySqlSchedulePurgeItems1"),
        "purge-items: Removes \"old\" items: für 'alle' $ {AWS::Region} { {resolve:ssm:x}} # \\"
    );
    assert_eq!(words("PostgresSchedulePurgeItems1"), "purge-items");
    let long = format!("-- {}\n-- schedule: rate(1 day)\nSELECT 1", "wörter ".repeat(200));
    let template = deploy_template::Template::of_text(&built(&[("mysql/a.sql", &long)]));
    let rendered = render_of(&template, &bare().with(MYSQL));
    let words = rendered.properties("MySqlScheduleA1")["Description"].as_str().unwrap();
    assert_eq!(words.chars().count(), 512);
}

/// A changed expression is a change of the same resource.
#[test]
fn a_name_belongs_to_a_statement_and_a_place_in_its_file() {
    let names = |files: &[(&str, &str)]| {
        let template = deploy_template::Template::of_text(&built(files));
        ids_of(&render_of(&template, &bare().with(MYSQL)), KIND)
    };
    let one = "-- schedule: rate(1 day)\nSELECT 1";
    let two = "-- schedule: rate(1 day)\n-- schedule: rate(2 days)\nSELECT 1";
    assert_eq!(names(&[("mysql/b.sql", one)]), ["MySqlScheduleB1"]);
    let other = one.replace("1 day", "5 minutes");
    assert_eq!(names(&[("mysql/b.sql", &other), ("mysql/a.sql", "SELECT 1")]), ["MySqlScheduleB1"]);
    assert_eq!(
        names(&[("mysql/b.sql", two), ("mysql/a-b.sql", one)]),
        ["MySqlScheduleAB1", "MySqlScheduleB1", "MySqlScheduleB2"]
    );
    let alike = names(&[("mysql/a_b.sql", one), ("mysql/a-b.sql", one), ("mysql/AB.sql", one)]);
    assert_eq!(alike.len(), 3, "{alike:?}");
}

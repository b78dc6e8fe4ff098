//! Each function's resources.

use deploy_template::{STACK_NAME, physical_name};
use serde_json::{Value, json};

use crate::stack::{SECURITY_GROUP, SUBNETS, arn, both, render};

#[test]
fn a_function_is_what_design_says() {
    let stack = render(&both());
    let subnets: Vec<_> = SUBNETS.split(',').collect();
    for (id, engine) in [("MySqlFunction", "mysql"), ("PostgresFunction", "postgres")] {
        let function = stack.properties(id);
        let is = |name: &str, value: Value| assert_eq!(function[name], value, "{id}: {name}");
        is("Runtime", json!("provided.al2023"));
        is("Handler", json!("bootstrap"));
        is("Architectures", json!(["arm64"]));
        is("Timeout", json!("30"));
        is("MemorySize", json!("256"));
        is("ReservedConcurrentExecutions", json!("20"));
        is("TracingConfig", json!({"Mode": "Active"}));
        is("VpcConfig", json!({"SubnetIds": subnets, "SecurityGroupIds": [SECURITY_GROUP]}));
        let log_group = id.replace("Function", "LogGroup");
        let log_group_name = format!("/aws/lambda/{STACK_NAME}/{engine}-function");
        is("Role", json!(arn("iam", &format!("role/{}", physical_name(&format!("{id}Role"))))));
        is(
            "LoggingConfig",
            json!({
                "LogFormat": "JSON",
                "ApplicationLogLevel": "INFO",
                "SystemLogLevel": "INFO",
                "LogGroup": log_group_name,
            }),
        );
        let expected = json!({
            "LogGroupName": log_group_name,
            "RetentionInDays": "30",
        });
        assert_eq!(*stack.properties(&log_group), expected);
        let layer = function["Layers"][0].as_str().unwrap();
        assert_eq!(stack.resources[layer]["Type"], "AWS::Lambda::LayerVersion");
        assert_eq!(stack.properties(layer)["CompatibleArchitectures"], json!(["arm64", "x86_64"]));
    }
}

#[test]
fn the_code_is_where_the_build_puts_it() {
    let source = &crate::stack::FUNCTIONS.source["Resources"];
    let place = |id: &str, property: &str| source[id]["Properties"][property].clone();
    assert_eq!(place("MySqlFunction", "CodeUri"), "../target/lambda/mysql-function/bootstrap.zip");
    assert_eq!(
        place("PostgresFunction", "CodeUri"),
        "../target/lambda/postgres-function/bootstrap.zip"
    );
    assert_eq!(place("RdsCaLayer", "ContentUri"), "../target/lambda/rds-ca-layer.zip");
}

#[test]
fn the_environment_is_the_contract() {
    let stack =
        render(&both().with([("MySqlPort", "13306"), ("ScheduledStatement", "purge-items")]));
    let environment = |id: &str| -> Value {
        stack.environment(id).into_iter().map(|(name, value)| (name, Value::from(value))).collect()
    };
    assert_eq!(
        environment("MySqlFunction"),
        json!({
            "DB_HOST": "mydb.abc123def456.eu-west-1.rds.amazonaws.com",
            "DB_PORT": "13306",
            "DB_USER": "lambda-user",
            "DB_NAME": "app",
            "DB_REGION": "eu-west-1",
            "DB_RESOURCE_ID": "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "SCHEDULED_STATEMENT": "purge-items",
        })
    );
    assert_eq!(
        environment("PostgresFunction"),
        json!({
            "DB_HOST": "mypg.cluster-abc123def456.eu-west-1.rds.amazonaws.com",
            "DB_PORT": "5432",
            "DB_USER": "lambda_user",
            "DB_NAME": "app",
            "DB_REGION": "eu-west-1",
            "DB_RESOURCE_ID": "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "SCHEDULED_STATEMENT": "purge-items",
        })
    );
}

#[test]
fn a_function_without_a_schedule_need_not_have_its_statement() {
    for (state, statement, expected) in [
        ("ENABLED", "items", Some("items")),
        ("DISABLED", "items", None),
        ("DISABLED", "purge-items", Some("purge-items")),
    ] {
        let parameters = [("ScheduleState", state), ("ScheduledStatement", statement)];
        let stack = render(&both().with(parameters));
        for id in ["MySqlFunction", "PostgresFunction"] {
            let environment = stack.environment(id);
            let named = environment.iter().find(|(name, _)| name == "SCHEDULED_STATEMENT");
            assert_eq!(named.map(|(_, value)| value.as_str()), expected, "{id}: {state}");
        }
    }
}

#[test]
fn a_schedule_hands_over_with_patience_and_runs_nothing_twice() {
    let stack = render(&both().with([("Schedule", "rate(1 hour)"), ("EventAgeSeconds", "900")]));
    for engine in ["MySql", "Postgres"] {
        let queue = arn("sqs", &physical_name(&format!("{engine}FailedEvents")));
        let schedule = stack.properties(&format!("{engine}Schedule"));
        assert_eq!(schedule["ScheduleExpression"], "rate(1 hour)");
        assert_eq!(schedule["State"], "ENABLED");
        assert_eq!(schedule["GroupName"], STACK_NAME);
        assert_eq!(schedule["FlexibleTimeWindow"], json!({"Mode": "OFF"}));
        let name = physical_name(&format!("{engine}Function"));
        assert_eq!(
            schedule["Target"],
            json!({
                "Arn": arn("lambda", &format!("function:{name}")),
                "RoleArn": arn("iam", &format!("role/{}", physical_name("ScheduleRole"))),
                "RetryPolicy": {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": "900"},
                "DeadLetterConfig": {"Arn": queue},
            })
        );
        assert_eq!(
            *stack.properties(&format!("{engine}Events")),
            json!({
                "FunctionName": name,
                "Qualifier": "$LATEST",
                "MaximumRetryAttempts": 0,
                "MaximumEventAgeInSeconds": "900",
                "DestinationConfig": {"OnFailure": {"Destination": queue}},
            })
        );
        assert_eq!(
            *stack.properties(&format!("{engine}FailedEvents")),
            json!({"MessageRetentionPeriod": 1_209_600, "SqsManagedSseEnabled": true})
        );
    }
}

/// A change set takes a template of at most 51,200 bytes, and the addresses of the zips are added to it.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>
#[test]
fn the_template_fits_into_a_request() {
    let length = std::fs::read(deploy_template::functions()).unwrap().len();
    assert!(length < 50_000, "{length}");
}

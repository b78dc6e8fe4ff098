//! Each function's resources.

use deploy_template::{STACK_NAME, physical_name};
use serde_json::{Value, json};

use crate::stack::{
    ALL, BUILT, GENERATED, SECURITY_GROUP, SUBNETS, all, arn, render_of, stack_of, templates,
};

#[test]
fn a_function_is_what_design_says() {
    let subnets: Vec<_> = SUBNETS.split(',').collect();
    let each = templates().into_iter().flat_map(|(template, functions)| {
        functions.iter().map(move |function| (template, functions, function))
    });
    for (template, functions, of_template) in each {
        let stack = render_of(template, &stack_of(functions));
        let id = &*format!("{}Function", of_template.prefix);
        let function = stack.properties(id);
        let is = |name: &str, value: Value| assert_eq!(function[name], value, "{id}: {name}");
        is("Runtime", json!("provided.al2023"));
        is("Handler", json!("bootstrap"));
        is("Architectures", json!(["arm64"]));
        is("Timeout", json!("30"));
        is("MemorySize", json!("256"));
        is("ReservedConcurrentExecutions", json!("20"));
        is("TracingConfig", json!({"Mode": "Active"}));
        let network = |ipv6: bool| json!({"SubnetIds": subnets, "SecurityGroupIds": [SECURITY_GROUP], "Ipv6AllowedForDualStack": ipv6});
        is("VpcConfig", network(false));
        let ipv6 = stack_of(functions).with([("Ipv6AllowedForDualStack", "true")]);
        assert_eq!(render_of(template, &ipv6).properties(id)["VpcConfig"], network(true), "{id}");
        let log_group = format!("{}LogGroup", of_template.prefix);
        let log_group_name = format!("/aws/lambda/{STACK_NAME}/{}", of_template.name);
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
    for ((template, functions), folder) in templates().into_iter().zip(["../target/lambda/", ""]) {
        let source = &template.source["Resources"];
        let place = |id: &str, property: &str| source[id]["Properties"][property].clone();
        for function in functions {
            let zip = format!("{folder}{}/bootstrap.zip", function.name);
            assert_eq!(place(&format!("{}Function", function.prefix), "CodeUri"), zip);
        }
        let layer = format!("{folder}rds-ca-layer.zip");
        assert_eq!(place("RdsCaLayer", "ContentUri"), layer);
    }
}

#[test]
fn the_environment_is_the_contract() {
    for (template, functions) in templates() {
        let stack = render_of(template, &stack_of(functions).with([("MySqlPort", "13306")]));
        for function in functions {
            let id = format!("{}Function", function.prefix);
            let environment: Value = stack
                .environment(&id)
                .into_iter()
                .map(|(name, value)| (name, Value::from(value)))
                .collect();
            let [(_, host), (_, resource_id), (_, user), (_, database), _] = function.parameters;
            let port = match function.name {
                "mysql-function" => "13306",
                name if name.starts_with("mysql") => "3306",
                _ => "5432",
            };
            let expected = json!({
                "DB_HOST": host,
                "DB_PORT": port,
                "DB_USER": user,
                "DB_NAME": database,
                "DB_REGION": "eu-west-1",
                "DB_RESOURCE_ID": resource_id,
            });
            assert_eq!(environment, expected, "{id}");
        }
    }
}

#[test]
fn events_wait_and_run_nothing_twice() {
    for (template, functions) in templates() {
        let stack = stack_of(functions).with([("EventAgeSeconds", "900")]);
        let stack = render_of(template, &stack);
        for function in functions {
            let prefix = function.prefix;
            let queue = arn("sqs", &physical_name(&format!("{prefix}FailedEvents")));
            assert_eq!(
                *stack.properties(&format!("{prefix}Events")),
                json!({
                    "FunctionName": physical_name(&format!("{prefix}Function")),
                    "Qualifier": "$LATEST",
                    "MaximumRetryAttempts": 0,
                    "MaximumEventAgeInSeconds": "900",
                    "DestinationConfig": {"OnFailure": {"Destination": queue}},
                })
            );
            assert_eq!(
                *stack.properties(&format!("{prefix}FailedEvents")),
                json!({"MessageRetentionPeriod": 1_209_600, "SqsManagedSseEnabled": true})
            );
        }
    }
}

/// Nothing of a copy leads to another function: each name of a resource, a parameter or a condition in it is
/// one of its own, or one that all functions share.
#[test]
fn a_copy_is_wired_to_itself_alone() {
    let source = &GENERATED.source;
    for section in ["Parameters", "Rules", "Conditions", "Resources", "Outputs"] {
        let entries = source[section].as_object().unwrap();
        let mut counts = vec![];
        for function in ALL {
            let others = ALL.iter().filter(|other| other.prefix != function.prefix);
            // MySqlReports starts with MySql.
            let others: Vec<_> = others.map(|other| (other.prefix, other.name)).collect();
            let own = |text: &str| {
                let is_longer = |other: &str| other.len() > function.prefix.len();
                let of_other = |(other, _): &(&str, _)| is_longer(other) && text.contains(other);
                text.contains(function.prefix) && !others.iter().any(of_other)
            };
            let of_function = entries.iter().filter(|(name, _)| own(name));
            let mut count = 0;
            for (name, entry) in of_function {
                let is_schedule = entry["Type"] == "AWS::Scheduler::Schedule";
                count += usize::from(!is_schedule);
                let text = entry.to_string();
                let rest = text.replace(function.prefix, "").replace(function.name, "");
                for (prefix, other) in &others {
                    let is_schedules_parameter = is_schedule && rest.contains("${MySqlUser}");
                    assert!(!rest.contains(prefix) || is_schedules_parameter, "{name}: {text}");
                    let path = format!("{other}/");
                    assert!(
                        !rest.contains(&path) && !rest.contains(&format!("{other}:")),
                        "{text}"
                    );
                }
            }
            counts.push(count);
        }
        assert!(counts[0] > 0, "{section}");
        assert_eq!(counts[0], counts[2], "{section}: a copy has all entries of the first");
        assert_eq!(counts[1], counts[3], "{section}");
    }
}

/// The same, after rendering: what a function's resources name of other resources is the function's.
#[test]
fn a_rendered_copy_names_its_own_resources() {
    let together = render_of(&GENERATED, &all());
    for function in ALL {
        let alone = render_of(&GENERATED, &stack_of(&[function]));
        for (id, resource) in &alone.resources {
            if id != "ScheduleRole" {
                assert_eq!(Some(resource), together.resources.get(id), "{id}");
            }
        }
        let all = json!(alone.resources).to_string();
        for other in ALL.iter().filter(|other| other.prefix != function.prefix) {
            for (_, value) in &other.parameters[..4] {
                let own = function.parameters.iter().any(|(_, own)| own.contains(value));
                assert!(own || !all.contains(&format!("\"{value}\"")), "{value}: {all}");
            }
        }
    }
}

/// deploy/template.yaml can be deployed without a bucket for templates. `deploy` sends longer ones through
/// one, of which CloudFormation reads a million bytes.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>
#[test]
fn the_template_fits_into_a_request() {
    let length = std::fs::read(deploy_template::functions()).unwrap().len();
    assert!(length < 51_000, "{length}");
    assert!((51_200..200_000).contains(&BUILT.len()), "{}", BUILT.len());
}

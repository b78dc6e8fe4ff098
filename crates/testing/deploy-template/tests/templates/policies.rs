//! Exactly what the roles may do.

use deploy_template::{ACCOUNT, STACK_NAME, physical_name};
use serde_json::{Value, json};

use crate::stack::{ALL, Function, GENERATED, all, arn, render_of, stack_of};

const PARTITIONS: [(&str, &str); 3] =
    [("aws", "eu-west-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")];

#[test]
fn a_function_may_log_in_as_one_user_to_one_database_and_run_in_lambda() {
    for (partition, region) in PARTITIONS {
        let mut stack = all();
        stack.partition = partition.to_owned();
        stack.region = region.to_owned();
        let rendered = render_of(&GENERATED, &stack);
        for Function { prefix: engine, name: folder, parameters, .. } in ALL {
            let user = format!("{}/{}", parameters[1].1, parameters[2].1);
            let arn = |rest: String| format!("arn:{partition}:{rest}");
            let queue = physical_name(&format!("{engine}FailedEvents"));
            let log_group = format!("log-group:/aws/lambda/{STACK_NAME}/{folder}:*");
            let expected = json!([
                {
                    "Effect": "Allow",
                    "Action": "rds-db:connect",
                    "Resource": [arn(format!("rds-db:{region}:{ACCOUNT}:dbuser:{user}"))],
                },
                {
                    "Effect": "Allow",
                    "Action": "sqs:SendMessage",
                    "Resource": arn(format!("sqs:{region}:{ACCOUNT}:{queue}")),
                },
                {
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "Resource": arn(format!("logs:{region}:{ACCOUNT}:{log_group}")),
                },
                {
                    "Effect": "Allow",
                    "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
                    "Resource": "*",
                },
                {
                    "Effect": "Allow",
                    // https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
                    "Action": [
                        "ec2:AssignPrivateIpAddresses",
                        "ec2:CreateNetworkInterface",
                        "ec2:DeleteNetworkInterface",
                        "ec2:DescribeNetworkInterfaces",
                        "ec2:DescribeSubnets",
                        "ec2:UnassignPrivateIpAddresses",
                    ],
                    "Resource": "*",
                },
                {
                    "Effect": "Deny",
                    "Action": "ec2:*",
                    "Resource": "*",
                    "Condition": {"Null": {"lambda:SourceFunctionArn": "false"}},
                },
            ]);
            let role = format!("{engine}FunctionRole");
            assert_eq!(rendered.policy(&role)["Statement"], expected, "{partition}");
            let trust = &rendered.properties(&role)["AssumeRolePolicyDocument"]["Statement"];
            assert_eq!(
                *trust,
                json!([{
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                }])
            );
        }
    }
    let rendered = render_of(&GENERATED, &all().with([("DeadLetterQueue", "false")]));
    for Function { prefix: engine, .. } in ALL {
        let policy = rendered.policy(&format!("{engine}FunctionRole")).to_string();
        assert!(!policy.contains("sqs:"), "{policy}");
    }
}

/// The two ids of a blue/green deployment.
#[test]
fn a_function_may_log_in_to_blue_and_to_green() {
    let (blue, green) = ("db-BLUEABCDEFGHIJKLMNOPQRSTUV", "db-GREENABCDEFGHIJKLMNOPQRSTU");
    let both = format!("{blue},{green}");
    for function in ALL {
        let stack = all().with([(&*format!("{}ResourceId", function.prefix), &*both)]);
        let rendered = render_of(&GENERATED, &stack);
        let id = format!("{}Function", function.prefix);
        let user = |resource: &str| {
            arn("rds-db", &format!("dbuser:{resource}/{}", function.parameters[2].1))
        };
        let connect = &rendered.policy(&format!("{id}Role"))["Statement"][0];
        assert_eq!(connect["Resource"], json!([user(blue), user(green)]), "{id}");
        let named = ("DB_RESOURCE_ID".to_owned(), both.clone());
        assert!(rendered.environment(&id).contains(&named), "{id}");
        for other in ALL.iter().filter(|other| other.prefix != function.prefix) {
            let policy = rendered.policy(&format!("{}FunctionRole", other.prefix)).to_string();
            assert!(!policy.contains(blue) && !policy.contains(green), "{policy}");
        }
    }
}

/// Outside a VPC there are no network interfaces.
#[test]
fn a_function_outside_a_vpc_has_no_rights_at_ec2() {
    let rendered =
        render_of(&GENERATED, &all().with([("SubnetIds", ""), ("SecurityGroupIds", "")]));
    for Function { prefix: engine, .. } in ALL {
        let statements = rendered.policy(&format!("{engine}FunctionRole"))["Statement"].clone();
        assert!(!statements.to_string().contains("ec2:"), "{statements}");
        assert_eq!(statements.as_array().unwrap().len(), 4, "{statements}");
        assert!(rendered.properties(&format!("{engine}Function")).get("VpcConfig").is_none());
    }
}

#[test]
fn the_scheduler_may_hand_events_to_functions_with_schedules_and_their_queues() {
    let function = |id: &str| arn("lambda", &format!("function:{}", physical_name(id)));
    let queue = |id: &str| arn("sqs", &physical_name(id));
    let rendered = render_of(&GENERATED, &all());
    // PostgresEu1 has no schedule.
    for (stack, names) in [
        (all(), &["MySql", "MySqlReports", "Postgres"][..]),
        (stack_of(&ALL[1..]), &["MySqlReports", "Postgres"]),
        (stack_of(&[ALL[2], ALL[3]]), &["MySqlReports"]),
    ] {
        let arns = |arn: &dyn Fn(&str) -> String, of: &str| {
            names.iter().map(|name| arn(&format!("{name}{of}"))).collect::<Vec<_>>()
        };
        assert_eq!(
            render_of(&GENERATED, &stack).policy("ScheduleRole")["Statement"],
            json!([
                {
                    "Effect": "Allow",
                    "Action": "lambda:InvokeFunction",
                    "Resource": arns(&function, "Function"),
                },
                {
                    "Effect": "Allow",
                    "Action": "sqs:SendMessage",
                    "Resource": arns(&queue, "FailedEvents"),
                },
            ])
        );
    }
    let trust = &rendered.properties("ScheduleRole")["AssumeRolePolicyDocument"]["Statement"];
    assert_eq!(
        *trust,
        json!([{
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "scheduler.amazonaws.com"},
            "Condition": {"StringEquals": {
                "aws:SourceAccount": ACCOUNT,
                "aws:SourceArn": arn("scheduler", &format!("schedule-group/{STACK_NAME}")),
            }},
        }])
    );
}

/// The tests above would miss another role, and a managed policy would allow what is not written here.
#[test]
fn there_are_no_other_roles_and_all_take_the_boundary() {
    let resources = GENERATED.translated["Resources"].as_object().unwrap();
    let of_iam = resources
        .iter()
        .filter(|(_, resource)| resource["Type"].as_str().unwrap().starts_with("AWS::IAM::"));
    let mut roles: Vec<_> = of_iam.map(|(id, _)| id.as_str()).collect();
    roles.sort_unstable();
    let mut expected: Vec<_> = ALL.map(|it| format!("{}FunctionRole", it.prefix)).into();
    expected.push("ScheduleRole".to_owned());
    expected.sort();
    assert_eq!(roles, expected);
    let boundary = "arn:aws:iam::123456789012:policy/rds-iam-lambda-boundary";
    let with = render_of(&GENERATED, &all().with([("PermissionsBoundary", boundary)]));
    let without = render_of(&GENERATED, &all());
    for role in roles {
        assert_eq!(with.properties(role)["PermissionsBoundary"], boundary, "{role}");
        assert!(without.properties(role).get("PermissionsBoundary").is_none(), "{role}");
        assert!(with.properties(role).get("ManagedPolicyArns").is_none(), "{role}");
    }
    let permissions = |kind: &str| resources.values().any(|resource| resource["Type"] == kind);
    assert!(!permissions("AWS::Lambda::Permission") && !permissions("AWS::SQS::QueuePolicy"));
    assert_eq!(Value::Null, GENERATED.translated["Transform"]);
}

/// Lambda's dead-letter queues put the error message into the message attributes, and error messages may
/// quote rows. A destination has the response in the body, as the caller does.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>
#[test]
fn no_function_has_a_dead_letter_queue_of_lambdas() {
    let rendered = render_of(&GENERATED, &all());
    for Function { prefix: engine, .. } in ALL {
        let function = rendered.properties(&format!("{engine}Function"));
        assert!(function.get("DeadLetterConfig").is_none(), "{engine}");
        let events = rendered.properties(&format!("{engine}Events"));
        let queue = arn("sqs", &physical_name(&format!("{engine}FailedEvents")));
        assert_eq!(events["DestinationConfig"], json!({"OnFailure": {"Destination": queue}}));
    }
    let source = GENERATED.source.to_string();
    let with = source.matches("DeadLetterConfig").count();
    let schedules: usize = ALL.iter().map(|function| function.schedules.len()).sum();
    assert_eq!(
        with, schedules,
        "only the schedules have one, which holds EventBridge Scheduler's own errors"
    );
}

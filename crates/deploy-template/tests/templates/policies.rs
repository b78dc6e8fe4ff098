//! What the roles may do, to the letter.

use deploy_template::{Template, functions};
use serde_json::{Value, json};

use crate::stack::{FUNCTIONS, both, render};

const PARTITIONS: [(&str, &str); 3] =
    [("aws", "eu-west-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")];

/// The managed policy for X-Ray in partitions other than `aws`.
pub(crate) const XRAY_ELSEWHERE: &str = "AWSXRayDaemonWriteAccess";

/// Both engines, with the resource that each policy names.
const ENGINES: [(&str, &str); 2] = [
    ("MySql", "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ/lambda-user"),
    ("Postgres", "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ/lambda_user"),
];

#[test]
fn a_function_may_log_in_as_one_user_to_one_database_and_keep_failed_events() {
    for (partition, region) in PARTITIONS {
        let mut stack = both();
        stack.partition = partition.to_owned();
        stack.region = region.to_owned();
        let rendered = render(&stack);
        for (engine, user) in ENGINES {
            let connect = json!({
                "Effect": "Allow",
                "Action": "rds-db:connect",
                "Resource": format!("arn:{partition}:rds-db:{region}:123456789012:dbuser:{user}"),
            });
            let send = json!({
                "Effect": "Allow",
                "Action": "sqs:SendMessage",
                "Resource": format!("arn:{partition}:sqs:{region}:123456789012:{engine}FailedEvents"),
            });
            let policy = rendered.policy(&format!("{engine}FunctionRole"));
            assert_eq!(policy["Statement"], json!([connect, send]));
        }
    }
    let rendered = render(&both().with([("DeadLetterQueue", "false")]));
    for (engine, _) in ENGINES {
        let policy = rendered.policy(&format!("{engine}FunctionRole"));
        assert_eq!(policy["Statement"].as_array().unwrap().len(), 1, "{policy}");
    }
}

#[test]
fn everything_else_is_three_managed_policies_of_the_partition() {
    for (partition, region) in PARTITIONS {
        let template = Template::read_in(&functions(), region);
        for (engine, _) in ENGINES {
            let role =
                &template.translated["Resources"][format!("{engine}FunctionRole")]["Properties"];
            // SAM's own choice, which differs.
            let xray = if partition == "aws" { "AWSXrayWriteOnlyAccess" } else { XRAY_ELSEWHERE };
            let managed = [
                "service-role/AWSLambdaBasicExecutionRole",
                xray,
                "service-role/AWSLambdaVPCAccessExecutionRole",
            ];
            let managed = managed.map(|name| format!("arn:{partition}:iam::aws:policy/{name}"));
            assert_eq!(role["ManagedPolicyArns"], json!(managed));
            let trust = &role["AssumeRolePolicyDocument"]["Statement"];
            assert_eq!(trust[0]["Principal"]["Service"], json!(["lambda.amazonaws.com"]));
            assert_eq!(trust.as_array().unwrap().len(), 1);
        }
    }
}

#[test]
fn the_scheduler_may_hand_events_to_these_functions_and_their_queues() {
    let arn = |service: &str, id: &str| format!("arn:aws:{service}:eu-west-1:123456789012:{id}");
    let rendered = render(&both());
    assert_eq!(
        rendered.policy("ScheduleRole")["Statement"],
        json!([
            {
                "Effect": "Allow",
                "Action": "lambda:InvokeFunction",
                "Resource": [arn("lambda", "MySqlFunction"), arn("lambda", "PostgresFunction")],
            },
            {
                "Effect": "Allow",
                "Action": "sqs:SendMessage",
                "Resource": [arn("sqs", "MySqlFailedEvents"), arn("sqs", "PostgresFailedEvents")],
            },
        ])
    );
    let trust = &rendered.properties("ScheduleRole")["AssumeRolePolicyDocument"]["Statement"];
    assert_eq!(
        *trust,
        json!([{
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "scheduler.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        }])
    );
}

/// A role that the tests above do not know would go unread.
#[test]
fn there_are_no_other_roles_and_no_wildcards() {
    let resources = FUNCTIONS.translated["Resources"].as_object().unwrap();
    let roles: Vec<_> = resources
        .iter()
        .filter(|(_, resource)| resource["Type"].as_str().unwrap().starts_with("AWS::IAM::"))
        .collect();
    let mut names: Vec<_> = roles.iter().map(|(id, _)| id.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["MySqlFunctionRole", "PostgresFunctionRole", "ScheduleRole"]);
    for (id, role) in roles {
        let policies = &role["Properties"]["Policies"];
        assert!(!policies.to_string().contains('*'), "{id}: {policies}");
    }
    let permissions = |kind: &str| resources.values().any(|resource| resource["Type"] == kind);
    assert!(!permissions("AWS::Lambda::Permission") && !permissions("AWS::SQS::QueuePolicy"));
    assert_eq!(Value::Null, FUNCTIONS.translated["Transform"]);
}

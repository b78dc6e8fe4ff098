//! The requests that a deployment makes, with the names of its resources.

use deploy_template::iam::Request;
use deploy_template::{ACCOUNT, Rendered, STACK_NAME, physical_name};

use crate::stack::{ALL, Function, arn};

/// A request of a principal of this account on a resource of this account.
pub(crate) fn request(action: &str, resource: &str) -> Request {
    Request::new(action, resource)
        .with("aws:PrincipalAccount", ACCOUNT)
        .with("aws:ResourceAccount", ACCOUNT)
}

/// The administrator's permissions boundary.
pub(crate) fn boundary() -> String {
    arn("iam", &format!("policy/{STACK_NAME}-boundary"))
}

/// A request about a role, with its present or future permissions boundary.
pub(crate) fn role_request(action: &str, role: &str, boundary: &str) -> Request {
    request(action, role).with("iam:PermissionsBoundary", boundary)
}

pub(crate) fn role(id: &str) -> String {
    arn("iam", &format!("role/{}", physical_name(id)))
}

pub(crate) fn function(id: &str) -> String {
    arn("lambda", &format!("function:{}", physical_name(id)))
}

pub(crate) fn stack() -> String {
    arn("cloudformation", &format!("stack/{STACK_NAME}/0c5f9ad0-1b1e-11f0-9cd2-0242ac120002"))
}

pub(crate) fn bucket() -> String {
    format!("arn:aws:s3:::rds-iam-lambda-{ACCOUNT}-eu-west-1")
}

fn object(kind: &str) -> String {
    format!("{}/{STACK_NAME}/{}.{kind}", bucket(), "0".repeat(64))
}

/// The function that a resource belongs to.
fn function_of(id: &str) -> Function {
    let of_id = ALL.into_iter().filter(|function| id.starts_with(function.prefix));
    of_id.max_by_key(|function| function.prefix.len()).unwrap()
}

fn log_group(id: &str) -> String {
    let name = function_of(id).name;
    arn("logs", &format!("log-group:/aws/lambda/{STACK_NAME}/{name}"))
}

/// Requests of `cargo xtask deploy`, `destroy` and `doctor`, and of CloudFormation before it handles
/// the resources.
pub(crate) fn of_the_programs() -> Vec<(String, Request)> {
    let transform = "arn:aws:cloudformation:eu-west-1:aws:transform/Serverless-2016-10-31";
    let policies = ["arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess", &boundary()];
    let auth_log = |database: &str| {
        arn("logs", &format!("log-group:/aws/rds/{database}/iam-db-auth-error:log-stream:"))
    };
    let mut all = Vec::new();
    let mut ask = |actions: &str, resources: &[&str]| {
        for action in actions.split_whitespace() {
            for resource in resources {
                let request = request(action, resource);
                all.push((format!("{action} on {resource}"), request));
            }
        }
    };
    ask(
        "rds:DescribeDBInstances rds:DescribeDBClusters rds:DescribeDBProxies \
         rds:DescribeDBProxyEndpoints rds:DescribeDBProxyTargets rds:DescribeBlueGreenDeployments \
         rds:DescribeDBSubnetGroups rds:DescribeDBParameters \
         rds:DescribeOrderableDBInstanceOptions ec2:DescribeSecurityGroupRules \
         lambda:GetAccountSettings cloudwatch:GetMetricData",
        &["*"],
    );
    ask("cloudformation:CreateChangeSet", &[&stack(), transform]);
    ask(
        "cloudformation:DescribeChangeSet cloudformation:ExecuteChangeSet \
         cloudformation:DeleteChangeSet cloudformation:DeleteStack \
         cloudformation:DescribeStacks cloudformation:DescribeStackEvents \
         cloudformation:ListStackResources cloudformation:GetTemplate",
        &[&stack()],
    );
    ask("s3:CreateBucket s3:ListBucket s3:PutBucketPolicy", &[&bucket()]);
    ask("s3:PutObject s3:GetObject", &[&object("zip"), &object("yaml")]);
    ask("lambda:GetLayerVersion", &[&arn("lambda", &format!("layer:{STACK_NAME}-rds-ca:1"))]);
    let functions = ALL.map(|it| function(&format!("{}Function", it.prefix)));
    let functions = functions.each_ref().map(String::as_str);
    ask("lambda:InvokeFunction lambda:GetFunctionConfiguration lambda:GetFunction", &functions);
    let roles = ALL.map(|it| role(&format!("{}FunctionRole", it.prefix)));
    let roles = roles.each_ref().map(String::as_str);
    ask(
        "iam:SimulatePrincipalPolicy iam:GetRole iam:ListRolePolicies iam:GetRolePolicy \
         iam:ListAttachedRolePolicies",
        &roles,
    );
    ask("iam:GetPolicy iam:GetPolicyVersion", &policies);
    ask("logs:FilterLogEvents", &[&auth_log("instance/mydb"), &auth_log("cluster/mypg")]);
    all
}

/// The request of CloudFormation, with the deployer's rights, for an action of a resource's handler.
pub(crate) fn of_a_handler(rendered: &Rendered, id: &str, action: &str) -> Vec<Request> {
    let function_id = || format!("{}Function", function_of(id).prefix);
    let resource = match (action, rendered.resources[id]["Type"].as_str().unwrap()) {
        ("iam:PassRole", kind) => {
            let (role_id, service) = match kind {
                "AWS::Lambda::Function" => (format!("{}Role", function_id()), "lambda"),
                _ => ("ScheduleRole".to_owned(), "scheduler"),
            };
            let service = format!("{service}.amazonaws.com");
            return vec![request(action, &role(&role_id)).with("iam:PassedToService", &service)];
        }
        ("s3:GetObject", _) => object("zip"),
        // Actions without resources, and the one that covers all alarms.
        (
            "logs:DescribeLogGroups"
            | "logs:DescribeIndexPolicies"
            | "logs:DescribeResourcePolicies",
            _,
        ) => "*".to_owned(),
        ("cloudwatch:DescribeAlarms", _) => arn("cloudwatch", "alarm:*"),
        (_, _) if action.starts_with("ec2:Describe") => "*".to_owned(),
        ("lambda:GetLayerVersion" | "lambda:DeleteLayerVersion", _) => {
            arn("lambda", &format!("layer:{STACK_NAME}-rds-ca:1"))
        }
        ("lambda:PublishLayerVersion", _) => arn("lambda", &format!("layer:{STACK_NAME}-rds-ca")),
        (_, "AWS::Lambda::Function" | "AWS::Lambda::EventInvokeConfig") => function(&function_id()),
        (_, "AWS::IAM::Role") => {
            return vec![role_request(action, &role(id), &boundary())];
        }
        (_, "AWS::Logs::LogGroup" | "AWS::Logs::MetricFilter") => {
            // Tagging uses a log group's ARN without the asterisk, all other actions with it.
            return vec![
                request(action, &log_group(id)),
                request(action, &format!("{}:*", log_group(id))),
            ];
        }
        (_, "AWS::SQS::Queue") => arn("sqs", &physical_name(id)),
        (_, "AWS::CloudWatch::Alarm") => {
            let alarm = arn("cloudwatch", &format!("alarm:{}", physical_name(id)));
            let topic = arn("sns", "on-call");
            let plain = request(action, &alarm);
            return vec![plain.clone().with("cloudwatch:AlarmActions", &topic), plain];
        }
        (_, "AWS::CloudWatch::Dashboard") => {
            format!("arn:aws:cloudwatch::{ACCOUNT}:dashboard/{STACK_NAME}_eu-west-1")
        }
        (_, "AWS::Scheduler::ScheduleGroup") => {
            arn("scheduler", &format!("schedule-group/{STACK_NAME}"))
        }
        (_, "AWS::Scheduler::Schedule") => {
            arn("scheduler", &format!("schedule/{STACK_NAME}/{}", physical_name(id)))
        }
        (_, kind) => panic!("what does {action} of {kind} ask for?"),
    };
    vec![request(action, &resource)]
}

//! What stolen credentials of a function or of the scheduler allow.
//!
//! Every request with a function's credentials carries the function's ARN, even from elsewhere:
//! <https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html>.

use deploy_template::iam::{Decision, Policy, Request};
use deploy_template::{ACCOUNT, STACK_NAME, Stack, physical_name};

use crate::calls::{self, request};
use crate::deployer::{BOUNDARY, document};
use crate::stack::{GENERATED, MYSQL, REPORTS, all, arn, render_of};

/// A role of the stack, alone and within the boundary.
struct Role {
    own: Policy,
    boundary: Policy,
}

impl Role {
    fn of(id: &str) -> Self {
        Self::in_stack(&all(), id)
    }

    fn in_stack(stack: &Stack, id: &str) -> Self {
        let own = Policy::parse(&render_of(&GENERATED, stack).policy(id)).unwrap();
        Self { own, boundary: Policy::parse(&document(BOUNDARY)).unwrap() }
    }

    #[track_caller]
    fn may(&self, request: &Request) {
        assert_eq!(self.own.decide(request), Decision::Allowed, "{request:?}");
        let within = self.own.decide_within(&self.boundary, request);
        assert_eq!(within, Decision::Allowed, "within the boundary: {request:?}");
    }

    #[track_caller]
    fn may_not(&self, request: &Request) {
        assert_ne!(self.own.decide(request), Decision::Allowed, "{request:?}");
        let within = self.own.decide_within(&self.boundary, request);
        assert_ne!(within, Decision::Allowed, "within the boundary: {request:?}");
    }
}

/// A request with the credentials of the MySQL function.
fn from_code(action: &str, resource: &str) -> Request {
    let function = calls::function("MySqlFunction");
    request(action, resource).with("lambda:SourceFunctionArn", &function)
}

fn user(resource_id: &str, user: &str) -> String {
    arn("rds-db", &format!("dbuser:{resource_id}/{user}"))
}

fn own_logs() -> String {
    arn("logs", &format!("log-group:/aws/lambda/{STACK_NAME}/mysql-function:log-stream:2026/1"))
}

const RESOURCE_ID: &str = MYSQL[1].1;
const USER: &str = MYSQL[2].1;

/// A role without any rights would pass the tests below.
#[test]
fn a_function_runs() {
    let role = Role::of("MySqlFunctionRole");
    role.may(&from_code("rds-db:connect", &user(RESOURCE_ID, USER)));
    // Lambda's own calls: those for logs and traces carry the function's ARN, others do not.
    for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
        role.may(&from_code(action, &own_logs()));
    }
    for action in ["xray:PutTraceSegments", "xray:PutTelemetryRecords"] {
        role.may(&from_code(action, "*"));
    }
    role.may(&request("sqs:SendMessage", &arn("sqs", &physical_name("MySqlFailedEvents"))));
    for action in [
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
    ] {
        role.may(&request(action, "*"));
        role.may_not(&from_code(action, "*"));
    }
}

#[test]
fn a_functions_credentials_open_one_database_as_one_user() {
    let role = Role::of("MySqlFunctionRole");
    for (id, name) in [
        (RESOURCE_ID, "admin"),
        (RESOURCE_ID, "lambda-user2"),
        (RESOURCE_ID, "LAMBDA-USER"),
        ("db-OTHERABCDEFGHIJKLMNOPQRSTU", USER),
        ("cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ", "lambda_user"),
        (REPORTS[1].1, REPORTS[2].1),
        ("prx-0123456789abcdef0", USER),
    ] {
        role.may_not(&from_code("rds-db:connect", &user(id, name)));
    }
    let elsewhere = user(RESOURCE_ID, USER);
    role.may_not(&from_code("rds-db:connect", &elsewhere.replace("eu-west-1", "us-east-1")));
    role.may_not(&from_code("rds-db:connect", &elsewhere.replace(ACCOUNT, "210987654321")));
}

/// During a Blue/Green deployment.
#[test]
fn a_functions_credentials_open_blue_and_green_as_one_user() {
    let (blue, green) = ("db-BLUEABCDEFGHIJKLMNOPQRSTUV", "db-GREENABCDEFGHIJKLMNOPQRSTU");
    let both = format!("{blue},{green}");
    let role = Role::in_stack(&all().with([("MySqlResourceId", &*both)]), "MySqlFunctionRole");
    for id in [blue, green] {
        role.may(&from_code("rds-db:connect", &user(id, USER)));
        role.may_not(&from_code("rds-db:connect", &user(id, "admin")));
    }
    for id in [RESOURCE_ID, REPORTS[1].1, &both, "db-BLUEABCDEFGHIJKLMNOPQRSTUVW"] {
        role.may_not(&from_code("rds-db:connect", &user(id, USER)));
    }
}

/// Neither Lambda nor the code makes network interfaces.
#[test]
fn a_function_outside_a_vpc_runs_without_ec2() {
    let outside = all().with([("SubnetIds", ""), ("SecurityGroupIds", "")]);
    let role = Role::in_stack(&outside, "MySqlFunctionRole");
    role.may(&from_code("rds-db:connect", &user(RESOURCE_ID, USER)));
    role.may(&from_code("logs:PutLogEvents", &own_logs()));
    role.may(&from_code("xray:PutTraceSegments", "*"));
    role.may(&request("sqs:SendMessage", &arn("sqs", &physical_name("MySqlFailedEvents"))));
    for action in ["ec2:CreateNetworkInterface", "ec2:DescribeSubnets", "ec2:RunInstances"] {
        role.may_not(&request(action, "*"));
        role.may_not(&from_code(action, "*"));
    }
}

#[test]
fn a_functions_credentials_do_nothing_else() {
    let role = Role::of("MySqlFunctionRole");
    let none = |actions: &str, resource: &str| {
        for action in actions.split_whitespace() {
            role.may_not(&from_code(action, resource));
            role.may_not(&request(action, resource));
        }
    };
    for group in [
        "/aws/lambda/payroll",
        "/aws/lambda/rds-iam-lambda/postgres-function",
        "/aws/lambda/rds-iam-lambda/mysql-function-reports",
        "/aws/rds/x/error",
    ] {
        let stream = arn("logs", &format!("log-group:{group}:log-stream:1"));
        none("logs:PutLogEvents logs:CreateLogStream", &stream);
    }
    none("logs:CreateLogGroup", &arn("logs", "log-group:/aws/lambda/other"));
    none("logs:GetLogEvents logs:FilterLogEvents logs:DeleteLogStream", &own_logs());
    none(
        "xray:GetTraceSummaries xray:BatchGetTraces xray:GetServiceGraph xray:GetSamplingRules \
         xray:PutEncryptionConfig",
        "*",
    );
    let of_reports = physical_name("MySqlReportsFailedEvents");
    for queue in [physical_name("PostgresFailedEvents"), of_reports, "payroll".to_owned()] {
        none("sqs:SendMessage", &arn("sqs", &queue));
    }
    let own_queue = arn("sqs", &physical_name("MySqlFailedEvents"));
    none("sqs:ReceiveMessage sqs:DeleteMessage sqs:PurgeQueue sqs:GetQueueAttributes", &own_queue);
    for function in [calls::function("MySqlFunction"), arn("lambda", "function:payroll")] {
        none(
            "lambda:InvokeFunction lambda:GetFunction lambda:UpdateFunctionCode \
             lambda:UpdateFunctionConfiguration",
            &function,
        );
    }
    for role in [calls::role("MySqlFunctionRole"), arn("iam", "role/admin")] {
        none("sts:AssumeRole iam:PassRole iam:PutRolePolicy iam:GetRole iam:CreateRole", &role);
    }
    none("secretsmanager:GetSecretValue", &arn("secretsmanager", "secret:rds!db-1"));
    none("ssm:GetParameter", &arn("ssm", "parameter/password"));
    none("kms:Decrypt", &arn("kms", "key/1"));
    none("rds:DescribeDBInstances rds:ModifyDBInstance rds:CreateDBSnapshot", "*");
    none("s3:GetObject s3:ListBucket s3:PutObject", &format!("{}/x", calls::bucket()));
    none("dynamodb:Scan sns:Publish events:PutEvents", "*");
    none(
        "ec2:AttachNetworkInterface ec2:ModifyNetworkInterfaceAttribute ec2:RunInstances \
         ec2:AuthorizeSecurityGroupIngress ec2:CreateNetworkInterfacePermission",
        "*",
    );
    for interfaces in ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"] {
        role.may_not(&from_code(interfaces, "*"));
    }
}

/// The most that a role of the stack can do, whatever policy a deployer gives it.
#[test]
fn the_boundary_holds_whatever_a_role_is_given() {
    let boundary = Policy::parse(&document(BOUNDARY)).unwrap();
    for (actions, resource) in [
        (
            "iam:CreateRole iam:PutRolePolicy iam:CreateUser sts:AssumeRole iam:PassRole",
            "role/admin",
        ),
        ("secretsmanager:GetSecretValue s3:GetObject s3:ListAllMyBuckets kms:Decrypt", "x"),
        ("rds:ModifyDBInstance rds:DeleteDBInstance ec2:RunInstances ssm:GetParameter", "x"),
        ("lambda:UpdateFunctionCode lambda:AddPermission cloudformation:CreateStack", "x"),
        ("lambda:InvokeFunction", "function:payroll"),
        ("sqs:SendMessage", "payroll"),
        ("logs:PutLogEvents logs:FilterLogEvents", "log-group:/aws/lambda/payroll:log-stream:1"),
    ] {
        for action in actions.split_whitespace() {
            let service = action.split(':').next().unwrap();
            let decision = boundary.decide(&from_code(action, &arn(service, resource)));
            assert_ne!(decision, Decision::Allowed, "{action} on {resource}");
        }
    }
    let interfaces = from_code("ec2:CreateNetworkInterface", "*");
    assert_eq!(boundary.decide(&interfaces), Decision::Denied);
}

#[test]
fn the_scheduler_hands_over_and_does_nothing_else() {
    let role = Role::of("ScheduleRole");
    for engine in ["MySql", "Postgres", "MySqlReports"] {
        let function = calls::function(&format!("{engine}Function"));
        role.may(&request("lambda:InvokeFunction", &function));
        let queue = arn("sqs", &physical_name(&format!("{engine}FailedEvents")));
        role.may(&request("sqs:SendMessage", &queue));
        for action in ["lambda:UpdateFunctionCode", "lambda:GetFunction", "lambda:InvokeAsync"] {
            role.may_not(&request(action, &function));
        }
        role.may_not(&request("sqs:ReceiveMessage", &queue));
    }
    for (action, resource) in [
        ("lambda:InvokeFunction", arn("lambda", "function:payroll")),
        ("lambda:InvokeFunction", calls::function("PostgresEu1Function")),
        ("sqs:SendMessage", arn("sqs", &physical_name("PostgresEu1FailedEvents"))),
        ("lambda:InvokeFunction", arn("lambda", "function:rds-iam-lambda-MySqlFunction-Other")),
        ("sqs:SendMessage", arn("sqs", "payroll")),
        ("rds-db:connect", user(RESOURCE_ID, USER)),
        ("logs:PutLogEvents", own_logs()),
        ("iam:PassRole", calls::role("MySqlFunctionRole")),
        ("sts:AssumeRole", arn("iam", "role/admin")),
        ("ec2:CreateNetworkInterface", "*".to_owned()),
        ("ecs:RunTask", "*".to_owned()),
    ] {
        role.may_not(&request(action, &resource));
    }
}

/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html>
#[test]
fn the_schedulers_role_is_for_the_stacks_own_schedules() {
    let rendered = render_of(&GENERATED, &all());
    let document = |id: &str| rendered.properties(id)["AssumeRolePolicyDocument"].clone();
    let trust = Policy::parse(&document("ScheduleRole")).unwrap();
    let assume = |account: &str, group: &str| {
        Request::new("sts:AssumeRole", &calls::role("ScheduleRole"))
            .with("aws:SourceAccount", account)
            .with("aws:SourceArn", &format!("arn:aws:scheduler:eu-west-1:{account}:{group}"))
    };
    let own = assume(ACCOUNT, "schedule-group/rds-iam-lambda");
    assert_eq!(trust.trusts("scheduler.amazonaws.com", &own), Decision::Allowed);
    for (service, request) in [
        ("scheduler.amazonaws.com", assume(ACCOUNT, "schedule-group/default")),
        ("scheduler.amazonaws.com", assume(ACCOUNT, "schedule-group/rds-iam-lambda-prod")),
        ("scheduler.amazonaws.com", assume("210987654321", "schedule-group/rds-iam-lambda")),
        ("scheduler.amazonaws.com", Request::new("sts:AssumeRole", "")),
        ("lambda.amazonaws.com", own.clone()),
        ("events.amazonaws.com", own.clone()),
    ] {
        assert_ne!(trust.trusts(service, &request), Decision::Allowed, "{service}: {request:?}");
    }
    let trust = Policy::parse(&document("MySqlFunctionRole")).unwrap();
    assert_ne!(trust.trusts("scheduler.amazonaws.com", &own), Decision::Allowed);
}

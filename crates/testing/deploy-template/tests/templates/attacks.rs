//! What a deployer might try beyond a deployment: everything is denied.
//!
//! A deployer may create the stack's own roles, within the administrator's permissions boundary, and may
//! put any code into its functions. So the boundary also limits the deployer.

use deploy_template::iam::{Decision, Policy, Request};
use deploy_template::{ACCOUNT, STACK_NAME, physical_name};

use crate::calls::{self, request, role_request};
use crate::deployer::{POLICY, document};
use crate::stack::arn;

const OTHER_BUCKET: &str = "arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-abc";

#[track_caller]
fn denied(requests: impl IntoIterator<Item = Request>) {
    let policy = Policy::parse(&document(POLICY)).unwrap();
    for request in requests {
        assert_ne!(policy.decide(&request), Decision::Allowed, "{request:?}");
    }
}

/// Several actions on one resource.
fn each(actions: &str, resource: &str) -> Vec<Request> {
    actions.split_whitespace().map(|action| request(action, resource)).collect()
}

#[test]
fn no_role_is_made_or_changed_without_the_boundary() {
    let own = calls::role("MySqlFunctionRole");
    let role_actions = "iam:CreateRole iam:PutRolePolicy iam:UpdateAssumeRolePolicy \
                        iam:DeleteRolePolicy iam:DeleteRole";
    // Calls that would create an administrator: a role without the boundary.
    denied(each(role_actions, &own));
    for other in [
        "arn:aws:iam::aws:policy/AdministratorAccess".to_owned(),
        arn("iam", "policy/other-boundary"),
        arn("iam", &format!("policy/{STACK_NAME}-boundary2")),
        calls::boundary().replace(ACCOUNT, "210987654321"),
    ] {
        denied(role_actions.split_whitespace().map(|it| role_request(it, &own, &other)));
    }
    // Other roles, with and without it.
    for other in [
        "role/admin",
        "role/rds-iam-lambda-prod-MySqlFunctionRole-1",
        "role/rds-iam-lambda-MySqlAdmin-1",
        "role/rds-iam-lambda-Other-MySqlFunctionRole-1",
        "user/somebody",
    ] {
        let other = arn("iam", other);
        denied(each(role_actions, &other));
        denied(
            role_actions.split_whitespace().map(|it| role_request(it, &other, &calls::boundary())),
        );
    }
}

#[test]
fn the_boundary_stays_as_the_administrator_made_it() {
    let boundary = calls::boundary();
    let own = calls::role("ScheduleRole");
    for action in ["iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"] {
        denied([request(action, &own), role_request(action, &own, &boundary)]);
    }
    denied(each(
        "iam:CreatePolicy iam:CreatePolicyVersion iam:SetDefaultPolicyVersion iam:DeletePolicy \
         iam:DeletePolicyVersion iam:TagPolicy",
        &boundary,
    ));
}

#[test]
fn nobody_becomes_an_administrator_by_another_way_of_iam() {
    let own = calls::role("PostgresFunctionRole");
    let administrator = "arn:aws:iam::aws:policy/AdministratorAccess";
    denied([
        role_request("iam:AttachRolePolicy", &own, &calls::boundary())
            .with("iam:PolicyARN", administrator),
        request("iam:AttachRolePolicy", &own).with("iam:PolicyARN", administrator),
    ]);
    for other in ["role/admin", "role/aws-service-role/x/y", "role/rds-iam-lambda-Other-1"] {
        let pass = request("iam:PassRole", &arn("iam", other));
        denied([
            pass.clone().with("iam:PassedToService", "lambda.amazonaws.com"),
            pass.with("iam:PassedToService", "scheduler.amazonaws.com"),
        ]);
    }
    for service in ["cloudformation.amazonaws.com", "ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]
    {
        denied([request("iam:PassRole", &own).with("iam:PassedToService", service)]);
    }
    let user = arn("iam", "user/deployer");
    denied(each(
        "iam:AttachUserPolicy iam:PutUserPolicy iam:CreateAccessKey iam:AddUserToGroup \
         iam:CreateLoginProfile iam:DeleteUserPermissionsBoundary iam:CreateUser",
        &user,
    ));
    denied(each("sts:AssumeRole iam:CreateServiceLinkedRole", &own));
    denied(each("sts:AssumeRole", &arn("iam", "role/OrganizationAccountAccessRole")));
}

#[test]
fn others_stacks_stay_as_they_are() {
    let changes = "cloudformation:CreateChangeSet cloudformation:ExecuteChangeSet \
                   cloudformation:DeleteChangeSet cloudformation:DeleteStack \
                   cloudformation:UpdateStack cloudformation:CreateStack \
                   cloudformation:RollbackStack cloudformation:GetTemplate \
                   cloudformation:DescribeStacks cloudformation:SetStackPolicy \
                   cloudformation:ListStackResources cloudformation:GetTemplateSummary";
    for other in
        ["stack/payroll/1", "stack/rds-iam-lambda-prod/1", "stack/aws-sam-cli-managed-default/1"]
    {
        denied(each(changes, &arn("cloudformation", other)));
    }
    // A service role could do what the deployer may not.
    let admin = arn("iam", "role/cloudformation-admin");
    for action in ["CreateChangeSet", "DeleteStack", "RollbackStack", "UpdateStack", "CreateStack"]
    {
        let request = request(&format!("cloudformation:{action}"), &calls::stack());
        denied([request.with("cloudformation:RoleArn", &admin)]);
    }
    denied(each(
        "cloudformation:CreateStackSet cloudformation:RegisterType cloudformation:ActivateType",
        "*",
    ));
    denied(each("cloudformation:CreateChangeSet", &arn("cloudformation", "transform/Own")));
}

#[test]
fn others_functions_and_layers_are_out_of_reach() {
    for other in [
        "payroll",
        "rds-iam-lambda-prod-MySqlFunction-1",
        "rds-iam-lambda-MySqlAdmin-1",
        "x-rds-iam-lambda-MySqlFunction-1",
        "orders-MySqlFunction-1",
    ] {
        denied(each(
            "lambda:UpdateFunctionCode lambda:InvokeFunction lambda:UpdateFunctionConfiguration \
             lambda:GetFunction lambda:DeleteFunction lambda:GetFunctionConfiguration \
             lambda:CreateFunction lambda:PutFunctionConcurrency",
            &arn("lambda", &format!("function:{other}")),
        ));
    }
    // The stack's own may not be opened to others.
    denied(each(
        "lambda:AddPermission lambda:CreateFunctionUrlConfig lambda:CreateEventSourceMapping \
         lambda:PutFunctionEventInvokeConfigs lambda:UpdateFunctionUrlConfig",
        &calls::function("MySqlFunction"),
    ));
    for other in ["layer:shared", "layer:RdsCaLayer", "layer:rds-iam-lambda-prod-rds-ca"] {
        denied(each("lambda:PublishLayerVersion", &arn("lambda", other)));
        let version = arn("lambda", &format!("{other}:1"));
        denied(each("lambda:DeleteLayerVersion lambda:GetLayerVersion", &version));
    }
    let own = arn("lambda", &format!("layer:{STACK_NAME}-rds-ca:1"));
    denied(each("lambda:AddLayerVersionPermission", &own));
}

#[test]
fn others_queues_schedules_alarms_and_logs_are_out_of_reach() {
    for other in ["payroll", "rds-iam-lambda-prod-MySqlFailedEvents-1"] {
        denied(each("sqs:SetQueueAttributes sqs:DeleteQueue sqs:CreateQueue", &arn("sqs", other)));
    }
    let own_queue = arn("sqs", &physical_name("MySqlFailedEvents"));
    denied(each("sqs:ReceiveMessage sqs:SendMessage sqs:PurgeQueue", &own_queue));
    for other in ["schedule/default/nightly", "schedule/rds-iam-lambda-prod/x"] {
        denied(each(
            "scheduler:CreateSchedule scheduler:UpdateSchedule scheduler:DeleteSchedule \
             scheduler:GetSchedule",
            &arn("scheduler", other),
        ));
    }
    for other in ["schedule-group/default", "schedule-group/rds-iam-lambda-prod"] {
        denied(each("scheduler:DeleteScheduleGroup", &arn("scheduler", other)));
    }
    for other in ["alarm:payroll", "alarm:rds-iam-lambda-prod-MySqlErrors-1", "alarm:*"] {
        denied(each(
            "cloudwatch:PutMetricAlarm cloudwatch:DeleteAlarms",
            &arn("cloudwatch", other),
        ));
    }
    // An alarm that stops machines or runs something instead of notifying a person.
    let own_alarm = arn("cloudwatch", &format!("alarm:{}", physical_name("MySqlErrors")));
    for action in [
        "arn:aws:automate:eu-west-1:ec2:terminate".to_owned(),
        "arn:aws:swf:eu-west-1:123456789012:action/actions/AWS_EC2.InstanceId.Stop/1.0".to_owned(),
        arn("lambda", "function:payroll"),
        arn("ssm", "opsitem:1"),
    ] {
        let put = request("cloudwatch:PutMetricAlarm", &own_alarm);
        let topic = arn("sns", "on-call");
        denied([
            put.clone().with("cloudwatch:AlarmActions", &action),
            put.with("cloudwatch:AlarmActions", &topic).with("cloudwatch:AlarmActions", &action),
        ]);
    }
    for other in ["payroll", "rds-iam-lambda", "rds-iam-lambda-prod_eu-west-1"] {
        denied(each(
            "cloudwatch:PutDashboard cloudwatch:DeleteDashboards cloudwatch:GetDashboard",
            &format!("arn:aws:cloudwatch::{ACCOUNT}:dashboard/{other}"),
        ));
    }
    for other in [
        "/aws/lambda/payroll",
        "/aws/lambda/rds-iam-lambda-prod/mysql-function",
        "/aws/rds/x",
        "audit",
    ] {
        denied(each(
            "logs:DeleteLogGroup logs:CreateLogGroup logs:PutRetentionPolicy logs:PutMetricFilter",
            &arn("logs", &format!("log-group:{other}:*")),
        ));
    }
    // A function's events may contain rows and parameters, which a deployer may not read.
    let own_logs = arn("logs", &format!("log-group:/aws/lambda/{STACK_NAME}/mysql-function:*"));
    denied(each(
        "logs:FilterLogEvents logs:GetLogEvents logs:StartQuery logs:PutSubscriptionFilter \
         logs:CreateExportTask logs:PutResourcePolicy",
        &own_logs,
    ));
}

#[test]
fn of_rdss_logs_only_the_one_about_tokens_is_read() {
    for other in [
        "instance/mydb/error",
        "instance/mydb/audit",
        "instance/mydb/slowquery",
        "instance/mydb/postgresql",
        "cluster/mypg/postgresql",
        "proxy/myproxy",
        "instance/mydb/iam-db-auth-error-2",
    ] {
        let group = arn("logs", &format!("log-group:/aws/rds/{other}:log-stream:"));
        denied(each("logs:FilterLogEvents logs:GetLogEvents", &group));
    }
    let auth = arn("logs", "log-group:/aws/rds/instance/mydb/iam-db-auth-error:log-stream:");
    denied(each("logs:DeleteLogGroup logs:PutRetentionPolicy logs:PutMetricFilter", &auth));
}

#[test]
fn others_buckets_are_out_of_reach() {
    let actions = "s3:CreateBucket s3:PutObject s3:GetObject s3:ListBucket s3:PutBucketPolicy";
    for other in [
        OTHER_BUCKET.to_owned(),
        "arn:aws:s3:::payroll".to_owned(),
        calls::bucket().replace(ACCOUNT, "210987654321"),
    ] {
        denied(each(actions, &other));
        denied(each(actions, &format!("{other}/rds-iam-lambda/0.zip")));
    }
    // Another account has created a bucket with our name first: our zips are not uploaded there.
    let squatted = |action: &str| {
        Request::new(action, &format!("{}/rds-iam-lambda/0.zip", calls::bucket()))
            .with("aws:PrincipalAccount", ACCOUNT)
            .with("aws:ResourceAccount", "210987654321")
    };
    denied(["s3:PutObject", "s3:GetObject"].map(squatted));
    // Another stack's zips are off limits.
    denied(each("s3:PutObject s3:GetObject", &format!("{}/payroll/0.zip", calls::bucket())));
    denied(each(
        "s3:DeleteObject s3:DeleteBucket s3:PutBucketPublicAccessBlock s3:PutBucketAcl",
        &calls::bucket(),
    ));
}

#[test]
fn databases_and_secrets_are_not_a_deployers() {
    let database = arn("rds", "db:mydb");
    denied(each(
        "rds:ModifyDBInstance rds:DeleteDBInstance rds:CreateDBSnapshot rds:ModifyDBCluster \
         rds:DownloadDBLogFilePortion rds:AddRoleToDBInstance",
        &database,
    ));
    let user = arn("rds-db", "dbuser:db-ABCDEFGHIJKLMNOPQRSTUVWXYZ/lambda-user");
    denied(each("rds-db:connect", &user));
    denied(each("secretsmanager:GetSecretValue", &arn("secretsmanager", "secret:rds!db-1")));
    denied(each("ssm:GetParameter ssm:GetParameters", &arn("ssm", "parameter/password")));
    denied(each("kms:Decrypt", &arn("kms", "key/1")));
    denied(each(
        "ec2:AuthorizeSecurityGroupIngress ec2:CreateNetworkInterface ec2:RunInstances",
        "*",
    ));
}

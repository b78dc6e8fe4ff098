//! The stacks that the tests render.

use deploy_template::{ACCOUNT, Rendered, Stack, Template, functions};
use std::sync::LazyLock;

/// The functions' template, translated once.
pub(crate) static FUNCTIONS: LazyLock<Template> = LazyLock::new(|| Template::read(&functions()));

pub(crate) const MYSQL: [(&str, &str); 5] = [
    ("MySqlEndpoint", "mydb.abc123def456.eu-west-1.rds.amazonaws.com"),
    ("MySqlResourceId", "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("MySqlUser", "lambda-user"),
    ("MySqlDatabase", "app"),
    ("MySqlDbIdentifier", "mydb"),
];

pub(crate) const POSTGRES: [(&str, &str); 5] = [
    ("PostgresEndpoint", "mypg.cluster-abc123def456.eu-west-1.rds.amazonaws.com"),
    ("PostgresResourceId", "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("PostgresUser", "lambda_user"),
    ("PostgresDatabase", "app"),
    ("PostgresDbIdentifier", "mypg"),
];

pub(crate) const SUBNETS: &str = "subnet-0123456789abcdef0,subnet-0123456789abcdef1";
pub(crate) const SECURITY_GROUP: &str = "sg-0123456789abcdef0";

/// A stack with only the parameters that have no default.
pub(crate) fn bare() -> Stack {
    Stack::new("aws", "eu-west-1")
        .with([("SubnetIds", SUBNETS), ("SecurityGroupIds", SECURITY_GROUP)])
}

/// A stack with both functions.
pub(crate) fn both() -> Stack {
    bare().with(MYSQL).with(POSTGRES)
}

/// An ARN in the stack's account, in its region or, for IAM, in none.
pub(crate) fn arn(service: &str, resource: &str) -> String {
    let region = if service == "iam" { "" } else { "eu-west-1" };
    format!("arn:aws:{service}:{region}:{ACCOUNT}:{resource}")
}

/// Renders a stack that the functions' template accepts.
pub(crate) fn render(stack: &Stack) -> Rendered {
    FUNCTIONS.render(stack).unwrap_or_else(|refusals| panic!("{refusals:#?}"))
}

/// The errors for a stack that the template refuses.
pub(crate) fn refusals(stack: &Stack) -> Vec<String> {
    match FUNCTIONS.render(stack) {
        Ok(_) => vec![],
        Err(refusals) => refusals,
    }
}

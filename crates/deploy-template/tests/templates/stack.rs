//! The stacks that the tests render.

use deploy_template::{Rendered, Stack, Template, functions};
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

/// A stack with nothing but what has no default.
pub(crate) fn bare() -> Stack {
    Stack::new("aws", "eu-west-1")
        .with([("SubnetIds", "subnet-1,subnet-2"), ("SecurityGroupIds", "sg-1")])
}

/// A stack with both functions.
pub(crate) fn both() -> Stack {
    bare().with(MYSQL).with(POSTGRES)
}

/// What the functions' template makes of a stack that it takes.
pub(crate) fn render(stack: &Stack) -> Rendered {
    FUNCTIONS.render(stack).unwrap_or_else(|refusals| panic!("{refusals:#?}"))
}

/// What it says about a stack that it refuses.
pub(crate) fn refusals(stack: &Stack) -> Vec<String> {
    match FUNCTIONS.render(stack) {
        Ok(_) => vec![],
        Err(refusals) => refusals,
    }
}

//! The stacks that the tests render.

use deploy_template::{ACCOUNT, Rendered, Stack, Template, functions};
use std::fs;
use std::sync::LazyLock;
use tempfile::TempDir;

/// The functions' template, translated once.
pub(crate) static FUNCTIONS: LazyLock<Template> = LazyLock::new(|| Template::read(&functions()));

/// Statements of two functions of each engine, with every kind of schedule.
const STATEMENTS: [(&str, &str); 5] = [
    ("mysql/items.sql", "SELECT * FROM items"),
    (
        "mysql/purge-items.sql",
        "-- Removes \"old\" items: für 'alle' ${AWS::Region} {{resolve:ssm:x}} # \\ \n-- mode: write\n\
         -- schedule: cron(0 4 * * ? *) Europe/Berlin\n-- params: [30]\n-- schedule: rate(1 hour)\n\
         -- params: [\"it's ${AWS::Region} ${MySqlUser} {{resolve:ssm:x}} {{{ <ü😀> \\\\ \\\" \\u0041\"]\n\
         DELETE FROM items WHERE name = ?",
    ),
    ("mysql-reports/purge-items.sql", "-- schedule: rate(1 day)\nSELECT 1"),
    ("postgres/purge-items.sql", "-- schedule: at(2030-01-31T12:00:00)\nSELECT 1"),
    ("postgres-eu-1/items.sql", "SELECT 1"),
];

/// The template that is built from these statements, as text.
pub(crate) static BUILT: LazyLock<String> = LazyLock::new(|| built(&STATEMENTS));

/// The same, translated once.
pub(crate) static GENERATED: LazyLock<Template> = LazyLock::new(|| Template::of_text(&BUILT));

/// The template that is built from these statements.
pub(crate) fn built(statements: &[(&str, &str)]) -> String {
    let folder = TempDir::new().unwrap();
    for (file, sql) in statements {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, sql).unwrap();
    }
    packaging::template(&packaging::functions(folder.path()).unwrap()).unwrap()
}

/// A function of a template.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function {
    /// What its names in the template start with.
    pub(crate) prefix: &'static str,
    /// Its name in paths and log groups.
    pub(crate) name: &'static str,
    /// The parameters of the function in [`all`].
    pub(crate) parameters: [(&'static str, &'static str); 5],
    /// Its schedules in [`GENERATED`].
    pub(crate) schedules: &'static [&'static str],
}

/// The functions of [`GENERATED`]. The first two are those of deploy/template.yaml.
pub(crate) const ALL: [Function; 4] = [
    Function {
        prefix: "MySql",
        name: "mysql-function",
        parameters: MYSQL,
        schedules: &["MySqlSchedulePurgeItems1", "MySqlSchedulePurgeItems2"],
    },
    Function {
        prefix: "Postgres",
        name: "postgres-function",
        parameters: POSTGRES,
        schedules: &["PostgresSchedulePurgeItems1"],
    },
    Function {
        prefix: "MySqlReports",
        name: "mysql-function-reports",
        parameters: REPORTS,
        schedules: &["MySqlReportsSchedulePurgeItems1"],
    },
    Function {
        prefix: "PostgresEu1",
        name: "postgres-function-eu-1",
        parameters: EU_1,
        schedules: &[],
    },
];

/// Each template, with its functions.
pub(crate) fn templates() -> [(&'static Template, &'static [Function]); 2] {
    [(&FUNCTIONS, &ALL[..2]), (&GENERATED, &ALL)]
}

pub(crate) const REPORTS: [(&str, &str); 5] = [
    ("MySqlReportsEndpoint", "mydb.cluster-ro-abc123def456.eu-west-1.rds.amazonaws.com"),
    ("MySqlReportsResourceId", "cluster-REPORTSABCDEFGHIJKLMNOPQRS"),
    ("MySqlReportsUser", "reports"),
    ("MySqlReportsDatabase", "reporting"),
    ("MySqlReportsDbIdentifier", "reports-db"),
];

pub(crate) const EU_1: [(&str, &str); 5] = [
    ("PostgresEu1Endpoint", "eu.abc123def456.eu-west-1.rds.amazonaws.com"),
    ("PostgresEu1ResourceId", "db-EUONEABCDEFGHIJKLMNOPQRSTU"),
    ("PostgresEu1User", "eu_user"),
    ("PostgresEu1Database", "eu"),
    ("PostgresEu1DbIdentifier", "eu-db"),
];

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

/// A stack with only its network.
pub(crate) fn bare() -> Stack {
    Stack::new("aws", "eu-west-1")
        .with([("SubnetIds", SUBNETS), ("SecurityGroupIds", SECURITY_GROUP)])
}

/// A stack with both functions.
pub(crate) fn both() -> Stack {
    bare().with(MYSQL).with(POSTGRES)
}

/// A stack with all of these functions.
pub(crate) fn stack_of(functions: &[Function]) -> Stack {
    functions.iter().fold(bare(), |stack, function| stack.with(function.parameters))
}

/// A stack with every function of [`GENERATED`].
pub(crate) fn all() -> Stack {
    stack_of(&ALL)
}

/// An ARN in the stack's account, in its region or, for IAM, in none.
pub(crate) fn arn(service: &str, resource: &str) -> String {
    let region = if service == "iam" { "" } else { "eu-west-1" };
    format!("arn:aws:{service}:{region}:{ACCOUNT}:{resource}")
}

/// Renders a stack that deploy/template.yaml accepts.
pub(crate) fn render(stack: &Stack) -> Rendered {
    render_of(&FUNCTIONS, stack)
}

/// Renders a stack that a template accepts.
pub(crate) fn render_of(template: &Template, stack: &Stack) -> Rendered {
    template.render(stack).unwrap_or_else(|refusals| panic!("{refusals:#?}"))
}

/// The errors for a stack that deploy/template.yaml refuses.
pub(crate) fn refusals(stack: &Stack) -> Vec<String> {
    refusals_of(&FUNCTIONS, stack)
}

/// The errors for a stack that a template refuses.
pub(crate) fn refusals_of(template: &Template, stack: &Stack) -> Vec<String> {
    match template.render(stack) {
        Ok(_) => vec![],
        Err(refusals) => refusals,
    }
}

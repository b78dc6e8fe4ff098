//! What CloudFormation or Lambda would refuse is refused before anything is built or fetched, and before AWS
//! is asked.

#![allow(clippy::unwrap_used)] // a test

use std::process::{Command, Stdio};

/// A dry run for a database that options describe, with more options.
fn dry_run(subnets: &str, groups: &str, resource_id: &str, options: &[&str]) -> (bool, String) {
    let endpoint = "mydb.abc123def456.eu-west-1.rds.amazonaws.com";
    let output = Command::new(env!("CARGO_BIN_EXE_deployment"))
        .args(["deploy", "--dry-run", "--engine", "mysql", "--db-user", "lambda-user"])
        .args(["--db-name", "app", "--endpoint", endpoint, "--resource-id", resource_id])
        .args(["--subnets", subnets, "--security-groups", groups])
        .args(options)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

const OTHER: &str = "PostgresEndpoint=mypg.abc123def456.eu-west-1.rds.amazonaws.com";
const SUBNET: &str = "subnet-0123456789abcdef0";
const GROUP: &str = "sg-0123456789abcdef0";
const CLUSTER_ID: &str = "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const PROXY_ID: &str = "prx-0123456789abcdef0";
const RESOURCE_ID: &str = "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ";

#[test]
fn nothing_is_built_for_what_would_be_refused() {
    let many = |start: &str, count: usize| {
        let ids: Vec<_> = (0..count).map(|number| format!("{start}-{number:017x}")).collect();
        ids.join(",")
    };
    let (subnets, groups) = (many("subnet", 17), many("sg", 6));
    let long_name = "n".repeat(65);
    for (subnets, groups, resource_id, options, why) in [
        (&*subnets, GROUP, RESOURCE_ID, &[][..], "must be at most 16 ids of subnets"),
        (SUBNET, &groups, RESOURCE_ID, &[], "must be at most 5 ids of security groups"),
        ("private", GROUP, RESOURCE_ID, &[], "SubnetIds, \"private\", must be at most 16 ids"),
        (SUBNET, GROUP, "mydb", &[], "must be a resource id"),
        (SUBNET, GROUP, RESOURCE_ID, &["--parameter", "Nonsense=1"], "no parameter Nonsense"),
        (
            SUBNET,
            GROUP,
            RESOURCE_ID,
            &["--parameter", "Timeout=901"],
            "Timeout, \"901\", must be at most 900",
        ),
        (
            SUBNET,
            GROUP,
            RESOURCE_ID,
            &["--parameter", "LogLevel=info"],
            "LogLevel, \"info\", must be one of",
        ),
        (
            SUBNET,
            GROUP,
            RESOURCE_ID,
            &["--schedule", "rate(5 minutes)"],
            "write `-- schedule: rate(5 minutes)` at the top",
        ),
        (SUBNET, GROUP, RESOURCE_ID, &["--port", "0"], "is not a port"),
        (SUBNET, GROUP, RESOURCE_ID, &["--permissions-boundary", "b"], "must be the ARN of a"),
        (SUBNET, GROUP, RESOURCE_ID, &["--parameter", "MySqlDbIdentifier=MyDB"], "in lower case"),
        (
            SUBNET,
            GROUP,
            RESOURCE_ID,
            &["--parameter", OTHER],
            "PostgresEndpoint needs PostgresUser",
        ),
        (SUBNET, GROUP, RESOURCE_ID, &["--parameter", "MySqlEndpoint="], "Set MySqlEndpoint, "),
        (SUBNET, GROUP, RESOURCE_ID, &["--stack-name", &*long_name], "a stack name has letters"),
        (SUBNET, GROUP, RESOURCE_ID, &["--stack-name", "my_stack"], "a stack name has letters"),
        (SUBNET, GROUP, CLUSTER_ID, &[], "does not belong to mydb.abc123def456"),
        (SUBNET, GROUP, PROXY_ID, &[], "or give the proxy's endpoint"),
        (SUBNET, GROUP, "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ,mydb", &[], "must be a resource id"),
        (SUBNET, GROUP, RESOURCE_ID, &["--no-vpc"], "--no-vpc contradicts --subnets"),
        (SUBNET, GROUP, RESOURCE_ID, &["--trust", "web"], "--trust: \"web\" is neither"),
        (SUBNET, GROUP, RESOURCE_ID, &["--region", "eu-west-2"], "eu-west-2 contradicts host mydb"),
    ] {
        let (success, said) = dry_run(subnets, groups, resource_id, options);
        assert!(!success && said.contains(why), "{why}: {said}");
        for later in ["would deploy", "compiling", "fetching", "checking the template"] {
            assert!(!said.contains(later), "{later}: {said}");
        }
    }
}

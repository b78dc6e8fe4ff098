//! What CloudFormation or Lambda would refuse is refused before anything is built or fetched, and before AWS
//! is asked.

#![allow(clippy::unwrap_used)] // a test

use std::process::{Command, Stdio};

/// A dry run for a database that options describe, with more options.
fn dry_run(subnets: &str, groups: &str, resource_id: &str, options: &[&str]) -> (bool, String) {
    let network = ["--subnets", subnets, "--security-groups", groups];
    dry_run_at(ENDPOINT, resource_id, &[&network[..], options].concat())
}

fn dry_run_at(endpoint: &str, resource_id: &str, options: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_deployment"))
        .args(["deploy", "--dry-run", "--engine", "mysql", "--db-user", "lambda-user"])
        .args(["--db-name", "app", "--endpoint", endpoint, "--resource-id", resource_id])
        .args(options)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

const ENDPOINT: &str = "mydb.abc123def456.eu-west-1.rds.amazonaws.com";
const OTHER: &str = "PostgresEndpoint=mypg.abc123def456.eu-west-1.rds.amazonaws.com";
const WRITER: &str = "MySqlReaderHost=s.cluster-abc123def456.eu-west-1.rds.amazonaws.com";
const REPLICA: &str = "MySqlReaderHost=mydb-2.abc123def456.eu-west-1.rds.amazonaws.com";
const ELSEWHERE: &str = "MySqlReaderHost=mydb-2.abc123def456.us-east-1.rds.amazonaws.com";
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
        (SUBNET, GROUP, &format!("{RESOURCE_ID},{RESOURCE_ID}"), &[], "twice; one is enough"),
        (SUBNET, GROUP, RESOURCE_ID, &["--reader"], "name the cluster with --db-cluster"),
        (SUBNET, GROUP, RESOURCE_ID, &["--parameter", WRITER], "not a cluster's writer"),
        (SUBNET, GROUP, RESOURCE_ID, &["--parameter", REPLICA], "give those of both, db-…,db-…"),
        (SUBNET, GROUP, RESOURCE_ID, &["--parameter", ELSEWHERE], "is not in eu-west-1, for which"),
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

/// What is checked of the options is what is deployed.
#[test]
fn a_parameter_replaces_no_option() {
    for parameter in [
        "MySqlEndpoint=p.proxy-abc123def456.eu-west-1.rds.amazonaws.com",
        "MySqlResourceId=db-BCDEFGHIJKLMNOPQRSTUVWXYZA",
        "MySqlPort=3307",
        "MySqlUser=other",
        "MySqlDatabase=other",
        "MySqlTrust=amazon",
        "Architecture=arm64",
        "SubnetIds=subnet-0123456789abcdef1",
        "SecurityGroupIds=sg-0123456789abcdef1",
    ] {
        refused(dry_run(SUBNET, GROUP, RESOURCE_ID, &["--parameter", parameter]), "; use --");
    }
    let no_vpc = dry_run_at(ENDPOINT, RESOURCE_ID, &["--no-vpc", "--ipv6"]);
    refused(no_vpc, "Ipv6AllowedForDualStack needs SubnetIds");
    let emptied = ["--parameter", "SubnetIds=", "--parameter", "SecurityGroupIds="];
    refused(dry_run(SUBNET, GROUP, RESOURCE_ID, &emptied), "use --subnets, or --no-vpc");
}

/// The other function of the stack has nothing but parameters.
#[test]
fn the_values_of_another_function_belong_together() {
    const HERE: &str = "pg.proxy-abc123def456.eu-west-1.rds.amazonaws.com";
    for (host, id, more, why) in [
        (HERE, RESOURCE_ID, &[][..], "needs the proxy's own id, prx-…"),
        (HERE, PROXY_ID, &["PostgresPort=5433"], "leave out PostgresPort 5433"),
        (HERE, PROXY_ID, &["PostgresTrust=rds"], "leave out PostgresTrust"),
        (
            "pg.proxy-abc123def456.us-east-1.rds.amazonaws.com",
            PROXY_ID,
            &[],
            "is not in eu-west-1, for which all functions",
        ),
        (
            "pg.abc123def456.eu-west-1.rds.amazonaws.com",
            "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ,db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            &[],
            "PostgresResourceId has db-ABCDEFGHIJKLMNOPQRSTUVWXYZ twice",
        ),
    ] {
        let own = [
            format!("PostgresEndpoint={host}"),
            format!("PostgresResourceId={id}"),
            "PostgresUser=u".to_owned(),
            "PostgresDatabase=d".to_owned(),
        ];
        let all = own.iter().map(String::as_str).chain(more.iter().copied());
        let options: Vec<_> = all.flat_map(|parameter| ["--parameter", parameter]).collect();
        refused(dry_run(SUBNET, GROUP, RESOURCE_ID, &options), why);
    }
}

/// The roots that a function would have are those of the endpoint's certificate.
#[test]
fn roots_that_verify_nothing_are_refused() {
    const PROXY: &str = "p.proxy-abc123def456.eu-west-1.rds.amazonaws.com";
    let network = ["--subnets", SUBNET, "--security-groups", GROUP];
    for (host, id, more, why) in [
        (PROXY, PROXY_ID, &["--trust", "rds"][..], "leave out --trust"),
        (
            "p.proxy-abc123def456.eusc-de-east-1.rds.amazonaws.eu",
            PROXY_ID,
            &[],
            "no root certificates of amazon are known for eusc-de-east-1, in aws-eusc; set --ca-bundle",
        ),
        (
            "db.abc123def456.eusc-de-east-1.rds.amazonaws.eu",
            RESOURCE_ID,
            &["--trust", "amazon"],
            "no root certificates of amazon are known",
        ),
        (
            "db.abc123def456.us-iso-east-1.rds.c2s.ic.gov",
            RESOURCE_ID,
            &[],
            "no address of it is known here",
        ),
        (
            "db.abc123def456.us-gov-west-7.rds.amazonaws.com",
            RESOURCE_ID,
            &[],
            "`cargo xtask certs update --partition aws-us-gov`",
        ),
    ] {
        refused(dry_run_at(host, id, &[&network[..], more].concat()), why);
    }
    refused(dry_run_at(PROXY, PROXY_ID, &["--no-vpc"]), "has no public address");
}

#[track_caller]
fn refused((success, said): (bool, String), why: &str) {
    assert!(!success && said.contains(why), "{why}: {said}");
    for later in ["would deploy", "compiling", "checking the template"] {
        assert!(!said.contains(later), "{later}: {said}");
    }
}

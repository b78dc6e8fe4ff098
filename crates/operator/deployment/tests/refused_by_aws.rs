//! What AWS would refuse of a database that it knows, and of networks and quotas: refused before anything is
//! built, with the unmodified `aws` on an emulator.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test

use std::process::{Command, Output, Stdio};

use aws_cli::Aws;
use local_aws::{ACCOUNT, LocalAws, Secret};
use serde_json::Value;

/// An emulator whose RDS has the database `orders`, a cluster, a proxy and a network.
struct World {
    local: LocalAws,
    aws: Aws,
    subnets: Vec<String>,
    group: String,
}

impl World {
    fn new() -> Self {
        let local = LocalAws::start(&Secret { key: "unused", session_token: "" }).unwrap();
        let aws = local.client();
        let mut world = Self { local, aws, subnets: vec![], group: String::new() };
        let all = world.call("ec2 describe-subnets");
        let all = all["Subnets"].as_array().unwrap();
        world.subnets =
            all[..2].iter().map(|it| it["SubnetId"].as_str().unwrap().to_owned()).collect();
        let group = world.call("ec2 create-security-group --group-name db --description db");
        world.group = group["GroupId"].as_str().unwrap().to_owned();
        world.run(&format!(
            "rds create-db-subnet-group --db-subnet-group-name two \
             --db-subnet-group-description two --subnet-ids {}",
            world.subnets.join(" ")
        ));
        world.run(&format!(
            "rds create-db-instance --db-instance-identifier orders --engine mysql \
             --engine-version 8.0.40 --db-instance-class db.t4g.small --allocated-storage 20 \
             --master-username owner --master-user-password not-used-anywhere \
             --enable-iam-database-authentication --db-subnet-group-name two \
             --vpc-security-group-ids {}",
            world.group
        ));
        world
    }

    fn call(&self, arguments: &str) -> Value {
        self.aws.call(&arguments.split_whitespace().collect::<Vec<_>>()).unwrap()
    }

    fn run(&self, arguments: &str) {
        self.aws.run(&arguments.split_whitespace().collect::<Vec<_>>()).unwrap();
    }

    /// Runs one of our commands, and returns its exit code and what it said.
    fn command(&self, arguments: &str) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_deployment"))
            .args(arguments.split_whitespace())
            .envs(self.local.environment())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
    }

    /// A dry run that must be refused for each of these reasons before anything is built.
    #[track_caller]
    fn refuses(&self, database: &str, options: &str, reasons: &[&str]) {
        self.refuses_how(&["--dry-run"], database, options, reasons);
    }

    #[track_caller]
    fn refuses_how(&self, hows: &[&str], database: &str, options: &str, reasons: &[&str]) {
        for how in hows {
            let arguments =
                format!("deploy {database} --db-user lambda-user --db-name app {how} {options}");
            let (code, said) = self.command(&arguments);
            assert_eq!(code, Some(1), "{arguments}: {said}");
            for reason in reasons {
                assert!(said.contains(reason), "{arguments}: {reason}: {said}");
            }
            for later in ["compiling", "would deploy", "checking the template"] {
                assert!(!said.contains(later), "{arguments}: {later}: {said}");
            }
        }
    }
}

/// The emulator runs no server, and gives `localhost` as the endpoint.
const ORDERS: &str =
    "--db-instance orders --endpoint orders.abc123def456.eu-west-1.rds.amazonaws.com";

/// One emulator for all, because starting it takes longer than any of these.
#[test]
fn nothing_is_built_for_what_aws_would_refuse() {
    let world = World::new();
    networks(&world);
    concurrency(&world);
    accounts(&world);
    ids_and_endpoints(&world);
    proxies(&world);
    assert_eq!(world.call("cloudformation describe-stacks")["Stacks"], Value::Array(vec![]));
}

fn networks(world: &World) {
    let vpc = world.call("ec2 create-vpc --cidr-block 10.9.0.0/16");
    let vpc = vpc["Vpc"]["VpcId"].as_str().unwrap();
    let subnet = world.call(&format!("ec2 create-subnet --vpc-id {vpc} --cidr-block 10.9.1.0/24"));
    let subnet = subnet["Subnet"]["SubnetId"].as_str().unwrap();
    let own = &world.subnets[0];
    world.refuses(
        ORDERS,
        &format!("--subnets {own},{subnet}"),
        &["the subnets of a function must be of one VPC", &format!("{subnet} in {vpc}")],
    );
    world.refuses(
        ORDERS,
        &format!("--subnets {subnet}"),
        &[&format!("warning: the subnets are in {vpc}"), &world.group, "of its subnets' VPC"],
    );
    world.refuses(ORDERS, "--subnets subnet-0123456789abcdef0", &["InvalidSubnetID.NotFound"]);
    world.refuses(ORDERS, "--security-groups sg-0123456789abcdef0", &["sg-0123456789abcdef0"]);
    world.refuses(ORDERS, "--no-vpc", &["has no public address"]);
}

fn concurrency(world: &World) {
    let settings = world.call("lambda get-account-settings");
    let quota = settings["AccountLimit"]["ConcurrentExecutions"].as_u64().unwrap();
    let much = quota - 99;
    world.refuses_how(
        &["--dry-run", "--yes"],
        ORDERS,
        &format!("--parameter ReservedConcurrency={much}"),
        &[&format!("a concurrency of {much}"), "ReservedConcurrency=none"],
    );
}

fn accounts(world: &World) {
    world.refuses(
        "--db-instance arn:aws:rds:eu-west-1:999999999999:db:orders",
        "",
        &["is of the account 999999999999", ACCOUNT, "one of the database's account"],
    );
    // Of an id alone nobody can know.
    let arguments = format!(
        "deploy --engine mysql --endpoint orders.abc123def456.eu-west-1.rds.amazonaws.com --resource-id \
         db-ABCDEFGHIJKLMNOPQRSTUVWXYZ --subnets {} --security-groups sg-0123456789abcdef0 --db-user \
         lambda-user --db-name app --yes",
        world.subnets[0]
    );
    let (code, said) = world.command(&arguments);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("has the resource id db-ABCDEFGHIJKLMNOPQRSTUVWXYZ; the function's"),
        "{said}"
    );
}

fn ids_and_endpoints(world: &World) {
    world.refuses(
        "--db-instance orders",
        "--endpoint orders.cluster-abc123def456.eu-west-1.rds.amazonaws.com",
        &["does not belong to orders.cluster-abc123def456", "the cluster's id, cluster-…"],
    );
    world.refuses(
        "--db-instance orders",
        "--endpoint orders.abc123def456.eu-west-2.rds.amazonaws.com",
        &["region eu-west-1 contradicts host orders"],
    );
    world.refuses(
        ORDERS,
        "--resource-id db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        &["the DB instance orders has the resource id db-", "not among those of --resource-id"],
    );
    world.refuses(
        ORDERS,
        "--engine postgres",
        &["--engine postgres contradicts the DB instance orders, whose engine is mysql"],
    );
    world.run(
        "rds create-db-cluster --db-cluster-identifier quick --engine aurora-postgresql \
         --with-express-configuration",
    );
    world.refuses(
        "--db-cluster quick",
        "--endpoint quick.cluster-abc123def456.eu-west-1.rds.amazonaws.com --trust rds",
        &[
            "the DB cluster quick is reached through an internet access gateway",
            "leave out --trust",
        ],
    );
}

fn proxies(world: &World) {
    world.run(&format!(
        "rds create-db-instance --db-instance-identifier dark --engine mysql \
         --engine-version 8.0.40 --db-instance-class db.t4g.small --allocated-storage 20 \
         --master-username owner --master-user-password not-used-anywhere \
         --db-subnet-group-name two --vpc-security-group-ids {}",
        world.group
    ));
    let create = |name: &str, auth: &str| {
        world.run(&format!(
            "rds create-db-proxy --db-proxy-name {name} --engine-family MYSQL {auth} --role-arn \
             arn:aws:iam::{ACCOUNT}:role/proxy --vpc-subnet-ids {} --vpc-security-group-ids {}",
            world.subnets.join(" "),
            world.group
        ));
    };
    create("whole", "--default-auth-scheme IAM_AUTH");
    world.run("rds register-db-proxy-targets --db-proxy-name whole --db-instance-identifiers dark");
    world.refuses(
        "--db-proxy whole",
        "",
        &[
            "the proxy whole logs in to the DB instance dark with IAM",
            "enable it with --enable-iam-auth",
        ],
    );
    let secret = format!("arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:s");
    create("closed", &format!("--auth AuthScheme=SECRETS,IAMAuth=DISABLED,SecretArn={secret}"));
    for option in ["", "--enable-iam-auth"] {
        world.refuses(
            "--db-proxy closed",
            option,
            &[
                "does not accept IAM tokens",
                "--db-proxy-name closed --default-auth-scheme IAM_AUTH`",
            ],
        );
    }
    world.refuses("--db-proxy whole", "--port 3307", &["listens on port 3306 alone"]);
    world.refuses(
        "--db-proxy whole",
        "--endpoint ro.endpoint.proxy-abc123def456.eu-west-1.rds.amazonaws.com",
        &["the DB proxy whole has no endpoint ro.endpoint.proxy-", "it has whole.proxy-"],
    );
    world.refuses(
        "--db-proxy whole",
        "--endpoint other.proxy-abc123def456.eu-west-1.rds.amazonaws.com",
        &["the DB proxy whole has no endpoint other.proxy-", "it has whole.proxy-"],
    );
    world.refuses("--db-proxy whole", "--no-vpc", &["has no public address"]);
    // The same host, as DNS may write it.
    let own = world.call("rds describe-db-proxies --db-proxy-name whole");
    let own = own["DBProxies"][0]["Endpoint"].as_str().unwrap().to_uppercase();
    world.refuses(
        "--db-proxy whole",
        &format!("--endpoint {own}."),
        &["the proxy whole logs in to the DB instance dark with IAM"],
    );
    let (code, said) = world.command("user --db-proxy closed --user u --database app");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("must not use IAM authentication at the database"), "{said}");
    // The users are those of the database behind.
    let (code, said) = world.command("user --db-proxy whole --user owner --database app");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("owner is the master user"), "{said}");
    let (code, said) = world.command("user --db-proxy whole --user lambda-user --database app");
    assert_eq!(code, Some(0), "{said}");
    let run = said.lines().last().unwrap();
    assert!(
        run.contains("run:  mysql --host=") && run.contains(" --user=owner --password "),
        "{run}"
    );
    assert!(
        run.contains("--ssl-mode=VERIFY_IDENTITY --ssl-ca=") && !run.contains("token"),
        "{run}"
    );
}

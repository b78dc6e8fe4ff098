//! An Aurora cluster of the express configuration: a function without a VPC, with Amazon's roots.

use local_rds::Engine;
use serde_json::Value;

use super::{STACK, World, serverless, zips};

#[test]
fn a_function_for_an_express_cluster_is_outside_a_vpc() {
    let _zips = zips();
    let world =
        World::of(Engine::Postgres, "quick.cluster-abc123def456.eu-west-1.rds.amazonaws.com");
    world.run(
        "rds create-db-cluster --db-cluster-identifier quick --engine aurora-postgresql \
         --with-express-configuration",
    );
    let user = world.server.user();
    let deploy = |options: &[&str]| {
        let mut arguments = world.deployment(STACK, user, options);
        arguments[1] = "--db-cluster".to_owned();
        arguments[2] = "quick".to_owned();
        arguments.iter_mut().filter(|it| *it == "3306").for_each(|it| *it = "5432".to_owned());
        world.command(&arguments)
    };
    let subnets = world.call("ec2 describe-subnets");
    let subnet = subnets["Subnets"][0]["SubnetId"].as_str().unwrap().to_owned();
    let refused = deploy(&["--yes", "--subnets", &subnet]).ends(1);
    refused.says("the DB cluster quick has no network in any VPC").says("NAT gateway");

    let deployed = deploy(&["--yes"])
        .ends(0)
        .says("  subnets      none: the function runs outside a VPC\n")
        .says("  trust        amazon: the certificate of its internet access gateway is of Amazon");
    assert!(!deployed.stdout.contains("ec2:CreateNetworkInterface"), "{}", deployed.stdout);
    assert!(!deployed.stderr.contains("inbound rule"), "{}", deployed.stderr);
    let line = deployed.stdout.lines().find(|it| it.contains("PostgresFunctionName")).unwrap();
    let function = line.split_whitespace().last().unwrap();
    let now = world.call(&format!("lambda get-function-configuration --function-name {function}"));
    assert_eq!(now["Environment"]["Variables"]["DB_TRUST"], "amazon", "{now}");
    let vpc = now["VpcConfig"]["SubnetIds"].as_array().map_or(0, Vec::len);
    assert_eq!(vpc, 0, "{now}");
    let answer = world.invoke(function, r#"{"statement":"items"}"#);
    assert_eq!(answer["row_count"], 3, "{answer}");

    // A database in a VPC would take this function there.
    world.write("mysql/items.sql", "SELECT * FROM items");
    let options = ["--no-build", "--yes", "--enable-iam-auth"];
    let mut arguments = world.deployment(STACK, user, &options);
    arguments.retain(|it| it != "--no-build");
    let at = arguments.iter().position(|it| it == "--endpoint").unwrap() + 1;
    arguments[at] = "orders.abc123def456.eu-west-1.rds.amazonaws.com".to_owned();
    arguments.extend(["--statements".into(), world.statements.path().display().to_string()]);
    let refused = world.command(&arguments).ends(1);
    refused.says("has postgres-function outside a VPC, and mysql-function would be in one");

    the_master_user(&world);
    serverless::a_cluster_that_pauses(&world);
}

/// Creates its users with a token.
fn the_master_user(world: &World) {
    let user = |name: &str| {
        world.command(&["user", "--db-cluster", "quick", "--user", name, "--database", "app's"])
    };
    user("postgres").ends(1).says("logs in with IAM already");
    let sql = user("lambda-user").ends(0);
    let clusters = world.call("rds describe-db-clusters --db-cluster-identifier quick");
    let cluster: &Value = &clusters["DBClusters"][0];
    let (host, id) = (&cluster["Endpoint"], cluster["DbClusterResourceId"].as_str().unwrap());
    let host = host.as_str().unwrap();
    let run = sql.stdout.lines().find(|line| line.contains("user.sql, run:")).unwrap();
    let token = format!(
        "PGPASSWORD=\"$(aws rds generate-db-auth-token --region eu-west-1 --hostname {host} --port 5432 \
         --username postgres)\" psql --set ON_ERROR_STOP=1 '"
    );
    assert!(run.contains(&token), "{run}");
    assert!(run.contains("sslmode=verify-full") && run.contains("amazon-trust-roots.pem"), "{run}");
    assert!(
        sql.stdout.contains(&format!("rds-db:connect on dbuser:{id}/postgres.")),
        "{}",
        sql.stdout
    );
    // What was printed as a comment of SQL is a line of a shell: with programs that show what they get.
    let shown = std::process::Command::new("sh")
        .args([
            "-c",
            &format!("{SHOW}{}", run.split_once("run:").unwrap().1.replace("< user.sql", "")),
        ])
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("password: token of postgres\n"), "{shown}");
    assert!(shown.contains("dbname='app\\'s' sslmode=verify-full"), "{shown}");
}

/// Shell functions in place of the programs.
const SHOW: &str = r#"
aws() { shift 9; echo "token of $1"; }
psql() { printf 'password: %s\n' "$PGPASSWORD"; printf '%s\n' "$@"; }
"#;

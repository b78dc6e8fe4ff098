//! A stack from its first deployment to its deletion, with the unmodified `aws`, on an emulator of AWS that
//! runs the real function, which logs in to a real server with a token.
//!
//! The emulator is lenient: it checks no policy and no schedule, and its change sets contain resources
//! whose condition is false. It sends the events of schedules, but replaces nothing in them. The template has
//! its own tests, in `deploy-template`.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test

use std::ffi::OsStr;
use std::fs::{self, File};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard};

use aws_cli::Aws;
use local_aws::{ACCOUNT, LocalAws, Secret};
use local_rds::iam::AccessKey;
use local_rds::{Engine, Server};
use serde_json::Value;
use tempfile::TempDir;

#[path = "end_to_end/blue_green.rs"]
mod blue_green;
#[path = "end_to_end/express.rs"]
mod express;
#[path = "end_to_end/other_code.rs"]
mod other_code;
#[path = "end_to_end/schedules.rs"]
mod schedules;
#[path = "end_to_end/serverless.rs"]
mod serverless;

const STACK: &str = "orders-functions";
/// The bucket of the zips.
const BUCKET: &str = "rds-iam-lambda-123456789012-eu-west-1";

/// Held by the test that uses the zips in cargo's target folder. The tests of `packaging` lock the file too.
static ZIPS: Mutex<()> = Mutex::new(());

fn zips() -> (MutexGuard<'static, ()>, File) {
    let guard = ZIPS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let lambda = pinned_tools::target().unwrap().join("lambda");
    fs::create_dir_all(&lambda).unwrap();
    let file = File::create(lambda.join("tests.lock")).unwrap();
    file.lock().unwrap();
    (guard, file)
}

/// A database server, an emulator whose RDS knows it as `orders`, and statements to deploy.
struct World {
    statements: TempDir,
    server: Server,
    local: LocalAws,
    aws: Aws,
}

/// The result of a command.
struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl World {
    fn new() -> Self {
        Self::with(Server::builder(Engine::MySql))
    }

    /// With a server of another engine and name. AWS knows of `orders` alone all the same.
    fn of(engine: Engine, host: &str) -> Self {
        Self::with(Server::builder(engine).named(host))
    }

    fn with(builder: local_rds::Builder) -> Self {
        let server = builder.setup(local_stack::ITEMS).start().expect("a server");
        // The emulator's functions have the account's number as their access key.
        let key = AccessKey { id: ACCOUNT.to_owned(), ..server.access_key() };
        server.iam().set_keys(vec![key.clone()]);
        let session_token = key.session_token.as_deref().unwrap_or_default();
        let local = LocalAws::start(&Secret { key: &key.secret, session_token }).unwrap();
        let aws = local.client();
        let statements = TempDir::with_prefix("rds-iam-lambda-").unwrap();
        let world = Self { statements, server, local, aws };
        let folder = match world.server.engine() {
            Engine::Postgres => "postgres",
            _ => "mysql",
        };
        let folder = world.statements.path().join(folder);
        fs::create_dir(&folder).unwrap();
        local_stack::copy_examples(world.server.engine(), &folder).unwrap();
        world.make_database();
        world
    }

    /// Writes a statement's file, such as `mysql/items.sql`.
    fn write(&self, file: &str, sql: &str) {
        let path = self.statements.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, sql).unwrap();
    }

    fn make_database(&self) {
        let subnets = self.call("ec2 describe-subnets");
        let subnets = &subnets["Subnets"];
        let id = |index: usize| subnets[index]["SubnetId"].as_str().unwrap();
        self.run(&format!(
            "rds create-db-subnet-group --db-subnet-group-name two \
             --db-subnet-group-description two --subnet-ids {} {}",
            id(0),
            id(1)
        ));
        let group = self.call("ec2 create-security-group --group-name db --description db");
        self.run(&format!(
            "rds create-db-instance --db-instance-identifier orders --engine mysql \
             --engine-version 8.0.40 --db-instance-class db.t4g.small --allocated-storage 20 \
             --master-username owner --master-user-password not-used-anywhere \
             --db-subnet-group-name two --vpc-security-group-ids {}",
            group["GroupId"].as_str().unwrap()
        ));
    }

    fn call(&self, arguments: &str) -> Value {
        self.aws.call(&arguments.split_whitespace().collect::<Vec<_>>()).unwrap()
    }

    fn run(&self, arguments: &str) {
        self.aws.run(&arguments.split_whitespace().collect::<Vec<_>>()).unwrap();
    }

    /// The number of items in a listing.
    fn count(&self, listing: &str, of: &str) -> usize {
        let answer = self.aws.run(&listing.split_whitespace().collect::<Vec<_>>()).unwrap();
        // An empty listing may have no output.
        let listed: Value = serde_json::from_slice(&answer).unwrap_or_default();
        listed[of].as_array().map_or(0, Vec::len)
    }

    /// Runs one of our commands, without a terminal.
    fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Outcome {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_deployment"))
            .args(arguments)
            .envs(self.local.environment())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Outcome { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Deploys for the database `orders`.
    fn deploy(&self, user: &str, options: &[&str]) -> Outcome {
        self.command(&self.deployment(STACK, user, options))
    }

    /// The command line of a deployment. AWS knows everything about the database but the endpoint, which is
    /// the local server's.
    fn deployment(&self, stack: &str, user: &str, options: &[&str]) -> Vec<String> {
        let address = self.server.address().to_string();
        let bundle = self.server.ca_bundle().display().to_string();
        let mut arguments = vec!["deploy", "--db-instance", "orders", "--db-user", user];
        arguments.extend(["--db-name", self.server.database(), "--stack-name", stack]);
        arguments.extend(["--endpoint", self.server.host(), "--port", "3306"]);
        arguments.extend(["--connect-to", &address, "--ca-bundle", &bundle]);
        let statements = self.statements.path().display().to_string();
        if !options.contains(&"--no-build") {
            arguments.extend(["--statements", &statements]);
        }
        arguments.extend(options);
        arguments.into_iter().map(str::to_owned).collect()
    }

    /// Sends an event to the function of the stack.
    fn invoke(&self, function: &str, event: &str) -> Value {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("event"), event).unwrap();
        let answer = path("answer");
        self.run(&format!(
            "lambda invoke --function-name {function} --payload fileb://{} {answer}",
            path("event")
        ));
        serde_json::from_slice(&std::fs::read(answer).unwrap()).unwrap()
    }

    /// The function's code, and the number of the layer's versions.
    fn versions(&self, function: &str) -> (Value, usize) {
        let now = self.call(&format!("lambda get-function --function-name {function}"));
        let configuration = &now["Configuration"];
        let sum = configuration["CodeSha256"].clone();
        let list = format!("lambda list-layer-versions --layer-name {STACK}-rds-ca");
        (sum, self.count(&list, "LayerVersions"))
    }
}

impl Outcome {
    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        let all = format!("{}\n{}", self.stdout, self.stderr);
        assert!(all.contains(text), "nothing says {text:?}:\n{all}");
        self
    }

    /// The document of `--json`, the only thing on standard output.
    #[track_caller]
    fn document(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

#[test]
fn from_the_first_deployment_to_the_last() {
    let _zips = zips();
    let world = World::new();
    what_is_refused_before_anything_is_built(&world);
    let function = first_deployment(&world);
    again_unchanged(&world, &function);
    nobody_to_ask(&world);
    a_user_who_cannot_log_in(&world);
    a_change_that_fails(&world, &function);
    removal(&world);
}

fn what_is_refused_before_anything_is_built(world: &World) {
    let refused = world.deploy("owner", &["--yes"]).ends(1).says("owner is the master user");
    assert!(!refused.stderr.contains("fetching"), "{}", refused.stderr);
    world.deploy("lambda-user", &["--yes"]).ends(1).says("enable it with --enable-iam-auth");
    world
        .command(&["deploy", "--db-instance", "order", "--db-user", "u", "--db-name", "d", "--yes"])
        .ends(1)
        .says("there is no DB instance order in eu-west-1; did you mean --db-instance orders?");
    // A statement or a schedule that would fail is refused before anything is changed.
    for (sql, why) in [
        ("-- mode: wrte\nSELECT 1", "bad.sql:1: mode must be read or write"),
        ("-- schedule: rate(1 day)\nSELECT ?", "bad.sql:1: "),
        ("-- schedule: every(5 minutes)\nSELECT 1", "bad.sql:1: a schedule is cron"),
    ] {
        world.write("mysql/bad.sql", sql);
        let refused = world.deploy(world.server.user(), &["--enable-iam-auth", "--yes"]).ends(1);
        let refused = refused.says(why);
        assert!(!refused.stderr.contains("compiling"), "{}", refused.stderr);
    }
    fs::remove_file(world.statements.path().join("mysql/bad.sql")).unwrap();
    let database = world.call("rds describe-db-instances --db-instance-identifier orders");
    let on = &database["DBInstances"][0]["IAMDatabaseAuthenticationEnabled"];
    assert_ne!(*on, true, "{database}");
    assert_eq!(world.count("cloudformation describe-stacks", "Stacks"), 0);
}

/// Returns the function's name.
fn first_deployment(world: &World) -> String {
    // An administrator does this once.
    let boundary =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../deploy/permissions-boundary.json");
    world.run(&format!(
        "iam create-policy --policy-name {STACK}-boundary --policy-document file://{boundary}"
    ));
    let options = ["--enable-iam-auth", "--yes", "--parameter", "Dashboard=true"];
    let deployed = world
        .deploy(world.server.user(), &options)
        .ends(0)
        .says("IAM authentication is enabled for DB instance orders")
        .says("no inbound rule admits the functions")
        .says("permissions boundary of the roles: arn:aws:iam::")
        .says("add     MySqlFunction")
        .says("add     CloudWatchDashboard")
        .says("create complete              MySqlFunction (AWS::Lambda::Function)")
        .says(&format!(
            "  role MySqlFunctionRole, within arn:aws:iam::{ACCOUNT}:policy/{STACK}-boundary"
        ))
        .says("    log-in: allow rds-db:connect\n      on arn:aws:rds-db:eu-west-1:")
        .says("is CREATE_COMPLETE");
    let line = deployed.stdout.lines().find(|line| line.contains("MySqlFunctionName")).unwrap();
    let function = line.split_whitespace().last().unwrap().to_owned();

    // The real bootstrap runs, with the deployed code and settings.
    let answer = world.invoke(&function, r#"{"statement":"items"}"#);
    assert_eq!(answer["row_count"], 3, "{answer}");
    let now = world.call(&format!("lambda get-function-configuration --function-name {function}"));
    let discovered = world.call("rds describe-db-instances --db-instance-identifier orders");
    let resource_id = discovered["DBInstances"][0]["DbiResourceId"].as_str().unwrap();
    let role = now["Role"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let policies = world.call(&format!("iam list-role-policies --role-name {role}"));
    let documents: Vec<String> = policies["PolicyNames"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| {
            let name = name.as_str().unwrap();
            let get = format!("iam get-role-policy --role-name {role} --policy-name {name}");
            world.call(&get)["PolicyDocument"].to_string()
        })
        .collect();
    let alarms = world.call("cloudwatch describe-alarms");
    let dimensions = alarms["MetricAlarms"].to_string();
    assert!(dimensions.contains(r#""Value":"orders""#), "{alarms}");
    let get = format!("cloudwatch get-dashboard --dashboard-name {STACK}_eu-west-1");
    let dashboard = world.call(&get);
    let body: Value = serde_json::from_str(dashboard["DashboardBody"].as_str().unwrap()).unwrap();
    assert!(body["widgets"].to_string().contains(&format!("\"{function}\"")), "{body}");
    // The emulator stores no boundary with a role; the template's tests cover that.
    let stack = world.call(&format!("cloudformation describe-stacks --stack-name {STACK}"));
    let boundary = format!("arn:aws:iam::{ACCOUNT}:policy/{STACK}-boundary");
    assert!(stack["Stacks"][0]["Parameters"].to_string().contains(&boundary), "{stack}");
    let arn = format!("arn:aws:rds-db:eu-west-1:{ACCOUNT}:dbuser:{resource_id}/lambda-user");
    assert!(documents.iter().any(|document| document.contains(&arn)), "{arn}: {documents:?}");
    function
}

fn again_unchanged(world: &World, function: &str) {
    let before = world.versions(function);
    // It is built again, with the same bytes.
    let again = world.deploy(world.server.user(), &["--yes", "--json"]).ends(0).document();
    assert_eq!(again["outcome"], "unchanged", "{again}");
    assert_eq!(again["diagnose"]["ok"], true, "{again}");
    assert_eq!(world.versions(function), before);
}

fn nobody_to_ask(world: &World) {
    world
        .deploy(world.server.user(), &["--no-build", "--parameter", "Timeout=40"])
        .ends(1)
        .says("MySqlFunction")
        .says("There is no terminal to answer on; use --yes");
    let left = world.call(&format!("cloudformation list-change-sets --stack-name {STACK}"));
    let waiting = |set: &&Value| set["ExecutionStatus"] == "AVAILABLE";
    assert_eq!(left["Summaries"].as_array().unwrap().iter().filter(waiting).count(), 0, "{left}");
}

fn a_user_who_cannot_log_in(world: &World) {
    let options = ["--no-build", "--yes", "--json"];
    let document = world.deploy("nobody-there", &options).ends(1).document();
    assert_eq!(document["outcome"], "deployed", "{document}");
    assert_eq!(document["diagnose"]["ok"], false, "{document}");
    let login = &document["diagnose"]["steps"].as_array().unwrap();
    let failed = login.iter().find(|step| step["verdict"] == "failed").unwrap();
    assert_eq!(failed["step"], "login", "{document}");
    world.deploy(world.server.user(), &options).ends(0);
}

fn a_change_that_fails(world: &World, function: &str) {
    // Somebody has deleted the layer outside CloudFormation.
    let layer = format!("{STACK}-rds-ca");
    let versions = world.call(&format!("lambda list-layer-versions --layer-name {layer}"));
    let version = &versions["LayerVersions"][0]["Version"];
    world.run(&format!(
        "lambda delete-layer-version --layer-name {layer} --version-number {version}"
    ));
    let options = ["--no-build", "--yes", "--parameter", "MemorySize=512"];
    world
        .deploy(world.server.user(), &options)
        .ends(1)
        .says(
            "the deployment failed; the first failure:\n  MySqlFunction (AWS::Lambda::Function): ",
        )
        .says("does not exist")
        .says("the stack is rolled back");
    let now = world.call(&format!("lambda get-function-configuration --function-name {function}"));
    assert_eq!(now["MemorySize"], 256);
    let stack = world.call(&format!("cloudformation describe-stacks --stack-name {STACK}"));
    assert_eq!(stack["Stacks"][0]["StackStatus"], "UPDATE_ROLLBACK_COMPLETE");
    let answer = world.invoke(function, r#"{"statement":"items"}"#);
    assert_eq!(answer["row_count"], 3, "{answer}");
}

fn removal(world: &World) {
    world.command(&["destroy", "--stack-name", STACK]).ends(1).says("use --yes");
    world
        .command(&["destroy", "--stack-name", STACK, "--yes"])
        .ends(0)
        .says("the stack orders-functions is deleted")
        .says(&format!("aws s3 rm --recursive s3://{BUCKET}/{STACK}/"));
    world.command(&["destroy", "--stack-name", STACK, "--yes"]).ends(1).says("there is no stack");
    for (listing, of) in [
        ("lambda list-functions", "Functions"),
        ("lambda list-layers", "Layers"),
        ("scheduler list-schedules", "Schedules"),
        ("sqs list-queues", "QueueUrls"),
        ("cloudwatch describe-alarms", "MetricAlarms"),
        ("cloudwatch list-dashboards", "DashboardEntries"),
        ("iam list-roles", "Roles"),
        ("logs describe-log-groups", "logGroups"),
    ] {
        assert_eq!(world.count(listing, of), 0, "`aws {listing}` still lists some");
    }
}

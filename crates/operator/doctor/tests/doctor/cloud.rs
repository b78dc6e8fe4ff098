//! What AWS's APIs add, with an emulator of RDS, IAM, EC2 and Lambda (ministack), which runs the real
//! function against a real local server.
//!
//! The emulator stores policies and settings, and the server enforces them: the test copies them, as AWS
//! does behind its APIs. A fix is what the doctor printed between backticks, run by a shell.

use aws_cli::Aws;
use diagnosis::{Cause, commands};
use local_aws::{ACCOUNT, LocalAws, REGION, Secret};
use local_rds::iam::AccessKey;
use local_rds::{Engine, Server};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

use crate::deployed::with_client;
use crate::run::{Doctor, first_cause};

pub(crate) const DATABASE: &str = "orders";
pub(crate) const FUNCTION: &str = "orders-function";
pub(crate) const ROLE: &str = "orders-role";

/// An account with a database, a role and a function.
pub(crate) struct Account {
    cloud: LocalAws,
    pub(crate) aws: Aws,
    pub(crate) server: Server,
    /// RDS's resource id of the database.
    pub(crate) resource_id: String,
    database_group: String,
    function_group: String,
    folder: TempDir,
}

impl Account {
    pub(crate) fn new(engine: Engine) -> Account {
        // The emulator has the same endpoint for every database.
        let server = Server::builder(engine).named("localhost").setup(local_stack::ITEMS);
        let server = server.start().expect("a server starts");
        let key = server.access_key();
        let session_token = key.session_token.clone().unwrap_or_default();
        let secret = Secret { key: &key.secret, session_token: &session_token };
        let cloud = LocalAws::start(&secret).expect("the emulator starts");
        // The emulator's functions have the account's number as their access key.
        let key = AccessKey { id: ACCOUNT.into(), ..key };
        server.iam().set_keys(vec![key]);
        let aws = cloud.client();
        let folder = TempDir::new().unwrap();
        let mut account = Account {
            cloud,
            aws,
            server,
            resource_id: String::new(),
            database_group: String::new(),
            function_group: String::new(),
            folder,
        };
        account.build();
        account
    }

    pub(crate) fn call(&self, line: &str) -> Value {
        self.aws.call(&line.split_whitespace().collect::<Vec<_>>()).expect(line)
    }

    fn build(&mut self) {
        let subnets = self.call("ec2 describe-subnets");
        let subnets: Vec<_> = subnets["Subnets"].as_array().unwrap().iter().take(2).collect();
        let id = |subnet: &Value| subnet["SubnetId"].as_str().unwrap().to_owned();
        let (a, b, vpc) = (id(subnets[0]), id(subnets[1]), subnets[0]["VpcId"].as_str().unwrap());
        let group = |name: &str| {
            let line = format!(
                "ec2 create-security-group --group-name {name} --description {name} --vpc-id {vpc}"
            );
            self.call(&line)["GroupId"].as_str().unwrap().to_owned()
        };
        let (database_group, function_group) = (group("database"), group("function"));
        self.call(&format!(
            "rds create-db-subnet-group --db-subnet-group-name two --db-subnet-group-description two \
             --subnet-ids {a} {b}"
        ));
        let engine = self.server.engine().name();
        let database = self.call(&format!(
            "rds create-db-instance --db-instance-identifier {DATABASE} --engine {engine} \
             --db-instance-class db.t4g.small --allocated-storage 20 --master-username admin \
             --master-user-password not-used-anywhere --db-subnet-group-name two --port {} \
             --vpc-security-group-ids {database_group}",
            self.server.port()
        ));
        self.resource_id = database["DBInstance"]["DbiResourceId"].as_str().unwrap().to_owned();
        self.call(&format!(
            "iam create-role --role-name {ROLE} --assume-role-policy-document {{}}"
        ));
        self.create_function(&format!("SubnetIds={a},{b},SecurityGroupIds={function_group}"));
        (self.database_group, self.function_group) = (database_group, function_group);
    }

    /// The emulator unpacks zips; this one has a script that executes the real function.
    fn create_function(&self, vpc: &str) {
        let program = Path::new(env!("CARGO_BIN_EXE_doctor"));
        let program = program.with_file_name(self.server.engine().function());
        assert!(program.exists(), "{} is not built: cargo test --workspace", program.display());
        let bootstrap = self.folder.path().join("bootstrap");
        fs::write(&bootstrap, format!("#!/bin/sh\nexec {}\n", program.display())).unwrap();
        let zip = self.folder.path().join("bootstrap.zip");
        let mut python = Command::new("python3");
        python.args(["-m", "zipfile", "-c"]).arg(&zip).arg(&bootstrap);
        assert!(python.status().expect("python3 is installed").success());
        fs::create_dir(self.statements()).unwrap();
        local_stack::copy_examples(self.server.engine(), &self.statements()).unwrap();
        let (zip, role) = (zip.display(), format!("arn:aws:iam::{ACCOUNT}:role/{ROLE}"));
        self.call(&format!(
            "lambda create-function --function-name {FUNCTION} --runtime provided.al2023 --handler \
             bootstrap --role {role} --timeout 30 --zip-file fileb://{zip} --vpc-config {vpc}"
        ));
        self.dial(&self.server.address().to_string());
    }

    /// The folder of the function's statements.
    fn statements(&self) -> PathBuf {
        self.folder.path().join("statements")
    }

    /// Configures the function to connect to `address`.
    pub(crate) fn dial(&self, address: &str) {
        let server = &self.server;
        let variables = json!({ "Variables": {
            "DB_HOST": server.host(),
            "DB_USER": server.user(),
            "DB_NAME": server.database(),
            "DB_CONNECT_TO": address,
            "DB_CA_BUNDLE": server.ca_bundle(),
            "STATEMENTS_DIR": self.statements(),
        }});
        let variables = variables.to_string();
        let update = ["lambda", "update-function-configuration", "--function-name", FUNCTION];
        let update = [&update[..], &["--environment", &variables]].concat();
        self.aws.run(&update).unwrap();
    }

    /// Has the server enforce the role's policy if IAM authentication is enabled, as AWS does. RDS's resource
    /// id is replaced by the server's.
    pub(crate) fn enforce(&self) {
        let nothing =
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
        let database = self.call("rds describe-db-instances");
        let is_on = database["DBInstances"][0]["IAMDatabaseAuthenticationEnabled"] == true;
        let list = self.call(&format!("iam list-role-policies --role-name {ROLE}"));
        let name = list["PolicyNames"][0].as_str();
        let policy = match name.filter(|_| is_on) {
            None => nothing.to_owned(),
            Some(name) => {
                let get = format!("iam get-role-policy --role-name {ROLE} --policy-name {name}");
                self.call(&get)["PolicyDocument"].to_string()
            }
        };
        let own = &self.server.iam().resource().resource_id;
        self.server.iam().set_policy(&policy.replace(&self.resource_id, own)).unwrap();
    }

    pub(crate) fn allow(&self, resource: &str) {
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "rds-db:connect",
            "Resource": format!("arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:{resource}"),
        }]});
        let policy = policy.to_string();
        let put = ["iam", "put-role-policy", "--role-name", ROLE, "--policy-name"];
        let put = [&put[..], &["rds-iam-lambda", "--policy-document", &policy]].concat();
        self.aws.run(&put).unwrap();
    }

    pub(crate) fn doctor(&self) -> Doctor {
        let mut doctor = Doctor::new();
        with_client(&mut doctor, &self.folder);
        for (name, value) in self.cloud.environment() {
            doctor.set(name, &value);
        }
        doctor.with(&format!("--function {FUNCTION} --db-instance {DATABASE}"))
    }

    /// Runs what is between backticks, and nothing else.
    pub(crate) fn follow(&self, fix: &str) {
        let command = commands(fix).next().unwrap_or_else(|| panic!("no command: {fix}"));
        let mut shell = Command::new("sh");
        shell.args(["-ec", command]).envs(self.cloud.environment());
        let path = format!("{}:/usr/bin:/bin", self.folder.path().join("programs").display());
        let output = shell.env("PATH", path).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        self.enforce();
    }
}

fn causes(diagnosis: &Value) -> Vec<&str> {
    let causes = diagnosis["causes"].as_array().unwrap();
    causes.iter().map(|cause| cause["cause"].as_str().unwrap()).collect()
}

/// One account for all, because starting the emulator takes longer than all of this.
#[test]
fn what_aws_knows_is_told_first_and_mended_by_what_is_printed() {
    let account = Account::new(Engine::MySql);
    let doctor = account.doctor();
    let user = account.server.user();

    // The network is closed (packets to this address are never answered), IAM authentication is disabled,
    // and the policy names the instance instead of its resource id.
    account.allow(&format!("{DATABASE}/{user}"));
    account.dial("192.0.2.1:3306");
    account.enforce();
    let (code, diagnosis) = doctor.diagnosis();
    assert_eq!(code, Some(1), "{diagnosis:#}");
    let certain = [Cause::TcpSilent, Cause::IamOff, Cause::PolicyWrongResource];
    assert_eq!(causes(&diagnosis)[..3], certain.map(Cause::id), "{diagnosis:#}");
    for (certain, evidence) in certain.into_iter().zip([
        account.function_group.clone(),
        format!("DB instance {DATABASE}"),
        format!("dbuser:{DATABASE}/{user}, and not on"),
    ]) {
        let cause = cause(&diagnosis, certain);
        let because = cause["because"].as_str().unwrap();
        assert!(because.contains(&evidence), "{certain:?}: {because}");
        account.follow(cause["fix"].as_str().unwrap());
    }
    account.dial(&account.server.address().to_string());

    let said = doctor.run();
    assert_eq!(said.code, Some(0), "{}", said.all());
    for step in ["aws-network", "aws-database", "aws-policy"] {
        assert!(said.out.contains(&format!("✓ {step}")), "{}", said.out);
    }

    // No policy at all.
    let delete = format!("delete-role-policy --role-name {ROLE} --policy-name rds-iam-lambda");
    let delete: Vec<_> = ["iam"].into_iter().chain(delete.split_whitespace()).collect();
    account.aws.run(&delete).unwrap();
    account.enforce();
    let (code, diagnosis) = doctor.diagnosis();
    assert_eq!(
        (code, first_cause(&diagnosis)),
        (Some(1), Cause::PolicyMissing.id()),
        "{diagnosis:#}"
    );
    assert_eq!(cause(&diagnosis, Cause::IamOff), &Value::Null, "AWS says it is on");
    let fix = cause(&diagnosis, Cause::PolicyMissing)["fix"].as_str().unwrap();
    account.follow(fix);
    assert!(fix.contains(&format!("dbuser:{}/{user}", account.resource_id)), "{fix}");
    assert_eq!(doctor.run().code, Some(0));
}

pub(crate) fn cause(diagnosis: &Value, named: Cause) -> &Value {
    let causes = diagnosis["causes"].as_array().unwrap();
    causes.iter().find(|cause| cause["cause"] == named.id()).unwrap_or(&Value::Null)
}

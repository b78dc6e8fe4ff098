//! Answers of AWS, in the shapes of botocore's service models.

use aws_cli::{Aws, Database, Target};
use engine::Engine;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

/// The resource id of [`database`].
pub(super) const ID: &str = "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// The role of the function.
pub(super) const ROLE: &str = "arn:aws:iam::123456789012:role/app";

/// A client that answers calls, and whose other calls are refused. The file must outlive it.
pub(super) fn aws(answers: &[(&str, Value)]) -> (Aws, NamedTempFile) {
    let lines = answers.iter().map(|(call, answer)| format!("{call}\t{answer}\n"));
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines.collect::<String>()).unwrap();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/answers.sh");
    let path = file.path().display().to_string();
    (Aws::new(program).envs([("ANSWERS", path)]), file)
}

/// A PostgreSQL instance.
pub(super) fn database() -> Database {
    Database {
        target: Target::Instance("orders".into()),
        arn: "arn:aws:rds:eu-west-1:123456789012:db:orders".into(),
        engine: Engine::Postgres,
        engine_name: "postgres".into(),
        version: None,
        endpoint: "orders.abc.eu-west-1.rds.amazonaws.com".into(),
        port: 5432,
        resource_id: ID.into(),
        cluster: None,
        region: "eu-west-1".into(),
        vpc: Some("vpc-1".into()),
        subnets: vec![],
        security_groups: vec![],
        ca: None,
        iam_auth: true,
        proxy: None,
        internet_access_gateway: false,
        instance_classes: vec![],
        master_user: None,
        status: "available".into(),
        publicly_accessible: None,
        exports_auth_errors: None,
        reader: None,
        serverless: None,
        is_dual_stack: false,
    }
}

/// An Aurora cluster of the express configuration.
pub(super) fn express() -> Database {
    Database {
        target: Target::Cluster("orders".into()),
        internet_access_gateway: true,
        vpc: None,
        ..database()
    }
}

/// The login of a function with `ROLE`, inside a VPC or not.
pub(super) fn login(is_in_vpc: bool) -> super::Login {
    let mut function = json!({"FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:app",
        "CodeSha256": "", "Role": ROLE});
    if is_in_vpc {
        function["VpcConfig"] = json!({"VpcId": "vpc-1", "SubnetIds": ["subnet-1"],
            "SecurityGroupIds": ["sg-1"]});
    }
    let function = Some(serde_json::from_value(function).unwrap());
    super::Login { user: Some("app".into()), function, ..super::Login::default() }
}

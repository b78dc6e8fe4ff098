//! The example database meets the functions' requirements.

use deploy_template::{Rendered, Stack, Template, example_database};
use serde_json::json;
use std::sync::LazyLock;

use crate::stack::{FUNCTIONS, SUBNETS};

static DATABASE: LazyLock<Template> = LazyLock::new(|| Template::read(&example_database()));

fn render(engines: &str) -> Rendered {
    let given = [("VpcId", "vpc-0123456789abcdef0"), ("SubnetIds", SUBNETS), ("Engines", engines)];
    let stack = Stack::new("aws", "eu-west-1").with(given);
    DATABASE.render(&stack).unwrap_or_else(|refusals| panic!("{refusals:#?}"))
}

#[test]
fn the_instances_are_private_encrypted_and_take_iam_over_tls_alone() {
    let stack = render("both");
    for (engine, log, group, requires) in [
        ("MySql", "error", "mysql8.4", json!({"require_secure_transport": "1"})),
        ("Postgres", "postgresql", "postgres17", json!({"rds.force_ssl": "1"})),
    ] {
        let id = format!("{engine}Instance");
        let instance = stack.properties(&id);
        let is = |name: &str, value: serde_json::Value| {
            assert_eq!(instance[name], value, "{id}: {name}")
        };
        is("EnableIAMDatabaseAuthentication", json!(true));
        is("EnableCloudwatchLogsExports", json!([log, "iam-db-auth-error"]));
        is("PubliclyAccessible", json!(false));
        is("StorageEncrypted", json!(true));
        is("ManageMasterUserPassword", json!(true));
        is("DBName", json!("app"));
        is("DBParameterGroupName", json!(format!("{engine}Parameters")));
        is("DBSubnetGroupName", json!("SubnetGroup"));
        is("VPCSecurityGroups", json!(["DatabaseSecurityGroup.GroupId"]));
        assert!(instance.get("MasterUserPassword").is_none());
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            assert_eq!(stack.resources[&id][policy], "Snapshot", "{id}");
        }
        let parameters = stack.properties(&format!("{engine}Parameters"));
        assert_eq!((&parameters["Family"], &parameters["Parameters"]), (&json!(group), &requires));
    }
}

#[test]
fn functions_reach_the_databases_and_nobody_else_does() {
    let stack = render("both");
    for (id, port) in [("AdmitMySqlClients", 3306), ("AdmitPostgresClients", 5432)] {
        let rule = stack.properties(id);
        assert_eq!(rule["SourceSecurityGroupId"], "FunctionSecurityGroup.GroupId");
        assert_eq!(rule["GroupId"], "DatabaseSecurityGroup.GroupId");
        assert_eq!((&rule["FromPort"], &rule["ToPort"]), (&json!(port), &json!(port)));
    }
    assert!(stack.properties("DatabaseSecurityGroup").get("SecurityGroupIngress").is_none());
    let egress =
        stack.properties("FunctionSecurityGroup")["SecurityGroupEgress"].as_array().unwrap();
    let to_database = |rule: &serde_json::Value| {
        rule["DestinationSecurityGroupId"] == "DatabaseSecurityGroup.GroupId"
    };
    assert!(egress.len() == 2 && egress.iter().all(to_database), "{egress:?}");
}

#[test]
fn one_engine_alone_is_possible() {
    for (engines, there, not_there) in
        [("mysql", "MySql", "Postgres"), ("postgres", "Postgres", "MySql")]
    {
        let stack = render(engines);
        assert!(stack.resources.contains_key(&format!("{there}Instance")));
        assert!(stack.resources.keys().all(|id| !id.contains(not_there)));
        assert!(stack.outputs.keys().all(|name| !name.contains(not_there)));
    }
}

/// One template's outputs are the other's parameters, by the same names.
#[test]
fn its_outputs_are_the_functions_parameters() {
    let parameters = FUNCTIONS.source["Parameters"].as_object().unwrap();
    let outputs = render("both").outputs;
    for name in outputs.keys().filter(|name| !name.ends_with("MasterSecretArn")) {
        assert!(parameters.contains_key(name), "{name}");
    }
    for engine in ["MySql", "Postgres"] {
        for part in ["Endpoint", "Port", "ResourceId", "Database", "DbIdentifier"] {
            assert!(outputs.contains_key(&format!("{engine}{part}")), "{engine}{part}");
        }
    }
}

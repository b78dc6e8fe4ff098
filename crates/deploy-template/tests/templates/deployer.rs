//! What a deployer needs is what `deploy/deployer-policy.json` gives.
//!
//! Which rights a resource type needs AWS says itself, in the type's schema: each of its handlers
//! lists them. cfn-lint carries these schemas.

use regex::Regex;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::policies::XRAY_ELSEWHERE;
use crate::stack::FUNCTIONS;

/// Rights of handlers that none of our resources makes them use, by the property that would.
const NOT_USED: [(&str, &[&str]); 10] = [
    ("KmsKeyArn, KmsKeyId", &["kms:", "logs:AssociateKmsKey", "logs:DisassociateKmsKey"]),
    ("FileSystemConfigs", &["elasticfilesystem:", "s3files:"]),
    ("CapacityProviderConfig", &["lambda:PassCapacityProvider", "lambda:PutFunctionScalingConfig"]),
    (
        "CodeSigningConfigArn",
        &[
            "lambda:GetCodeSigningConfig",
            "lambda:PutFunctionCodeSigningConfig",
            "lambda:DeleteFunctionCodeSigningConfig",
        ],
    ),
    (
        "RuntimeManagementConfig, RecursiveLoop, PublishToLatestPublished, an alias",
        &[
            "lambda:PutRuntimeManagementConfig",
            "lambda:PutFunctionRecursionConfig",
            "lambda:PublishVersion",
            "lambda:AssociateRuntimeAlias",
        ],
    ),
    ("DataProtectionPolicy", &["logs:PutDataProtectionPolicy", "logs:DeleteDataProtectionPolicy"]),
    ("FieldIndexPolicies", &["logs:PutIndexPolicy", "logs:DeleteIndexPolicy"]),
    (
        "a log group that delivers elsewhere, or is protected",
        &[
            "logs:CreateLogDelivery",
            "s3:REST.PUT.OBJECT",
            "firehose:TagDeliveryStream",
            "logs:PutResourcePolicy",
            "logs:DeleteResourcePolicy",
            "logs:PutLogGroupDeletionProtection",
            "logs:PutBearerTokenAuthentication",
        ],
    ),
    (
        "PermissionsBoundary",
        &["iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"],
    ),
    ("a role's Description, MaxSessionDuration", &["iam:UpdateRole", "iam:UpdateRoleDescription"]),
];

pub(crate) fn policy() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/deployer-policy.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The actions that the policy allows, on whichever resource.
fn allowed() -> BTreeSet<String> {
    let policy = policy();
    let statements = policy["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

/// What each resource type of the stack needs to be made, read, changed and taken away.
fn needed() -> BTreeMap<String, BTreeSet<String>> {
    let resources = FUNCTIONS.translated["Resources"].as_object().unwrap();
    let types: BTreeSet<_> =
        resources.values().map(|resource| &resource["Type"]).map(Value::to_string).collect();
    let script = "
import glob, json, os, sys
import cfnlint.data.schemas
folder = os.path.join(list(cfnlint.data.schemas.__path__)[0], 'resources')
types = json.loads(sys.argv[1])
needed = {}
for path in glob.glob(folder + '/*.json'):
    schema = json.load(open(path))
    if schema.get('typeName') in types:
        handlers = schema['handlers']
        for handler in ('create', 'read', 'update', 'delete'):
            actions = handlers.get(handler, {}).get('permissions', [])
            needed.setdefault(schema['typeName'], []).extend(actions)
print(json.dumps(needed))";
    let tools = private_tools::sam(&mut |line| println!("{line}")).unwrap();
    let types_json = format!("[{}]", types.iter().cloned().collect::<Vec<_>>().join(","));
    let output = Command::new(tools.python).args(["-c", script, &types_json]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let needed: BTreeMap<String, BTreeSet<String>> =
        serde_json::from_slice::<BTreeMap<String, Vec<String>>>(&output.stdout)
            .unwrap()
            .into_iter()
            .map(|(kind, actions)| (kind, actions.into_iter().collect()))
            .collect();
    assert_eq!(needed.len(), types.len(), "{needed:?}");
    needed
}

#[test]
fn every_resource_of_the_stack_can_be_made_and_taken_away() {
    let allowed = allowed();
    let not_used = |action: &str| {
        NOT_USED.iter().flat_map(|(_, rights)| *rights).any(|right| {
            if right.ends_with(':') { action.starts_with(right) } else { action == *right }
        })
    };
    // The zips are in SAM's bucket: the right to read them is there, on that bucket.
    for (kind, actions) in needed() {
        let missing: Vec<_> = actions
            .iter()
            .filter(|action| !allowed.contains(*action) && !not_used(action))
            .collect();
        assert!(missing.is_empty(), "{kind} needs {missing:?}");
    }
}

/// The first needs no right, and the second is `lambda:InvokeFunction`.
const COMMANDS_APART: [&str; 2] = ["sts get-caller-identity", "lambda invoke"];

/// `"rds", "describe-db-instances"`: how our programs write a command of the AWS CLI.
#[test]
fn every_aws_command_that_we_run_is_allowed() {
    let allowed: BTreeSet<_> = allowed().into_iter().map(|action| action.to_lowercase()).collect();
    let command =
        Regex::new(r#""(rds|ec2|iam|lambda|cloudformation|logs|sts)",\s*"([a-z-]+)""#).unwrap();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = 0;
    for program in ["rds-discovery", "deployment", "doctor"] {
        for file in sources(&crates.join(program).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            for captures in command.captures_iter(&text) {
                let (service, command) = (&captures[1], &captures[2]);
                let action = format!("{service}:{}", command.replace('-', ""));
                let full = format!("{service} {command}");
                let apart = COMMANDS_APART.contains(&&*full) || command == "wait";
                let file = file.display();
                assert!(
                    apart || allowed.contains(&action),
                    "{file} runs `aws {full}`: allow {action}"
                );
                found += 1;
            }
        }
    }
    assert!(found > 5, "{found} commands found: they are written in another way");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// A right that is both left out for a reason and given anyway needs no reason.
#[test]
fn nothing_is_given_that_is_not_used() {
    let allowed = allowed();
    for (_, rights) in NOT_USED {
        for right in rights {
            let given = allowed.iter().find(|action| action.starts_with(right));
            assert!(
                given.is_none_or(|action| !right.ends_with(':') && action != right),
                "{given:?}"
            );
        }
    }
    assert!(allowed.iter().all(|action| !action.contains('*')));
}

/// A role may be given the three policies that the stack gives, and handed to two services.
#[test]
fn a_deployer_cannot_make_itself_an_administrator_by_a_managed_policy() {
    let policy = policy();
    let statement = |action: &str| {
        let statements = policy["Statement"].as_array().unwrap();
        let with: Vec<_> = statements
            .iter()
            .filter(|statement| statement["Action"].as_array().unwrap().contains(&json!(action)))
            .collect();
        assert_eq!(with.len(), 1, "{action}");
        with[0].clone()
    };
    let role = &FUNCTIONS.translated["Resources"]["MySqlFunctionRole"]["Properties"];
    let mut attached = role["ManagedPolicyArns"].as_array().unwrap().clone();
    attached.push(json!(format!("arn:aws:iam::aws:policy/{XRAY_ELSEWHERE}")));
    attached.sort_by_key(Value::to_string);
    let mut allowed = statement("iam:AttachRolePolicy")["Condition"]["ArnEquals"]["iam:PolicyARN"]
        .as_array()
        .unwrap()
        .clone();
    allowed.sort_by_key(Value::to_string);
    assert_eq!(allowed, attached);
    let services = &statement("iam:PassRole")["Condition"]["StringEquals"]["iam:PassedToService"];
    assert_eq!(*services, json!(["lambda.amazonaws.com", "scheduler.amazonaws.com"]));
    for action in ["iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole"] {
        assert_ne!(statement(action)["Resource"], json!("*"), "{action}");
    }
}

/// The policy as the one resource of a template.
pub(crate) fn as_template(policy: &Value) -> String {
    let properties = json!({ "PolicyDocument": policy });
    let deployer = json!({ "Type": "AWS::IAM::ManagedPolicy", "Properties": properties });
    json!({ "Resources": { "Deployer": deployer } }).to_string()
}

#[test]
fn it_is_short_enough_for_a_managed_policy() {
    let length = policy().to_string().len();
    assert!(length <= 6144, "a managed policy has at most 6144 characters, not {length}");
}

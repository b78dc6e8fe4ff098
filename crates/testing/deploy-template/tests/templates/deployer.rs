//! `deploy/deployer-policy.json` allows exactly what a deployer needs.
//!
//! The schema of a resource type lists the rights that each of its handlers needs. cfn-lint contains
//! these schemas.

use deploy_template::iam::{Decision, Policy, Request};
use deploy_template::{STACK_NAME, Stack};
use regex::Regex;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::calls;
use crate::stack::{ALL, GENERATED, all, built, render_of, stack_of};

/// Rights of handlers that our resources do not need, by the property that would need them.
const NOT_USED: [(&str, &[&str]); 12] = [
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
    ("S3ObjectVersion", &["s3:GetObjectVersion"]),
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
        "another PermissionsBoundary than before",
        &["iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"],
    ),
    ("ManagedPolicyArns", &["iam:AttachRolePolicy", "iam:DetachRolePolicy"]),
    ("a role's Description, MaxSessionDuration", &["iam:UpdateRole", "iam:UpdateRoleDescription"]),
];

/// A policy document in `deploy/`.
pub(crate) fn document(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../deploy").join(file);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

pub(crate) const POLICY: &str = "deployer-policy.json";
pub(crate) const BOUNDARY: &str = "permissions-boundary.json";

fn policy() -> Policy {
    Policy::parse(&document(POLICY)).unwrap()
}

/// The actions that the policy allows on any resource.
fn allowed() -> BTreeSet<String> {
    let policy = document(POLICY);
    let statements = policy["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

/// The rights to create, read, update and delete each resource type of the stack.
static NEEDED: LazyLock<BTreeMap<String, BTreeSet<String>>> = LazyLock::new(|| {
    let resources = GENERATED.translated["Resources"].as_object().unwrap();
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
    let tools = pinned_tools::sam(&mut |line| println!("{line}")).unwrap();
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
});

/// Whether our resources do not need this right.
fn is_not_used(action: &str) -> bool {
    NOT_USED.iter().flat_map(|(_, rights)| *rights).any(|right| {
        if right.ends_with(':') { action.starts_with(right) } else { action == *right }
    })
}

/// Every request of a deployment: those of the programs, and those of CloudFormation in the deployer's
/// name for each resource of `stack`, with a dashboard.
fn requests(stack: &Stack) -> Vec<(String, Request)> {
    let rendered = render_of(&GENERATED, &stack.clone().with([("Dashboard", "true")]));
    let mut all = calls::of_the_programs();
    for (id, resource) in &rendered.resources {
        let kind = resource["Type"].as_str().unwrap();
        for action in NEEDED[kind].iter().filter(|action| !is_not_used(action)) {
            let requests = calls::of_a_handler(&rendered, id, action);
            all.extend(requests.into_iter().map(|it| (format!("{action} for {id}: {it:?}"), it)));
        }
    }
    all
}

#[test]
fn every_call_of_a_deployment_is_allowed() {
    let policy = policy();
    let bare_queue = all().with([("DeadLetterQueue", "false")]);
    let outside = all().with([("SubnetIds", ""), ("SecurityGroupIds", "")]);
    let each = ALL.map(|function| stack_of(&[function]));
    for stack in [all(), bare_queue, outside].into_iter().chain(each) {
        for (what, request) in requests(&stack) {
            assert_eq!(policy.decide(&request), Decision::Allowed, "{what}");
        }
    }
}

/// Rights left out above for a reason are not allowed.
#[test]
fn nothing_is_given_that_no_call_needs() {
    let used: BTreeSet<_> =
        requests(&all()).iter().map(|(_, request)| request.action().to_owned()).collect();
    let given = allowed();
    let unused: Vec<_> = given.difference(&used).collect();
    assert!(unused.is_empty(), "{unused:?}");
    assert!(given.iter().all(|action| !action.contains('*') && !is_not_used(action)));
}

/// Commands whose right has another name, that need no right, or that a diagnosis does without: it says
/// what it could not read.
const COMMANDS_APART: [(&str, Option<&str>); 6] = [
    ("sts get-caller-identity", None),
    ("iam list-groups-for-user", None),
    ("lambda invoke", Some("lambda:invokefunction")),
    ("lambda get-layer-version-by-arn", Some("lambda:getlayerversion")),
    ("s3api head-bucket", Some("s3:listbucket")),
    ("s3api head-object", Some("s3:getobject")),
];

/// `"rds", "describe-db-instances"`: the form of AWS CLI commands in our programs.
#[test]
fn every_aws_command_that_we_run_is_allowed() {
    let allowed: BTreeSet<_> = allowed().into_iter().map(|action| action.to_lowercase()).collect();
    let command = Regex::new(
        r#""(rds|ec2|iam|lambda|cloudformation|cloudwatch|logs|sts|s3api|s3)",\s*"([a-z-]+)""#,
    )
    .unwrap();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../operator");
    let mut found = 0;
    for program in ["aws-cli", "deployment", "doctor"] {
        for file in sources(&crates.join(program).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            for captures in command.captures_iter(&text) {
                let (service, command) = (&captures[1], &captures[2]);
                let prefix = service.trim_end_matches("api");
                let full = format!("{service} {command}");
                let action = match COMMANDS_APART.iter().find(|(apart, _)| *apart == full) {
                    Some((_, None)) => continue,
                    Some((_, Some(action))) => (*action).to_owned(),
                    None => format!("{prefix}:{}", command.replace('-', "")),
                };
                let file = file.display();
                assert!(
                    command == "wait" || allowed.contains(&action),
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

/// The policy as the only resource of a template.
pub(crate) fn as_template(policy: &Value) -> String {
    let properties = json!({ "PolicyDocument": policy });
    let deployer = json!({ "Type": "AWS::IAM::ManagedPolicy", "Properties": properties });
    json!({ "Resources": { "Deployer": deployer } }).to_string()
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
#[test]
fn they_are_short_enough_for_managed_policies() {
    for file in [POLICY, BOUNDARY] {
        let length = document(file).to_string().len();
        assert!(
            length <= 6144,
            "{file}: a managed policy has at most 6144 characters, not {length}"
        );
    }
}

/// CloudFormation shortens role names to IAM's 64 characters, and then no pattern matches:
/// `STACK-PostgresNAMEFunctionRole-` and 13 characters.
const LONGEST_NAME: usize = 64 - "-PostgresFunctionRole-".len() - 13;

/// The longest NAME of a further function is for the default stack.
#[test]
fn the_longest_name_of_a_function_leaves_a_roles_name_whole() {
    let longest = LONGEST_NAME - STACK_NAME.len();
    let name = |length: usize| format!("postgres-{}/a.sql", "a".repeat(length));
    built(&[(&name(longest), "SELECT 1")]);
    let too_long = std::panic::catch_unwind(|| built(&[(&name(longest + 1), "SELECT 1")]));
    assert!(too_long.is_err());
}

/// What docs/DEPLOYMENT.md says to do for a stack of another name, done.
#[test]
fn another_stack_has_policies_of_its_own() {
    let document = include_str!("../../../../../docs/DEPLOYMENT.md");
    assert!(document.contains(&format!("at most {LONGEST_NAME} characters")));
    let (_, sed) = document.split_once("$ sed '").unwrap();
    let (script, _) = sed.split_once("' deploy/deployer-policy.json").unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../deploy");
    for file in [POLICY, BOUNDARY] {
        let output = Command::new("sed").arg(script).arg(root.join(file)).output().unwrap();
        let other = String::from_utf8(output.stdout).unwrap();
        let other_document: Value = serde_json::from_str(&other).unwrap();
        Policy::parse(&other_document).unwrap();
        let left: Vec<_> = other.lines().filter(|line| line.contains(STACK_NAME)).collect();
        let of_the_bucket = |line: &&str| line.contains("arn:aws:s3:::rds-iam-lambda-${");
        assert!(left.iter().all(of_the_bucket), "{left:?}");
        assert!(other.contains("orders-MySql") && !other.contains(":::orders"), "{other}");
        let longest = other_document.to_string().replace("orders", &"n".repeat(LONGEST_NAME));
        assert!(longest.len() <= 6144, "{}", longest.len());
    }
}

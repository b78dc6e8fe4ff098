//! The policies name actions, resources and condition keys that exist and that belong together.
//!
//! A condition on a key that an action's requests do not carry never holds, so that the statement allows
//! nothing; a resource of another type than the action's has no effect. AWS's Service Authorization
//! Reference says what belongs together:
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html>. A package on
//! PyPI provides it as data.

use deploy_template::STACK_NAME;
use regex::Regex;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use crate::deployer::{BOUNDARY, POLICY, document};
use crate::stack::{GENERATED, all, render_of};

static REFERENCE: LazyLock<PathBuf> =
    LazyLock::new(|| pinned_tools::iam_data(&mut |line| println!("{line}")).unwrap());

/// The SAM transform's right, which the reference does not list:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/control-access-with-iam.html>.
const NOT_IN_THE_REFERENCE: &str = "arn:aws:cloudformation:*:aws:transform/Serverless-2016-10-31";

fn table(kind: &str, service: &str) -> Value {
    let path = REFERENCE.join(kind).join(format!("{service}.json"));
    serde_json::from_str(&fs::read_to_string(&path).unwrap_or_default()).unwrap_or_default()
}

fn texts(value: &Value) -> Vec<&str> {
    let one_or_many = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    one_or_many.iter().filter_map(Value::as_str).collect()
}

/// An action in the reference: the forms of its resources' ARNs, and the keys of its requests.
struct Action {
    resources: Vec<Vec<String>>,
    keys: Vec<String>,
}

impl Action {
    fn named(action: &str) -> Option<Self> {
        let (service, name) = action.split_once(':')?;
        let entry = &table("actions", service)[name.to_ascii_lowercase()];
        let kinds = entry["resourceTypes"].as_array()?;
        let arns = table("resourceTypes", service);
        let mut keys = texts(&entry["conditionKeys"]);
        keys.extend(kinds.iter().flat_map(|kind| texts(&kind["conditionKeys"])));
        let form = |kind: &Value| {
            let name = kind["name"].as_str().unwrap().to_ascii_lowercase();
            parts(arns[name]["arn"].as_str().unwrap())
        };
        Some(Self {
            resources: kinds.iter().map(form).collect(),
            keys: keys.into_iter().map(str::to_ascii_lowercase).collect(),
        })
    }

    fn is_about(&self, resource: &str) -> bool {
        let resource = parts(resource);
        self.resources.iter().any(|form| {
            form.len() == resource.len()
                && form.iter().zip(&resource).all(|(form, own)| overlap(form, own))
        })
    }

    /// Most requests carry the global keys, and every session of a function carries the function's ARN.
    fn carries(&self, key: &str) -> bool {
        let key = key.to_ascii_lowercase();
        self.keys.contains(&key) || key.starts_with("aws:") || key == "lambda:sourcefunctionarn"
    }
}

/// The parts of an ARN, with an asterisk for each variable.
fn parts(arn: &str) -> Vec<String> {
    let variable = Regex::new(r"\$\{[^}]+\}").unwrap();
    variable.replace_all(arn, "*").splitn(6, ':').map(str::to_owned).collect()
}

/// Whether some text matches both patterns, in which an asterisk stands for any text.
fn overlap(one: &str, other: &str) -> bool {
    let (one, other): (Vec<_>, Vec<_>) = (one.chars().collect(), other.chars().collect());
    // Whether the rests of both, from these characters on, overlap.
    let mut ends = vec![vec![false; other.len() + 1]; one.len() + 1];
    for i in (0..=one.len()).rev() {
        for j in (0..=other.len()).rev() {
            let skip_one = one.get(i) == Some(&'*') && ends[i + 1][j];
            let skip_other = other.get(j) == Some(&'*') && ends[i][j + 1];
            let both = i < one.len() && j < other.len();
            ends[i][j] = (i == one.len() && j == other.len())
                || skip_one
                || skip_other
                || both && one[i] == '*' && ends[i][j + 1]
                || both && other[j] == '*' && ends[i + 1][j]
                || both && one[i] == other[j] && ends[i + 1][j + 1];
        }
    }
    ends[0][0]
}

/// What is wrong with a policy document.
fn findings(document: &Value) -> Vec<String> {
    document["Statement"].as_array().unwrap().iter().flat_map(findings_of).collect()
}

fn findings_of(statement: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    let resources = texts(&statement["Resource"]);
    let mut matched = vec![NOT_IN_THE_REFERENCE, "*"];
    for name in texts(&statement["Action"]).into_iter().filter(|name| !name.ends_with(":*")) {
        let Some(action) = Action::named(name) else {
            findings.push(format!("{name} is not an action"));
            continue;
        };
        let of_action: Vec<_> =
            resources.iter().copied().filter(|resource| action.is_about(resource)).collect();
        let on_everything = resources == ["*"];
        if !on_everything && of_action.is_empty() {
            findings.push(format!("{name} is not about {resources:?}"));
        }
        matched.extend(of_action);
        for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
            for (key, value) in keys.as_object().unwrap() {
                let holds_without = operator.starts_with("ForAllValues:")
                    || (operator == "Null" && texts(value) == ["true"]);
                if !holds_without && !action.carries(key) {
                    findings.push(format!("{name} has no key {key}"));
                }
            }
        }
    }
    let idle = resources.iter().filter(|resource| !matched.contains(resource));
    findings.extend(idle.map(|resource| format!("no action is about {resource}")));
    findings
}

#[test]
fn actions_resources_and_conditions_go_together() {
    let rendered = render_of(&GENERATED, &all());
    let roles = [
        "MySqlFunctionRole",
        "PostgresFunctionRole",
        "MySqlReportsFunctionRole",
        "PostgresEu1FunctionRole",
        "ScheduleRole",
    ];
    let documents = [POLICY, BOUNDARY].map(document).into_iter();
    for document in documents.chain(roles.map(|role| rendered.policy(role))) {
        assert_eq!(findings(&document), [""; 0]);
    }
}

/// A check that never finds anything would pass above.
#[test]
fn what_does_not_go_together_is_found() {
    let role = format!("arn:aws:iam::*:role/{STACK_NAME}-x");
    let boundary = json!({"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::1:policy/b"}});
    for (action, resource, condition, finding) in [
        ("iam:MakeRole", "*", json!({}), "iam:MakeRole is not an action"),
        ("iam:TagRole", &*role, boundary.clone(), "iam:TagRole has no key iam:PermissionsBoundary"),
        ("iam:PassRole", &*role, boundary, "iam:PassRole has no key iam:PermissionsBoundary"),
        (
            "sqs:SendMessage",
            "arn:aws:lambda:*:*:function:x",
            json!({}),
            "sqs:SendMessage is not about",
        ),
        ("ec2:DescribeSubnets", "arn:aws:ec2:*:*:subnet/x", json!({}), "is not about"),
    ] {
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": [resource],
            "Condition": condition});
        let found = findings_of(&statement);
        assert!(found.iter().any(|found| found.contains(finding)), "{finding}: {found:?}");
    }
}

/// The permissions boundary is required in every request that carries one.
#[test]
fn every_right_over_a_role_that_can_demand_the_boundary_does() {
    let policy = document(POLICY);
    let mut demanding = 0;
    for statement in policy["Statement"].as_array().unwrap() {
        let demands = statement["Condition"]["StringEquals"].get("iam:PermissionsBoundary");
        for name in texts(&statement["Action"]) {
            let reads =
                ["iam:Get", "iam:List", "iam:Simulate"].iter().any(|it| name.starts_with(it));
            let action = Action::named(name).unwrap();
            if !reads && action.keys.iter().any(|key| key == "iam:permissionsboundary") {
                assert!(demands.is_some(), "{name}");
                demanding += 1;
            }
        }
    }
    assert!(demanding >= 4, "{demanding}");
}

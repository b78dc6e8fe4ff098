//! What a reviewer looks for: the resources of the stack, and its roles with their policies, read from
//! the template that is deployed.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use template_parameters::Parameters;

use crate::Failure;
use crate::report::table;

/// The contents of a stack.
pub(crate) struct Review {
    resources: Map<String, Value>,
}

/// Where a stack is.
pub(crate) struct Place<'a> {
    pub(crate) partition: &'a str,
    pub(crate) region: &'a str,
    /// Twelve digits, where it is known.
    pub(crate) account: Option<&'a str>,
    pub(crate) stack: &'a str,
}

impl Review {
    /// The stack of a template with these values of its parameters.
    pub(crate) fn of(
        declared: &Parameters,
        values: &BTreeMap<String, Value>,
        place: &Place<'_>,
    ) -> Result<Self, Failure> {
        let pseudo = BTreeMap::from([
            ("AWS::Partition", place.partition.to_owned()),
            ("AWS::Region", place.region.to_owned()),
            ("AWS::AccountId", place.account.unwrap_or("ACCOUNT").to_owned()),
            ("AWS::StackName", place.stack.to_owned()),
        ]);
        let known = |name: &str| pseudo.get(name).cloned();
        Ok(Self { resources: declared.resources(values, &known)? })
    }

    /// For a person.
    pub(crate) fn shown(&self) -> String {
        let row = |(id, resource): (&String, &Value)| vec![id.clone(), text(&resource["Type"])];
        let rows: Vec<_> = self.resources.iter().map(row).collect();
        let roles = self.roles().map(|(id, role)| shown_role(id, role));
        let roles = roles.collect::<Vec<_>>().join("\n");
        format!("{}\n{roles}", table(&["resource", "type"], &rows))
    }

    /// For a program.
    pub(crate) fn document(&self) -> Value {
        let resources = self.resources.iter();
        let resources = resources.map(|(id, it)| json!({ "resource": id, "type": it["Type"] }));
        let role = |(id, role): (&String, &Value)| {
            json!({
                "role": id,
                "trust": role["AssumeRolePolicyDocument"]["Statement"],
                "permissions_boundary": role.get("PermissionsBoundary"),
                "policies": items(&role["Policies"]).map(|policy| json!({
                    "policy": policy["PolicyName"],
                    "statements": policy["PolicyDocument"]["Statement"],
                })).collect::<Vec<_>>(),
            })
        };
        json!({
            "resources": resources.collect::<Vec<_>>(),
            "roles": self.roles().map(role).collect::<Vec<_>>(),
        })
    }

    /// The properties of the roles, by their ids.
    fn roles(&self) -> impl Iterator<Item = (&String, &Value)> {
        let roles = self.resources.iter().filter(|(_, it)| it["Type"] == "AWS::IAM::Role");
        roles.map(|(id, role)| (id, &role["Properties"]))
    }
}

fn shown_role(id: &str, role: &Value) -> String {
    let boundary = match role.get("PermissionsBoundary") {
        Some(arn) => format!("within {}", text(arn)),
        None => "without a permissions boundary".to_owned(),
    };
    let mut lines = vec![format!("  role {id}, {boundary}")];
    let trust = items(&role["AssumeRolePolicyDocument"]["Statement"]);
    lines.extend(trust.flat_map(|statement| shown_statement("trust", statement)));
    for policy in items(&role["Policies"]) {
        let name = text(&policy["PolicyName"]);
        let statements = items(&policy["PolicyDocument"]["Statement"]);
        lines.extend(statements.flat_map(|statement| shown_statement(&name, statement)));
    }
    lines.join("\n")
}

/// `log-in: allow rds-db:connect`, and below it on what, and on which condition.
fn shown_statement(policy: &str, statement: &Value) -> Vec<String> {
    let effect = text(&statement["Effect"]).to_lowercase();
    // An element and its opposite, such as NotAction.
    let of = |element: &str| {
        let all = statement.get(element).map(|value| (String::new(), value));
        let not = format!("Not{element}");
        let all = all.or_else(|| statement.get(&not).map(|value| ("all but ".to_owned(), value)));
        all.map(|(not, value)| format!("{not}{}", texts(value).join(", ")))
    };
    let actions = of("Action").unwrap_or_default();
    let mut lines = vec![format!("    {policy}: {effect} {actions}")];
    lines.extend(of("Principal").map(|who| format!("      by {who}")));
    for resource in items(&statement["Resource"]) {
        lines.push(format!("      on {}", text(resource)));
    }
    if let Some(all_but) = statement.get("NotResource") {
        lines.push(format!("      on all but {}", texts(all_but).join(", ")));
    }
    for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
        for (key, value) in keys.as_object().into_iter().flatten() {
            lines.push(format!("      if {operator} {key} {}", texts(value).join(", ")));
        }
    }
    lines
}

/// The items of a list, or the value itself, which IAM allows in place of a list of one.
fn items(value: &Value) -> impl Iterator<Item = &Value> {
    let (list, one) = match value {
        Value::Array(list) => (Some(list), None),
        Value::Null => (None, None),
        one => (None, Some(one)),
    };
    list.into_iter().flatten().chain(one)
}

/// The texts in a value: `{"Service": "lambda.amazonaws.com"}` has one.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        plain => vec![text(plain)],
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

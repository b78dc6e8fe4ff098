//! Whether IAM allows the login: `rds-db:connect` on this database's resource id as this user.
//!
//! Source: "Creating and using an IAM policy for IAM database access",
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html>.

use aws_cli::{Aws, Database, Error};
use diagnosis::{Cause, Suspect, Verdict, shell};
use serde::Deserialize;
use serde_json::Value;

use super::documents::{self, ACTION, one_or_many};
use super::principal::{self, Identity, Principal};
use super::{Finding, Login, network_condition, of_table, resource_id, suspect, unanswered};

/// The causes that are ruled out when the policies allow the login.
const DISPROVED: &[Cause] = &[Cause::PolicyMissing, Cause::PolicyWrongResource];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simulation {
    evaluation_results: Vec<Evaluation>,
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html>
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Evaluation {
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    eval_decision: String,
    organizations_decision_detail: Option<ByOrganizations>,
    permissions_boundary_decision_detail: Option<ByBoundary>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ByOrganizations {
    allowed_by_organizations: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ByBoundary {
    allowed_by_permissions_boundary: bool,
}

pub(super) fn examine(aws: &Aws, database: &Database, login: &Login, logged_in: bool) -> Finding {
    let Some(user) = &login.user else {
        return Finding::new(Verdict::NotReached, "DB_USER is not set");
    };
    let principal = match &login.function {
        Some(function) => Ok(principal::of_arn(function.role.clone())),
        None => principal::caller(aws),
    };
    let identity = match principal {
        Ok(Principal::Known(identity)) => identity,
        Ok(Principal::Root) => {
            let text = "the credentials are of the account's root user, to whom no policy applies";
            return Finding::new(Verdict::Ok, text).disproves(DISPROVED);
        }
        Ok(Principal::Other(arn)) => {
            return unanswered(
                logged_in,
                PROOF,
                &format!("IAM cannot simulate the policies of {arn}"),
            );
        }
        Err(error) => return unanswered(logged_in, PROOF, &error),
    };
    let resource = resource(database, user);
    if let Some(finding) = of_another_account(&identity, database, login) {
        return finding;
    }
    match simulate(aws, &identity, &resource) {
        Err(error) => unanswered(logged_in, PROOF, &error),
        Ok(decision) => {
            Asked { aws, database, login, identity, resource }.judge(&decision, logged_in)
        }
    }
}

/// Only roles and users of the database's own account can log in, whatever their policies say.
fn of_another_account(identity: &Identity, database: &Database, login: &Login) -> Option<Finding> {
    let (own, other) = (database.account()?, &identity.account);
    if own == other {
        return None;
    }
    let because = format!("{} is of the account {other}, and the database of {own}", identity.arn);
    Some(
        Finding::new(Verdict::Failed, because.clone())
            .fact("principal", identity.arn.as_str())
            .because_of([of_table(Cause::OtherAccount, because, database, login)]),
    )
}

const PROOF: &str = "the login is allowed";

/// `arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-ABC/lambda-user`
fn resource(database: &Database, user: &str) -> String {
    let mut arn = database.arn.split(':').skip(1);
    let partition = arn.next().unwrap_or("aws");
    let account = database.account().unwrap_or("*");
    let Database { region, resource_id, .. } = database;
    format!("arn:{partition}:rds-db:{region}:{account}:dbuser:{resource_id}/{user}")
}

fn simulate(aws: &Aws, identity: &Identity, resource: &str) -> Result<Evaluation, Error> {
    let Simulation { evaluation_results } = aws.call(&[
        "iam",
        "simulate-principal-policy",
        "--policy-source-arn",
        &identity.arn,
        "--action-names",
        ACTION,
        "--resource-arns",
        resource,
    ])?;
    let none = Evaluation {
        eval_decision: "implicitDeny".into(),
        organizations_decision_detail: None,
        permissions_boundary_decision_detail: None,
    };
    Ok(evaluation_results.into_iter().next().unwrap_or(none))
}

/// A login whose policies were simulated.
struct Asked<'a> {
    aws: &'a Aws,
    database: &'a Database,
    login: &'a Login,
    identity: Identity,
    /// The ARN that the policies must allow.
    resource: String,
}

impl Asked<'_> {
    fn judge(&self, evaluation: &Evaluation, logged_in: bool) -> Finding {
        let (arn, resource) = (self.identity.arn.as_str(), self.resource.as_str());
        let allowed = evaluation.eval_decision == "allowed";
        // The simulator leaves open what it has no key for, so the statements themselves are read.
        let network = if logged_in { None } else { self.network_condition() };
        if let Some(because) = network {
            let cause = of_table(Cause::NetworkCondition, because, self.database, self.login);
            return Finding::new(Verdict::Failed, format!("{arn} may not {ACTION} on {resource}"))
                .fact("principal", arn)
                .fact("resource", resource)
                .because_of([cause]);
        }
        if allowed {
            return Finding::new(Verdict::Ok, format!("{arn} may {ACTION} on {resource}"))
                .fact("principal", arn)
                .fact("resource", resource)
                .disproves(DISPROVED);
        }
        // The login was allowed, but the next one may not be.
        let verdict = if logged_in { Verdict::Warning } else { Verdict::Failed };
        let why = self.not_allowed(evaluation);
        let changed = why.id == Cause::ResourceIdChanged.id();
        let finding = Finding::new(verdict, format!("{arn} may not {ACTION} on {resource}"))
            .fact("principal", arn)
            .fact("resource", resource)
            .fact("decision", evaluation.eval_decision.as_str())
            .because_of([why]);
        if changed { finding.disproves(DISPROVED) } else { finding }
    }

    /// Which policy has a condition on the network, and what it does.
    fn network_condition(&self) -> Option<String> {
        let policies = documents::all(self.aws, &self.identity);
        policies.iter().find_map(|policy| {
            let what = network_condition::find(&policy.document, &self.resource)?;
            Some(format!("{}: {what}", policy.name))
        })
    }

    fn not_allowed(&self, evaluation: &Evaluation) -> Suspect {
        let Asked { aws, database, login, identity, resource } = self;
        let arn = &identity.arn;
        let confirm = format!(
            "`aws iam simulate-principal-policy --policy-source-arn {} --action-names {ACTION} \
             --resource-arns {}`",
            shell(arn),
            shell(resource)
        );
        let missing = |because: &str, fix: String| {
            suspect(Cause::PolicyMissing, because.to_owned(), confirm.clone(), fix)
        };
        let organizations = evaluation.organizations_decision_detail.as_ref();
        if organizations.is_some_and(|detail| !detail.allowed_by_organizations) {
            return missing(
                "a service control policy of the organization does not allow it",
                format!("ask the organization's administrator to allow {ACTION} for the account"),
            );
        }
        let boundary = evaluation.permissions_boundary_decision_detail.as_ref();
        if boundary.is_some_and(|detail| !detail.allowed_by_permissions_boundary) {
            return missing(
                "the permissions boundary does not allow it",
                format!("allow {ACTION} on {resource} in the permissions boundary of {arn}"),
            );
        }
        if evaluation.eval_decision == "explicitDeny" {
            return missing(
                "a statement with the effect Deny applies",
                format!("remove {resource} from the statement that denies {ACTION}"),
            );
        }
        let allow = allow_command(identity, resource);
        match documents::of_identity(aws, identity) {
            Ok(own) => {
                let named: Vec<_> =
                    own.iter().flat_map(|policy| allowed_resources(&policy.document)).collect();
                if named.is_empty() {
                    return missing("no statement of its policies allows it", allow);
                }
                if let Some(because) = self.switched_over(&named) {
                    return of_table(Cause::ResourceIdChanged, because, database, login);
                }
                suspect(
                    Cause::PolicyWrongResource,
                    format!(
                        "its policies allow {ACTION} on {}, and not on {resource}",
                        named.join(", ")
                    ),
                    confirm,
                    format!("name {resource} in the policy instead: {allow}"),
                )
            }
            Err(_) => missing("none of its policies allows it", allow),
        }
    }

    /// Whether the policies name the database that had this one's name before.
    fn switched_over(&self, named: &[String]) -> Option<String> {
        let ids = named.iter().filter_map(|arn| {
            let (id, user) = arn.split_once(":dbuser:")?.1.split_once('/')?;
            let is_ours = user == "*" || Some(user) == self.login.user.as_deref();
            is_ours.then_some(id).filter(|id| id.starts_with("db-") || id.starts_with("cluster-"))
        });
        for id in ids {
            let (cause, why) = resource_id::explain(self.aws, self.database, id);
            if cause == Cause::ResourceIdChanged {
                let own = &self.database.resource_id;
                let target = &self.database.target;
                return Some(format!(
                    "its policies allow {ACTION} on {id}, but RDS shows {own} for the {target}{why}"
                ));
            }
        }
        None
    }
}

/// The command that allows the login.
fn allow_command(identity: &Identity, resource: &str) -> String {
    let (kind, name) = identity.kind_and_name().unwrap_or(("role", "ROLE"));
    let document = format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":\"{ACTION}\",\
         \"Resource\":{}}}]}}",
        Value::from(resource)
    );
    format!(
        "`aws iam put-{kind}-policy --{kind}-name {} --policy-name rds-iam-lambda \
         --policy-document {}`; it takes effect within a few minutes",
        shell(name),
        shell(&document)
    )
}

/// The resources on which a policy document allows the action. A list with one member may be that member.
fn allowed_resources(document: &Value) -> Vec<String> {
    let statements = one_or_many(&document["Statement"]).into_iter();
    let allows = statements.filter(|statement| {
        let actions = one_or_many(&statement["Action"]);
        let is_ours = |action: &Value| {
            action.as_str().is_some_and(|action| {
                action == "*"
                    || action.get(..7).is_some_and(|it| it.eq_ignore_ascii_case("rds-db:"))
            })
        };
        statement["Effect"] == "Allow" && actions.iter().any(|action| is_ours(action))
    });
    allows
        .flat_map(|statement| one_or_many(&statement["Resource"]))
        .filter_map(|resource| resource.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use diagnosis::commands;
    use serde_json::json;

    #[test]
    fn the_command_quotes_every_user() {
        let arn = "arn:aws:iam::123456789012:role/reader".to_owned();
        let identity = Identity { account: "1".into(), arn };
        let resource = r#"arn:aws:rds-db:eu-west-1:1:dbuser:db-A/o'neil "x""#;
        let fix = allow_command(&identity, resource);
        let command = commands(&fix).next().unwrap().replace("aws iam", "printf '%s\\n'");
        let words = std::process::Command::new("sh").args(["-c", &command]).output().unwrap();
        let words = String::from_utf8(words.stdout).unwrap();
        let document: Value = serde_json::from_str(words.lines().last().unwrap()).unwrap();
        assert_eq!(allowed_resources(&document), [resource]);
    }

    #[test]
    fn allowed_resources_are_found_in_every_form_of_a_document() {
        let one = json!({"Statement": {"Effect": "Allow", "Action": "rds-db:connect",
            "Resource": "a"}});
        assert_eq!(allowed_resources(&one), ["a"]);
        let many = json!({"Statement": [
            {"Effect": "Allow", "Action": ["s3:Get*", "RDS-DB:*"], "Resource": ["b", "c"]},
            {"Effect": "Deny", "Action": "rds-db:connect", "Resource": "d"},
            {"Effect": "Allow", "Action": "rds:*", "Resource": "e"},
        ]});
        assert_eq!(allowed_resources(&many), ["b", "c"]);
        assert!(allowed_resources(&Value::Null).is_empty());
    }
}

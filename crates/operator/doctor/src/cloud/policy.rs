//! Whether IAM allows the login: `rds-db:connect` on this database's resource id as this user.
//!
//! Source: "Creating and using an IAM policy for IAM database access",
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html>.

use aws_cli::{Aws, Database, Error};
use diagnosis::{Cause, Suspect, Verdict, shell};
use serde::Deserialize;
use serde_json::Value;

use super::condition::Known;
use super::documents::{ACTION, Read, one_or_many};
use super::network_condition::Found;
use super::principal::{self, Identity, Principal};
use super::wildcard::matches;
use super::{Finding, Login, of_table, resource_id, suspect, unanswered};

/// The causes that are ruled out when the policies allow the login on the current resource id.
const DISPROVED: &[Cause] =
    &[Cause::PolicyMissing, Cause::PolicyWrongResource, Cause::ResourceIdChanged];

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
        let Asked { database, login, identity, resource, .. } = self;
        let arn = identity.arn.as_str();
        let allowed = evaluation.eval_decision == "allowed";
        let read = match allowed && logged_in {
            true => Read::default(),
            false => Read::all(self.aws, identity),
        };
        // The simulator leaves open what it has no key for, so the statements themselves are read.
        let network = if logged_in { Found::default() } else { self.network(&read) };
        let refused = if allowed { None } else { self.refused(evaluation) };
        let never_allows = match (allowed, &refused) {
            (true, _) => &[][..],
            (false, None) => &network.never_grants,
            (false, Some(_)) => &network.never_permits,
        };
        let (mut certain, mut causes) = (network.denies, Vec::new());
        // A Deny that is read here is the one that the simulator found.
        let is_named = !certain.is_empty() && evaluation.eval_decision == "explicitDeny";
        match (allowed, refused) {
            (false, Some(refused)) if !is_named => causes.push(refused),
            (false, None) if never_allows.is_empty() => causes.push(self.not_granted(&read)),
            _ => {}
        }
        let is_denied = !certain.is_empty();
        certain.extend_from_slice(never_allows);
        let of_network = |because: &[String]| {
            of_table(Cause::NetworkCondition, because.join("; "), database, login)
        };
        if !certain.is_empty() {
            causes.insert(if is_denied { 0 } else { causes.len() }, of_network(&certain));
        } else if !network.may_deny.is_empty() {
            causes.push(of_network(&network.may_deny));
        }
        let (verdict, may, unless) = match (allowed && !is_denied, causes.is_empty()) {
            (true, true) => (Verdict::Ok, "may", ""),
            (true, false) => {
                (Verdict::Warning, "may", ", unless a condition on the network denies it")
            }
            // The login was allowed, but the next one may not be.
            (false, _) if logged_in => (Verdict::Warning, "may not", ""),
            (false, _) => (Verdict::Failed, "may not", ""),
        };
        let mut seen = format!("{arn} {may} {ACTION} on {resource}{unless}");
        if !read.unread.is_empty() {
            seen += &format!("; not read: {}", read.unread.join(", "));
        }
        let is_changed = causes.iter().any(|one| one.id == Cause::ResourceIdChanged.id());
        let finding = Finding::new(verdict, seen)
            .fact("principal", arn)
            .fact("resource", resource.as_str())
            .fact("decision", evaluation.eval_decision.as_str())
            .because_of(causes);
        let finding = match database.account() == Some(identity.account.as_str()) {
            true => finding.disproves(&[Cause::OtherAccount]),
            false => finding,
        };
        if allowed || is_changed {
            let is_clear = allowed && verdict == Verdict::Ok && read.unread.is_empty();
            let network = if is_clear { &[Cause::NetworkCondition][..] } else { &[] };
            return finding.disproves(DISPROVED).disproves(network);
        }
        finding
    }

    /// What the policies do by conditions on the network.
    fn network(&self, read: &Read) -> Found {
        let Identity { arn, account } = &self.identity;
        let known = Known { principal: arn, account, region: &self.database.region };
        Found::read(&read.policies, &self.resource, known)
    }

    /// The command that asks the simulator.
    fn confirm(&self) -> String {
        format!(
            "`aws iam simulate-principal-policy --policy-source-arn {} --action-names {ACTION} \
             --resource-arns {}`",
            shell(&self.identity.arn),
            shell(&self.resource)
        )
    }

    /// What refuses the login, whatever else allows it.
    fn refused(&self, evaluation: &Evaluation) -> Option<Suspect> {
        let (arn, resource) = (&self.identity.arn, &self.resource);
        let organizations = evaluation.organizations_decision_detail.as_ref();
        let boundary = evaluation.permissions_boundary_decision_detail.as_ref();
        let (because, fix) = if organizations.is_some_and(|it| !it.allowed_by_organizations) {
            (
                "a service control policy of the organization does not allow it",
                format!("ask the organization's administrator to allow {ACTION} for the account"),
            )
        } else if boundary.is_some_and(|it| !it.allowed_by_permissions_boundary) {
            (
                "the permissions boundary does not allow it",
                format!("allow {ACTION} on {resource} in the permissions boundary of {arn}"),
            )
        } else if evaluation.eval_decision == "explicitDeny" {
            (
                "a statement with the effect Deny applies",
                format!("remove {resource} from the statement that denies {ACTION}"),
            )
        } else {
            return None;
        };
        Some(suspect(Cause::PolicyMissing, because.to_owned(), self.confirm(), fix))
    }

    /// Why none of the policies allows it.
    fn not_granted(&self, read: &Read) -> Suspect {
        let Asked { aws, database, login, identity, resource } = self;
        let allow = allow_command(identity, resource);
        let named: Vec<_> = read
            .policies
            .iter()
            .filter(|policy| policy.is_identitys)
            .flat_map(|policy| allowed_resources(&policy.document))
            .collect();
        if named.is_empty() {
            let because = match read.unread.is_empty() {
                true => "no statement of its policies allows it",
                false => "none of its policies allows it",
            };
            return suspect(Cause::PolicyMissing, because.to_owned(), self.confirm(), allow);
        }
        let ids = named.iter().filter_map(|arn| id_alone_differs(arn, database, resource));
        let (cause, why) = resource_id::explain(aws, database, ids)
            .unwrap_or((Cause::PolicyWrongResource, String::new()));
        let because = format!(
            "its policies allow {ACTION} on {}, and not on {resource}{why}",
            named.join(", ")
        );
        match cause {
            Cause::ResourceIdChanged => of_table(cause, because, database, login),
            _ => suspect(
                cause,
                because,
                self.confirm(),
                format!("name {resource} in the policy instead: {allow}"),
            ),
        }
    }
}

/// The resource id of a policy's `arn`, if the login was allowed with the database's own in its place.
fn id_alone_differs<'a>(arn: &'a str, database: &Database, resource: &str) -> Option<&'a str> {
    let (start, rest) = arn.split_once(":dbuser:")?;
    let (id, user) = rest.split_once('/')?;
    let with_own = format!("{start}:dbuser:{}/{user}", database.resource_id);
    matches(&with_own, resource).then_some(id)
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
    use super::super::sample::{self, ID, ROLE};
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

    /// The finding for a function whose role has the policy `statements`.
    fn found(decision: &str, statements: Value, more: &[(&str, Value)]) -> Finding {
        let decision = json!({"EvaluationResults": [{"EvalActionName": ACTION,
            "EvalDecision": decision, "MatchedStatements": [], "MissingContextValues": []}],
            "IsTruncated": false});
        let mut answers = vec![
            ("simulate-principal-policy", decision),
            ("list-role-policies --role-name app", json!({"PolicyNames": ["logins"]})),
            (
                "get-role-policy --role-name app --policy-name logins",
                json!({"RoleName": "app", "PolicyName": "logins",
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}),
            ),
            ("list-attached-role-policies --role-name app", json!({"AttachedPolicies": []})),
            ("get-role --role-name app", json!({"Role": {"RoleName": "app", "Arn": ROLE}})),
            // The management account, to which no service control policy applies.
            (
                "describe-organization",
                json!({"Organization": {"Id": "o-1", "MasterAccountId": "123456789012"}}),
            ),
        ];
        answers.splice(0..0, more.iter().cloned());
        let (aws, _answers) = sample::aws(&answers);
        examine(&aws, &sample::database(), &sample::login(true), false)
    }

    fn ids(finding: &Finding) -> Vec<&str> {
        finding.causes.iter().map(|cause| cause.id.as_str()).collect()
    }

    fn allow(resource: &str) -> Value {
        let resource = format!("arn:aws:rds-db:{resource}");
        json!({"Effect": "Allow", "Action": ACTION, "Resource": resource})
    }

    fn own() -> Value {
        allow(&format!("eu-west-1:123456789012:dbuser:{ID}/app"))
    }

    fn deny(operator: &str, key: &str, value: &str) -> Value {
        let mut condition = json!({"NotIpAddressIfExists": {"aws:SourceIp": "10.0.0.0/8"}});
        condition[operator] = json!({ key: value });
        json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition})
    }

    #[test]
    fn an_allowed_login_rules_out_what_it_disproves() {
        let finding = found("allowed", json!([own()]), &[]);
        assert_eq!((finding.verdict, ids(&finding).len()), (Verdict::Ok, 0), "{}", finding.seen);
        for cause in DISPROVED.iter().chain(&[Cause::OtherAccount, Cause::NetworkCondition]) {
            assert!(finding.disproved.contains(cause), "{cause:?}");
        }
        assert!(DISPROVED.contains(&Cause::ResourceIdChanged));
        // A policy of another level may have a condition.
        let other = json!({"Organization": {"MasterAccountId": "999999999999"}});
        let finding = found("allowed", json!([own()]), &[("describe-organization", other)]);
        assert_eq!(finding.verdict, Verdict::Ok);
        assert!(!finding.disproved.contains(&Cause::NetworkCondition));
        let unread = "; not read: the organization's service control policies";
        assert!(finding.seen.ends_with(unread), "{}", finding.seen);
    }

    #[test]
    fn a_deny_is_proved_only_without_an_open_exemption() {
        let network = Cause::NetworkCondition.id();
        let exempt = deny("ArnNotLikeIfExists", "aws:PrincipalArn", ROLE);
        assert_eq!(found("allowed", json!([own(), exempt]), &[]).verdict, Verdict::Ok);
        let others = deny("ArnNotLikeIfExists", "aws:PrincipalArn", "arn:aws:iam::*:role/other");
        let finding = found("allowed", json!([own(), others.clone()]), &[]);
        assert_eq!((finding.verdict, ids(&finding)), (Verdict::Failed, vec![network]));

        let tagged = deny("StringNotEqualsIfExists", "aws:PrincipalTag/dp:exclude:network", "true");
        let finding = found("allowed", json!([own(), tagged.clone()]), &[]);
        assert_eq!((finding.verdict, ids(&finding)), (Verdict::Warning, vec![network]));
        assert!(finding.disproved.contains(&Cause::PolicyMissing));
        assert!(finding.causes[0].because.contains("may deny it"), "{}", finding.causes[0].because);
        // After what is proved.
        let finding = found("implicitDeny", json!([tagged]), &[]);
        assert_eq!(ids(&finding), [Cause::PolicyMissing.id(), network]);
        let finding = found("implicitDeny", json!([others]), &[]);
        assert_eq!(ids(&finding), [network, Cause::PolicyMissing.id()]);
        assert!(!finding.disproved.contains(&Cause::PolicyMissing));
    }

    #[test]
    fn an_allow_with_a_condition_is_to_blame_only_if_nothing_else_allows() {
        let mut conditional = own();
        conditional["Condition"] = json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}});
        let finding = found("implicitDeny", json!([conditional]), &[]);
        assert_eq!(ids(&finding), [Cause::NetworkCondition.id()]);
        let finding = found("allowed", json!([conditional, own()]), &[]);
        assert_eq!((finding.verdict, ids(&finding).len()), (Verdict::Ok, 0));
        // The Deny of another statement is the cause.
        let others = deny("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/other");
        let finding = found("allowed", json!([conditional, own(), others]), &[]);
        let because = &finding.causes[0].because;
        assert!(because.contains("denies it") && !because.contains("allows it"), "{because}");
    }

    #[test]
    fn a_wrong_policy_is_no_switchover() {
        let renamed = json!({"DBInstances": [{"DBInstanceIdentifier": "orders-old1",
            "DbiResourceId": "db-BLUE", "DBInstanceStatus": "available", "Engine": "postgres",
            "DBInstanceArn": "arn:aws:rds:eu-west-1:123456789012:db:orders-old1"}]});
        let rds = [
            ("describe-blue-green-deployments", json!({"BlueGreenDeployments": []})),
            ("Name=dbi-resource-id,Values=db-BLUE", renamed),
            ("Name=dbi-resource-id,Values=db-GONE", json!({"DBInstances": []})),
        ];
        let changed = Cause::ResourceIdChanged.id();
        let wrong = Cause::PolicyWrongResource.id();
        for (resource, expected) in [
            ("eu-west-1:123456789012:dbuser:db-BLUE/app", changed),
            ("*:*:dbuser:db-BLUE/*", changed),
            ("eu-west-1:123456789012:dbuser:db-BLUE/other", wrong),
            ("us-east-1:123456789012:dbuser:db-BLUE/app", wrong),
            ("eu-west-1:999999999999:dbuser:db-BLUE/app", wrong),
            ("eu-west-1:123456789012:dbuser:db-GONE/app", wrong),
            ("eu-west-1:123456789012:dbuser:db-NEV/app", wrong),
            ("eu-west-1:123456789012:dbuser:db-prod/app", wrong),
            ("eu-west-1:123456789012:dbuser:cluster-*/app", wrong),
        ] {
            let finding = found("implicitDeny", json!([allow(resource)]), &rds);
            assert_eq!(ids(&finding), [expected], "{resource}");
            let rules_out = finding.disproved.contains(&Cause::PolicyWrongResource);
            assert_eq!(rules_out, expected == changed, "{resource}");
            assert!(expected == changed || !finding.disproved.contains(&Cause::ResourceIdChanged));
        }
        // The one with evidence is told, wherever it is in the list.
        let both = ["db-GONE", "db-BLUE"].map(|id| allow(&format!("*:*:dbuser:{id}/app")));
        assert_eq!(ids(&found("implicitDeny", json!(both), &rds)), [changed]);
    }
}

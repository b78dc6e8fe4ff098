//! Whether IAM allows the login: `rds-db:connect` on this database's resource id as this user.
//!
//! Source: "Creating and using an IAM policy for IAM database access",
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html>.

use aws_cli::{Aws, Database};
use diagnosis::{Cause, Suspect, Verdict, shell};
use serde_json::Value;

use super::condition::Known;
use super::documents::{ACTION, Read, one_or_many};
use super::network_condition::Found;
use super::principal::{self, Identity, Principal};
use super::simulation::{Evaluation, simulate};
use super::wildcard::matches;
use super::{Finding, Login, of_table, resource_id, suspect, unanswered};

/// The causes that are ruled out when the policies allow the login on the current resource id.
const DISPROVED: &[Cause] =
    &[Cause::PolicyMissing, Cause::PolicyWrongResource, Cause::ResourceIdChanged];

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
        let Asked { database, identity, resource, .. } = self;
        let arn = identity.arn.as_str();
        let allowed = evaluation.eval_decision == "allowed";
        let read = match allowed && logged_in {
            true => Read::default(),
            false => Read::all(self.aws, identity),
        };
        // The simulator leaves open what it has no key for, so the statements themselves are read.
        let network = if logged_in { Found::default() } else { self.network(&read) };
        let is_denied = !network.denies.is_empty();
        let (causes, possible) = self.causes(evaluation, &read, network);
        let is_clear = causes.is_empty() && possible.is_empty();
        let (verdict, may, unless) = match (allowed && !is_denied, is_clear) {
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
            .because_of(causes)
            .perhaps_because_of(possible);
        let finding = match database.account() == Some(identity.account.as_str()) {
            true => finding.disproves(&[Cause::OtherAccount]),
            false => finding,
        };
        if allowed || is_changed {
            let network = if is_clear && read.unread.is_empty() {
                &[Cause::NetworkCondition][..]
            } else {
                &[]
            };
            return finding.disproves(DISPROVED).disproves(network);
        }
        finding
    }

    /// The causes that are proved, and those that may be.
    fn causes(
        &self,
        evaluation: &Evaluation,
        read: &Read,
        network: Found,
    ) -> (Vec<Suspect>, Vec<Suspect>) {
        let allowed = evaluation.eval_decision == "allowed";
        let refused = if allowed { None } else { self.refused(evaluation) };
        let never_allows = match (allowed, &refused) {
            (true, _) => Vec::new(),
            (false, None) => network.never_grants,
            (false, Some(_)) => network.never_permits,
        };
        let of_network = |because: &[String]| {
            of_table(Cause::NetworkCondition, because.join("; "), self.database, self.login)
        };
        let is_denied = !network.denies.is_empty();
        let is_granted_nowhere = !allowed && never_allows.is_empty();
        let certain = [network.denies, never_allows].concat();
        let mut causes = Vec::new();
        if is_denied {
            causes.push(of_network(&certain));
        }
        // A Deny that is read here is the one that the simulator found.
        let is_named = is_denied && evaluation.eval_decision == "explicitDeny";
        match refused {
            Some(refused) if !is_named => causes.push(refused),
            None if is_granted_nowhere => causes.push(self.not_granted(read)),
            _ => {}
        }
        if !is_denied && !certain.is_empty() {
            causes.push(of_network(&certain));
        }
        let is_open = certain.is_empty() && !network.may_deny.is_empty();
        (causes, is_open.then(|| of_network(&network.may_deny)).into_iter().collect())
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
mod tests;

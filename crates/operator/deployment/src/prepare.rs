//! Everything that is decided and checked before anything is built: the database, the plan, the
//! parameters, and what Lambda and CloudFormation would refuse.

use std::collections::BTreeMap;
use std::time::SystemTime;

use aws_cli::{Aws, Caller, Database, Target, discover};
use iam_auth::{EndpointKind, Roots};
use serde_json::Value;
use template_parameters::Parameters;

use crate::choice::{Choice, Trust, choose};
use crate::options::Deploy;
use crate::parameters::{have_no_option, parameters};
use crate::plan::Plan;
use crate::readers::Readers;
use crate::resource_ids::ResourceIds;
use crate::review::{Place, Review};
use crate::stack::Stack;
use crate::traits::Used;
use crate::{Account, Failure, Report};
use crate::{
    artifacts, behind_proxy, boundary, checks, ipv6, limits, one_network, other_account, readers,
    stack, together, traits,
};

/// What is deployed, and where.
pub(crate) struct Prepared {
    pub(crate) plan: Plan,
    pub(crate) review: Review,
    /// What AWS says of the database, for a program.
    pub(crate) database: Value,
    pub(crate) region: String,
    /// The template's parameters; others keep their value.
    pub(crate) parameters: Vec<(String, String)>,
    /// The client and whose credentials it has. `None` for a dry run that needs no account.
    pub(crate) aws: Option<(Aws, Caller)>,
}

/// Decides and checks. AWS is asked about a database that is named, and where a stack is deployed.
///
/// # Errors
/// The deployment would fail, or its function could not log in. Nothing was changed, but IAM
/// authentication may be enabled if that was asked for.
pub(crate) fn prepare(
    options: &Deploy,
    account: &Account,
    now: SystemTime,
    report: &Report,
) -> Result<Prepared, Failure> {
    let asked = match &options.target {
        Some(target) => Some(ask(target, options, account, report)?),
        None => None,
    };
    let (client, found) = asked.map_or((None, None), |(client, found)| (Some(client), Some(found)));
    let mut choice = choose(&options.given, found, account)?;
    let region = choice.endpoint.region().to_owned();
    let plan = can_work(&choice, options)?;
    if !has_ca_bundle(options) {
        artifacts::has_roots(&choice.endpoint, roots(&choice), now)?;
    }
    global(&choice, report);
    let client = match client {
        Some((aws, caller)) => Some((aws.region(&region), caller)),
        None => {
            report.say(&format!("{}\n{}", shown(&choice, &plan, options), plan.shown()?));
            credentials(options, account, &region, report)?
        }
    };
    let mut given = options.parameters.clone();
    let mut kept = None;
    if let Some((aws, caller)) = &client {
        kept = deployable(aws, options, report)?;
        choice = at_aws(aws, caller, choice, &plan, options, kept.as_ref(), report)?;
        let found = boundary::found(
            aws,
            caller,
            &options.stack,
            &options.parameters,
            kept.as_ref(),
            report,
        );
        given.extend(found);
    }
    let parameters = all_parameters(&choice, &plan, options, &given);
    let declared = Parameters::of_yaml(&plan.template)?;
    let values = checks::rules(&declared, &parameters, kept.as_ref())?;
    let others = plan.functions.iter().filter(|it| it.name != plan.function.name);
    together::others(others, &values, &region)?;
    readers::check(&plan.functions, &values, &region)?;
    let used = Used::of(&values, &plan.function.prefix());
    if let Some((aws, _)) = &client {
        ipv6::check(aws, &choice, used.ipv6, report)?;
        has_concurrency(aws, &plan, &values, kept.as_ref(), report)?;
        enable(aws, &mut choice, options, report)?;
        checks::surroundings(aws, &choice, report);
        traits::say(&choice, &used, report);
        gone(&plan, kept.as_ref(), report);
    }
    let place = Place {
        partition: choice.endpoint.partition().as_str(),
        region: &region,
        account: client.as_ref().map(|(_, caller)| caller.account.as_str()),
        stack: &options.stack,
    };
    let review = Review::of(&declared, &values, &place)?;
    if options.target.is_some() {
        report.say(&format!("{}\n{}", shown(&choice, &plan, options), plan.shown()?));
    }
    report.say(&review.shown());
    let database = traits::document(&choice, &used);
    Ok(Prepared { plan, review, database, region, parameters, aws: client })
}

/// Asks AWS about the database that is named.
fn ask(
    target: &Target,
    options: &Deploy,
    account: &Account,
    report: &Report,
) -> Result<((Aws, Caller), Database), Failure> {
    report.note(&format!("asking AWS about the {target}"));
    let aws = account.client(report)?;
    let caller = Caller::of(&aws)?;
    other_account::named(target, &caller)?;
    let found = discover(&aws, target)?;
    other_account::found(&found, &caller)?;
    let found = behind_proxy::at_endpoint(&aws, found, options.given.endpoint.as_deref(), report)?;
    Ok(((aws, caller), found))
}

/// The client and its credentials, which are checked before the slow part. `None` for a dry run.
fn credentials(
    options: &Deploy,
    account: &Account,
    region: &str,
    report: &Report,
) -> Result<Option<(Aws, Caller)>, Failure> {
    if options.dry_run {
        return Ok(None);
    }
    let account = Account { region: Some(region.to_owned()), ..account.clone() };
    let aws = account.client(report)?;
    let caller = Caller::of(&aws)?;
    Ok(Some((aws, caller)))
}

/// Reads the statements, and checks what can be checked without AWS.
fn can_work(choice: &Choice, options: &Deploy) -> Result<Plan, Failure> {
    checks::login(choice, &options.user)?;
    let plan = Plan::of(&options.statements, options.function.as_deref(), choice.engine)?;
    let parameters = all_parameters(choice, &plan, options, &options.parameters);
    checks::parameters(&plan.template, &options.stack, &parameters)?;
    together::check(choice, &options.given)?;
    // An existing stack may keep other values than the template's defaults.
    if options.dry_run && options.target.is_none() {
        checks::rules(&Parameters::of_yaml(&plan.template)?, &parameters, None)?;
    }
    have_no_option(&options.parameters, &plan.function.prefix())?;
    readers::given_once(options.given.reader, &options.parameters, &plan.function.prefix())?;
    Ok(plan)
}

/// Whether the function has its roots from elsewhere than the layer.
fn has_ca_bundle(options: &Deploy) -> bool {
    options.parameters.iter().any(|(name, value)| name == "CaBundle" && !value.is_empty())
}

/// The roots of the endpoint's certificate, as far as the function is told.
fn roots(choice: &Choice) -> Roots {
    match choice.trust {
        Some(Trust::Roots(roots)) => roots,
        _ => Roots::of(&choice.endpoint),
    }
}

/// Says what a stack for a global database does not follow.
fn global(choice: &Choice, report: &Report) {
    if choice.endpoint.kind() == EndpointKind::GlobalWriter {
        let (host, region) = (choice.endpoint.host(), choice.endpoint.region());
        report.note(&format!(
            "note: {host} is the endpoint of a global database, and the policy and DB_REGION of this stack \
             are of {region}: after a failover to another region every login is denied. Deploy a second stack \
             in that region, with the resource id of the cluster there, or deploy there after the failover"
        ));
    }
}

/// The choice as AWS and the stack complete it: its resource ids, the subnets that Lambda takes, its roots.
fn at_aws(
    aws: &Aws,
    caller: &Caller,
    mut choice: Choice,
    plan: &Plan,
    options: &Deploy,
    kept: Option<&Stack>,
    report: &Report,
) -> Result<Choice, Failure> {
    let given = &options.given;
    match choice.found.clone() {
        Some(found) if given.resource_ids.is_empty() => {
            let kept = kept_ids(&choice, plan, kept);
            choice.resource_ids = ResourceIds::for_database(aws, &found, &kept);
        }
        Some(_) => {}
        None => other_account::by_hand(aws, &choice, caller, report),
    }
    limits::network(aws, &mut choice, !given.subnets.is_empty(), report)?;
    if let Some(stack) = kept {
        one_network::check(aws, &choice, plan, stack, report)?;
        let endpoint = stack.parameter(&format!("{}Endpoint", plan.function.prefix()));
        choice.trust = choice.trust.or(trust_of_new(choice.endpoint.host(), endpoint));
        choice.readers = choice.readers.or(readers_of_new(choice.endpoint.host(), endpoint));
    }
    Ok(choice)
}

/// Roots that the stack keeps were set for its endpoint so far, `kept`. `None` when that stays.
fn trust_of_new(host: &str, kept: Option<&str>) -> Option<Trust> {
    kept.filter(|kept| *kept != host).map(|_| Trust::OfItsKind)
}

/// The readers that the stack keeps are those of its endpoint so far, `kept`. `None` when that stays.
fn readers_of_new(host: &str, kept: Option<&str>) -> Option<Readers> {
    kept.filter(|kept| *kept != host).map(|_| Readers::None)
}

/// The resource ids in the policy of the function, if it has been for this endpoint so far.
fn kept_ids(choice: &Choice, plan: &Plan, kept: Option<&Stack>) -> Vec<String> {
    let prefix = plan.function.prefix();
    let kept = |parameter: &str| kept?.parameter(&format!("{prefix}{parameter}"));
    let ids = match kept("Endpoint") {
        Some(host) if host == choice.endpoint.host() => kept("ResourceId").unwrap_or_default(),
        _ => "",
    };
    ids.split(',').filter(|id| id.contains('-')).map(str::to_owned).collect()
}

/// Checks that the account has the concurrency that the functions reserve.
fn has_concurrency(
    aws: &Aws,
    plan: &Plan,
    values: &BTreeMap<String, Value>,
    kept: Option<&Stack>,
    report: &Report,
) -> Result<(), Failure> {
    let of_each = |value: Option<&str>| value.and_then(|it| it.parse::<u64>().ok()).unwrap_or(0);
    let text = |name: &str| values.get(name).and_then(Value::as_str);
    let has_endpoint = |prefix: String| {
        text(&format!("{prefix}Endpoint")).is_some_and(|endpoint| !endpoint.is_empty())
    };
    let count = plan.functions.iter().filter(|it| has_endpoint(it.prefix())).count() as u64;
    let wanted = of_each(text("ReservedConcurrency")).saturating_mul(count);
    let reserved = kept.map_or(0, |stack| {
        let functions = stack.outputs().into_keys().filter(|it| it.ends_with("FunctionName"));
        of_each(stack.parameter("ReservedConcurrency")).saturating_mul(functions.count() as u64)
    });
    limits::concurrency(aws, wanted, reserved, report)
}

/// Checks that tokens are taken, and enables IAM authentication where that was asked for: the last step
/// that can fail, because it changes the database.
fn enable(
    aws: &Aws,
    choice: &mut Choice,
    options: &Deploy,
    report: &Report,
) -> Result<(), Failure> {
    let Some(found) = choice.found.take() else { return Ok(()) };
    let enable = checks::Enable::of(options.enable_iam_auth, options.dry_run);
    let found = checks::database(aws, found, enable, report)?;
    behind_proxy::check(aws, &found, &options.user, enable, report)?;
    choice.found = Some(found);
    Ok(())
}

/// Warns of functions that the stack has and the template has no longer.
fn gone(plan: &Plan, kept: Option<&Stack>, report: &Report) {
    let removed = kept.map(|stack| plan.removed(stack)).unwrap_or_default();
    if !removed.is_empty() {
        let functions = removed.join("Function, ");
        report.note(&format!(
            "warning: there are no statements of {functions}Function, so it is removed"
        ));
    }
}

fn all_parameters(
    choice: &Choice,
    plan: &Plan,
    options: &Deploy,
    given: &[(String, String)],
) -> Vec<(String, String)> {
    parameters(
        choice,
        &plan.function.prefix(),
        &options.user,
        &options.database,
        options.architecture.name(),
        given,
    )
}

/// The stack, if it exists. One that a failed first deployment left cannot be deployed to.
fn deployable(aws: &Aws, options: &Deploy, report: &Report) -> Result<Option<Stack>, Failure> {
    let name = &options.stack;
    let stack = match stack::describe(aws, name) {
        // Who plans need not be who deploys.
        Err(error) if options.dry_run => {
            report.note(&format!("note: cannot ask for the stack {name}: {error}"));
            None
        }
        described => described?,
    };
    let Some(stack) = stack else { return Ok(None) };
    match stack.stack_status.as_str() {
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "DELETE_FAILED" => Err(format!(
            "the stack {name} is {} and cannot be updated; delete it first: cargo xtask destroy \
             --stack-name {name}",
            stack.stack_status
        )
        .into()),
        "REVIEW_IN_PROGRESS" => Ok(Some(stack)),
        status if status.ends_with("_IN_PROGRESS") => Err(format!(
            "the stack {name} is {status}: another deployment is running; try again when it is complete"
        )
        .into()),
        _ => Ok(Some(stack)),
    }
}

/// The database, for a person.
fn shown(choice: &Choice, plan: &Plan, options: &Deploy) -> String {
    let what = choice.found.as_ref().map_or("database".to_owned(), |it| it.target.to_string());
    let version = choice.found.as_ref().and_then(|it| it.version.as_deref()).unwrap_or_default();
    let of_aws = choice.found.as_ref().map(|it| it.engine_name.as_str());
    let engine = of_aws.unwrap_or(choice.engine.name());
    let network = |ids: &[String]| match ids {
        [] => "none: the function runs outside a VPC".to_owned(),
        ids => ids.join(", "),
    };
    let mut rows = vec![
        ("engine", format!("{engine} {version}").trim_end().to_owned()),
        ("endpoint", choice.endpoint.to_string()),
        ("resource id", choice.resource_ids.ids.join(", ")),
        ("function", plan.function.name.clone()),
        ("user", options.user.clone()),
        ("database", options.database.clone()),
        ("subnets", network(&choice.subnets)),
        ("groups", network(&choice.security_groups)),
    ];
    if let Some(Trust::Roots(roots)) = choice.trust {
        rows.push(("trust", format!("{roots}: {}", why_these_roots(choice))));
    }
    if let Some(Readers::At(host)) = &choice.readers {
        rows.push(("reader", format!("{host}, for statements of mode read")));
    }
    let rows = rows.into_iter().map(|(name, value)| format!("  {name:<12} {value}"));
    let why = choice.resource_ids.why.iter().map(|why| format!("  {why}"));
    let lines: Vec<_> = rows.chain(why).collect();
    format!("{what} in {}\n{}", choice.endpoint.region(), lines.join("\n"))
}

/// Why the roots are those.
fn why_these_roots(choice: &Choice) -> &'static str {
    match &choice.found {
        Some(found) if found.internet_access_gateway => {
            "the certificate of its internet access gateway is of Amazon Trust Services"
        }
        _ => "as --trust says",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_endpoint_keeps_neither_roots_nor_readers_of_the_old_one() {
        assert_eq!(trust_of_new("new.example", Some("old.example")), Some(Trust::OfItsKind));
        assert_eq!(trust_of_new("old.example", Some("old.example")), None);
        assert_eq!(trust_of_new("new.example", None), None);
        assert_eq!(readers_of_new("new.example", Some("old.example")), Some(Readers::None));
        assert_eq!(readers_of_new("old.example", Some("old.example")), None);
    }
}

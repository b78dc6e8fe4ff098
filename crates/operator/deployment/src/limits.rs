//! What Lambda would refuse only when it creates a function: zones that it has not, networks of two VPCs,
//! more reserved concurrency than the account has.

use std::collections::BTreeSet;

use aws_cli::{Aws, Concurrency, Subnet, subnets, vpcs_of_groups};

use crate::choice::Choice;
use crate::{Failure, Report};

/// Availability Zones whose subnets Lambda refuses: "The provided subnets contain availability zone Lambda
/// doesn't support." AWS shows the zones of an account by names that differ from account to account; these
/// ids do not. They are the constrained zones of Regions that have others.
const WITHOUT_LAMBDA: [&str; 3] = ["use1-az3", "usw1-az2", "apne1-az3"];

/// Checks the functions' subnets and security groups. Of subnets that AWS chose, those of zones without
/// Lambda are left out.
///
/// # Errors
/// Lambda would refuse them.
pub(crate) fn network(
    aws: &Aws,
    choice: &mut Choice,
    are_given: bool,
    report: &Report,
) -> Result<(), Failure> {
    if choice.subnets.is_empty() {
        return Ok(());
    }
    let found = match subnets(aws, &choice.subnets) {
        Ok(found) => found,
        Err(error) if error.is_not_found() => return Err(error.into()),
        Err(error) => {
            report.note(&format!("note: cannot check the subnets: {error}"));
            return Ok(());
        }
    };
    all_there(&choice.subnets, found.iter().map(|it| it.id.as_str()), "subnet")?;
    let usable = usable(&found, are_given)?;
    if usable.len() < found.len() {
        let left_out = found.iter().filter(|it| !usable.iter().any(|used| used.id == it.id));
        let left_out: Vec<_> = left_out.map(|it| format!("{} ({})", it.id, it.zone_id)).collect();
        report.note(&format!(
            "note: Lambda is not in the zone of {}, which the functions do without",
            left_out.join(", ")
        ));
    }
    choice.subnets.retain(|id| usable.iter().any(|used| used.id == *id));
    let without_ipv6 = usable.iter().filter(|subnet| !subnet.is_dual_stack());
    choice.subnets_without_ipv6 = Some(without_ipv6.map(|subnet| subnet.id.clone()).collect());
    let vpc = one_vpc(&usable)?;
    if let Some(of_database) = choice.found.as_ref().and_then(|found| found.vpc.as_deref())
        && of_database != vpc
    {
        report.note(&format!(
            "warning: the subnets are in {vpc}, and the database is in {of_database}: the function \
             reaches it only if the two are peered or connected by a transit gateway"
        ));
    }
    match vpcs_of_groups(aws, &choice.security_groups) {
        Ok(groups) => {
            let there = groups.iter().map(|(id, _)| id.as_str());
            all_there(&choice.security_groups, there, "security group")?;
            groups_of(&groups, vpc)
        }
        Err(error) if error.is_not_found() => Err(error.into()),
        Err(error) => {
            report.note(&format!("note: cannot check the security groups: {error}"));
            Ok(())
        }
    }
}

/// Checks that each id is among those that AWS knows.
fn all_there<'a>(
    ids: &[String],
    there: impl Iterator<Item = &'a str>,
    what: &str,
) -> Result<(), Failure> {
    let there: BTreeSet<_> = there.collect();
    match ids.iter().find(|id| !there.contains(id.as_str())) {
        None => Ok(()),
        Some(id) => Err(format!("there is no {what} {id} in this account and region").into()),
    }
}

/// The subnets that Lambda takes.
fn usable(all: &[Subnet], are_given: bool) -> Result<Vec<&Subnet>, Failure> {
    let (bad, good): (Vec<_>, Vec<_>) =
        all.iter().partition(|subnet| WITHOUT_LAMBDA.contains(&subnet.zone_id.as_str()));
    let named = |subnets: &[&Subnet]| {
        let named = subnets.iter().map(|it| format!("{} in {}", it.id, it.zone_id));
        named.collect::<Vec<_>>().join(", ")
    };
    if !bad.is_empty() && (are_given || good.is_empty()) {
        return Err(format!(
            "Lambda does not support the Availability Zone of {}; use subnets of other zones of the VPC: \
             --subnets",
            named(&bad)
        )
        .into());
    }
    Ok(good)
}

/// The VPC of the subnets.
fn one_vpc<'a>(subnets: &[&'a Subnet]) -> Result<&'a str, Failure> {
    let vpcs: BTreeSet<_> = subnets.iter().map(|subnet| subnet.vpc.as_str()).collect();
    match vpcs.iter().collect::<Vec<_>>()[..] {
        [vpc] => Ok(vpc),
        _ => {
            let named = subnets.iter().map(|it| format!("{} in {}", it.id, it.vpc));
            Err(format!(
                "the subnets of a function must be of one VPC: {}",
                named.collect::<Vec<_>>().join(", ")
            )
            .into())
        }
    }
}

/// Checks that the security groups are of the subnets' VPC.
fn groups_of(groups: &[(String, String)], vpc: &str) -> Result<(), Failure> {
    match groups.iter().find(|(_, other)| other != vpc) {
        None => Ok(()),
        Some((group, other)) => Err(format!(
            "the security group {group} is of {other}, and the subnets are of {vpc}; a function's groups \
             must be of its subnets' VPC: --security-groups"
        )
        .into()),
    }
}

/// Checks that the account has the concurrency that the stack reserves: `wanted`, and so far `reserved`.
///
/// # Errors
/// Lambda would refuse it.
pub(crate) fn concurrency(
    aws: &Aws,
    wanted: u64,
    reserved: u64,
    report: &Report,
) -> Result<(), Failure> {
    let more = wanted.saturating_sub(reserved);
    if more == 0 {
        return Ok(());
    }
    match Concurrency::of(aws) {
        Ok(account) => enough(account, wanted, more),
        Err(error) => {
            report.note(&format!("note: cannot check the account's concurrency: {error}"));
            Ok(())
        }
    }
}

fn enough(account: Concurrency, wanted: u64, more: u64) -> Result<(), Failure> {
    let Concurrency { quota, unreserved } = account;
    if unreserved >= more + Concurrency::KEPT {
        return Ok(());
    }
    Err(format!(
        "Lambda would refuse to reserve a concurrency of {wanted} for the functions: of the account's \
         {quota}, {unreserved} are unreserved, and {} must stay so. Reserve less, or none: --parameter \
         ReservedConcurrency=none; or request a higher quota",
        Concurrency::KEPT
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(id: &str, vpc: &str, zone_id: &str) -> Subnet {
        Subnet::new(id, vpc, zone_id)
    }

    #[test]
    fn zones_without_lambda_are_left_out_or_refused() {
        let all = [subnet("a", "v", "use1-az1"), subnet("b", "v", "use1-az3")];
        let used = usable(&all, false).unwrap();
        assert_eq!(used.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["a"]);
        for (subnets, are_given) in [(&all[..], true), (&all[1..], false)] {
            let error = usable(subnets, are_given).unwrap_err().to_string();
            assert!(error.contains("of b in use1-az3; use subnets"), "{error}");
        }
        assert_eq!(usable(&all[..1], true).unwrap().len(), 1);
    }

    #[test]
    fn a_function_is_in_one_vpc() {
        let (a, b) = (subnet("a", "v", "z"), subnet("b", "w", "z"));
        assert_eq!(one_vpc(&[&a, &a]).unwrap(), "v");
        let error = one_vpc(&[&a, &b]).unwrap_err().to_string();
        assert!(error.contains("a in v, b in w"), "{error}");
        let groups = [("g".to_owned(), "v".to_owned()), ("h".to_owned(), "w".to_owned())];
        groups_of(&groups[..1], "v").unwrap();
        let error = groups_of(&groups, "v").unwrap_err().to_string();
        assert!(error.contains("group h is of w, and the subnets are of v"), "{error}");
    }

    #[test]
    fn a_hundred_must_stay_unreserved() {
        let account = Concurrency { quota: 1000, unreserved: 140 };
        enough(account, 60, 40).unwrap();
        let error = enough(account, 61, 41).unwrap_err().to_string();
        assert!(error.contains("of 61") && error.contains("1000, 140 are unreserved"), "{error}");
        // A new account.
        assert!(enough(Concurrency { quota: 10, unreserved: 10 }, 1, 1).is_err());
    }
}

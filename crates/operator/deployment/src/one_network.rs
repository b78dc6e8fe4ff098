//! The network that all functions of a stack share: what a deployment of one does to the others.

use std::collections::BTreeSet;

use aws_cli::{Aws, Subnet, subnets};

use crate::choice::Choice;
use crate::plan::Plan;
use crate::stack::Stack;
use crate::{Failure, Report};

/// Checks the network of the stack's other functions, which becomes that of this one.
///
/// # Errors
/// They would leave their VPC, or come into one: they could no longer reach their databases.
pub(crate) fn check(
    aws: &Aws,
    choice: &Choice,
    plan: &Plan,
    stack: &Stack,
    report: &Report,
) -> Result<(), Failure> {
    let is_there = |prefix: String| {
        stack.parameter(&format!("{prefix}Endpoint")).is_some_and(|host| !host.is_empty())
    };
    let others = plan.functions.iter().filter(|it| it.name != plan.function.name);
    let others: Vec<_> =
        others.filter(|it| is_there(it.prefix())).map(|it| it.name.as_str()).collect();
    if others.is_empty() {
        return Ok(());
    }
    let others = others.join(", ");
    let (old, new) = (listed(stack, "SubnetIds"), &choice.subnets);
    let apart = |were: &str, would_be: &str| -> Failure {
        format!(
            "the stack {} has {others} {were}, and {} would be {would_be}; all functions of a stack share a \
             network, so deploy it as another stack: --stack-name",
            stack.stack_name, plan.function.name
        )
        .into()
    };
    match (old.is_empty(), new.is_empty()) {
        (true, true) => return Ok(()),
        (true, false) => return Err(apart("outside a VPC", "in one")),
        (false, true) => return Err(apart("in a VPC", "outside")),
        (false, false) => {}
    }
    if changed(&old, new) {
        match (subnets(aws, &old), subnets(aws, new)) {
            (Ok(old), Ok(new)) => {
                if let Some((old, new)) = two_vpcs(&old, &new) {
                    return Err(apart(&format!("in {old}"), &format!("in {new}")));
                }
            }
            (Err(error), _) | (_, Err(error)) => report
                .note(&format!("note: cannot compare the VPC of the stack's subnets: {error}")),
        }
    }
    let old_groups = listed(stack, "SecurityGroupIds");
    for (what, old, new) in
        [("subnets", &old, new), ("security groups", &old_groups, &choice.security_groups)]
    {
        if changed(old, new) {
            report.note(&format!(
                "warning: the {what} of {others} change too, from {} to {}",
                old.join(", "),
                new.join(", ")
            ));
        }
    }
    Ok(())
}

fn listed(stack: &Stack, parameter: &str) -> Vec<String> {
    let kept = stack.parameter(parameter).unwrap_or_default();
    kept.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

fn changed(old: &[String], new: &[String]) -> bool {
    let set = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<_>>();
    set(old) != set(new)
}

/// The VPCs of the old and the new subnets, where they differ.
fn two_vpcs<'a>(old: &'a [Subnet], new: &'a [Subnet]) -> Option<(&'a str, &'a str)> {
    let (old, new) = (old.first()?.vpc.as_str(), new.first()?.vpc.as_str());
    (old != new).then_some((old, new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_its_ids_and_its_vpc() {
        let ids = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
        assert!(!changed(&ids(&["a", "b"]), &ids(&["b", "a"])));
        assert!(changed(&ids(&["a", "b"]), &ids(&["a"])));
        let of = |vpc: &str| [Subnet::new("s", vpc, "")];
        assert_eq!(two_vpcs(&of("v"), &of("v")), None);
        assert_eq!(two_vpcs(&of("v"), &of("w")), Some(("v", "w")));
    }
}

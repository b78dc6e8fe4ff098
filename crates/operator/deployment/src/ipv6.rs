//! Functions that send by IPv6 too, in dual-stack subnets.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-ipv6>.

use aws_cli::{Aws, Database, Families, families};

use crate::choice::Choice;
use crate::{Failure, Report};

/// The template's parameter.
pub(crate) const PARAMETER: &str = "Ipv6AllowedForDualStack";

/// Checks the subnets and the security groups, if `is_on`, and says where IPv6 could be turned on.
///
/// # Errors
/// Lambda would refuse a subnet.
pub(crate) fn check(
    aws: &Aws,
    choice: &Choice,
    is_on: bool,
    report: &Report,
) -> Result<(), Failure> {
    let Some(without) = &choice.subnets_without_ipv6 else { return Ok(()) };
    if let Some(why) = refusal(without).filter(|_| is_on) {
        return Err(why.into());
    }
    let Some(found) = &choice.found else { return Ok(()) };
    match (is_on, found.is_dual_stack) {
        (true, true) => match families(aws, found, &choice.security_groups) {
            Ok(way) => report_closed(way, found, &choice.security_groups, report),
            Err(error) => report.note(&format!("note: cannot check IPv6 in the rules: {error}")),
        },
        (true, false) => report.note(&format!(
            "note: the network type of the {} is IPv4, so its endpoint has no IPv6 address for the functions",
            found.target
        )),
        (false, true) if without.is_empty() => report.note(&format!(
            "note: the {} is dual-stack, and so are the subnets: with --ipv6, the functions reach it by \
             either protocol",
            found.target
        )),
        (false, _) => {}
    }
    Ok(())
}

/// Why Lambda would refuse IPv6, because of the subnets `without` it.
fn refusal(without: &[String]) -> Option<String> {
    (!without.is_empty()).then(|| {
        format!(
            "Lambda allows IPv6 to functions in dual-stack subnets alone, and there is no IPv6 CIDR block in {}: give \
             it one, or use others with --subnets; or leave IPv6 off: without --ipv6, and in an existing \
             stack with --parameter {PARAMETER}=false",
            without.join(", ")
        )
    })
}

/// Warns of rules that are of IPv4 alone.
fn report_closed(way: Families, found: &Database, from: &[String], report: &Report) {
    let (region, port) = (&found.region, found.port);
    let (Some(own), Some(theirs)) = (from.first(), found.security_groups.first()) else { return };
    let (what, command) = match way {
        Families::Both => return,
        Families::NoIpv6Out => (
            format!("no outbound rule of {} is for IPv6", from.join(", ")),
            format!(
                "authorize-security-group-egress --region {region} --group-id {own} --ip-permissions \
                 'IpProtocol=tcp,FromPort={port},ToPort={port},UserIdGroupPairs=[{{GroupId={theirs}}}]'"
            ),
        ),
        Families::NoIpv6In => (
            format!("no inbound rule of {} is for IPv6", found.security_groups.join(", ")),
            format!(
                "authorize-security-group-ingress --region {region} --group-id {theirs} --protocol tcp \
                 --port {port} --source-group {own}"
            ),
        ),
    };
    report.note(&format!(
        "warning: {what}, so the database's IPv6 address does not answer the functions; a rule for a group is \
         for both protocols:\n  aws ec2 {command}"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subnet_must_be_dual_stack() {
        assert_eq!(refusal(&[]), None);
        let why = refusal(&["subnet-1".to_owned(), "subnet-2".to_owned()]).unwrap();
        assert!(why.contains("no IPv6 CIDR block in subnet-1, subnet-2:"), "{why}");
    }
}

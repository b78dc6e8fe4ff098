//! Whether the network lets the function reach the database.

use doctor::{Cause, Verdict};
use rds_discovery::{Aws, Database, Reach, reach};

use super::{Finding, Login, cause, unanswered};
use crate::deployed::{Configuration, Vpc};

const PROOF: &str = "the connection proves that the way is open";

pub(super) fn examine(aws: &Aws, database: &Database, login: &Login, connected: bool) -> Finding {
    // A connection that stands settles what rules and routes can only suggest.
    let wrong = if connected { Verdict::Warning } else { Verdict::Failed };
    let vpc = login.function.as_ref().and_then(|function| function.vpc_config.clone());
    let vpc = vpc.filter(|vpc| vpc.vpc_id.as_deref().is_some_and(|id| !id.is_empty()));
    let public = database.publicly_accessible == Some(true);
    match (&login.function, vpc) {
        (Some(_), None) if !public && connected => Finding::new(
            Verdict::Ok,
            "the database has no public address and the function is in no VPC, but the connection \
             stands",
        ),
        (Some(function), None) if !public => {
            Finding::new(wrong, "the database has no public address, and the function is in no VPC")
                .because_of([outside(database, function)])
        }
        (None, _) if connected => Finding::new(Verdict::Ok, "reached from this machine"),
        (None, _) if !public => Finding::new(
            wrong,
            "the database has no public address: from this machine it can only be reached through a \
             VPN, a tunnel or a bastion host",
        )
        .because_of([only_through_a_tunnel(database)]),
        (_, vpc) => groups(aws, database, vpc.unwrap_or_default(), connected),
    }
}

/// Asks for the rules of the database's security groups.
fn groups(aws: &Aws, database: &Database, own: Vpc, connected: bool) -> Finding {
    let other_vpc =
        own.vpc_id.as_ref().filter(|id| database.vpc.as_ref().is_some_and(|it| it != *id));
    let theirs = database.security_groups.join(", ");
    let from = match own.security_group_ids[..] {
        [] => "the internet".to_owned(),
        _ => own.security_group_ids.join(", "),
    };
    let finding = match reach(aws, database, &own.security_group_ids) {
        Err(error) => return unanswered(connected, PROOF, &error),
        Ok(Reach::Open) => {
            Finding::new(Verdict::Ok, format!("{theirs} lets {from} in on port {}", database.port))
                .disproves(&["security-group"])
        }
        Ok(Reach::ByAddress) => Finding::new(
            Verdict::Ok,
            format!("{theirs} lets addresses in on port {}", database.port),
        ),
        Ok(Reach::Closed) if connected => Finding::new(
            Verdict::Ok,
            format!("no rule of {theirs} names {from}, but the connection stands"),
        ),
        Ok(Reach::Closed) => Finding::new(
            Verdict::Failed,
            format!("no rule of {theirs} lets {from} in on port {}", database.port),
        )
        .because_of([closed(database, &own, &from)]),
    }
    .fact("database_security_groups", database.security_groups.clone())
    .fact("function_security_groups", own.security_group_ids.clone())
    .fact("database_subnets", database.subnets.clone())
    .fact("function_subnets", own.subnet_ids.clone());
    match other_vpc {
        Some(id) if !connected => Finding {
            verdict: Verdict::Failed,
            seen: format!(
                "{}; the function is in {id}, the database in {}",
                finding.seen,
                database.vpc.as_deref().unwrap_or("another VPC")
            ),
            ..finding
        }
        .because_of([another_vpc(database, id)]),
        _ => finding,
    }
}

fn closed(database: &Database, own: &Vpc, from: &str) -> Cause {
    let (region, port) = (&database.region, database.port);
    let group = database.security_groups.first().map_or("DATABASE-GROUP", String::as_str);
    let source = match own.security_group_ids.first() {
        Some(own) => format!("--source-group {own}"),
        None => "--cidr YOUR-ADDRESS/32".to_owned(),
    };
    cause(
        "security-group",
        "the database's security group does not let the function in",
        format!("no inbound rule of {group} admits {from} on port {port}"),
        format!(
            "`aws ec2 describe-security-group-rules --region {region} --filters \
             Name=group-id,Values={group}`"
        ),
        format!(
            "`aws ec2 authorize-security-group-ingress --region {region} --group-id {group} \
             --protocol tcp --port {port} {source}`"
        ),
    )
}

fn outside(database: &Database, function: &Configuration) -> Cause {
    let (region, arn) = (&database.region, &function.arn);
    cause(
        "no-route",
        "the function is outside of the database's VPC",
        format!(
            "the {} is not publicly accessible and in {}; the function is in no VPC",
            database.target,
            database.vpc.as_deref().unwrap_or("a VPC")
        ),
        format!("`aws lambda get-function-configuration --function-name {arn} --query VpcConfig`"),
        format!(
            "put the function into the database's subnets: `aws lambda update-function-configuration \
             --region {region} --function-name {arn} --vpc-config SubnetIds={},\
             SecurityGroupIds=FUNCTION-GROUP`; its role needs AWSLambdaVPCAccessExecutionRole",
            database.subnets.join(",")
        ),
    )
}

fn another_vpc(database: &Database, id: &str) -> Cause {
    let vpc = database.vpc.as_deref().unwrap_or("another");
    cause(
        "no-route",
        "the function is in another VPC than the database",
        format!("the function is in {id}, the database in {vpc}, and TCP did not get through"),
        format!(
            "`aws ec2 describe-vpc-peering-connections --region {}`: one must join {id} and {vpc}, \
             and the subnets' route tables lead to it",
            database.region
        ),
        format!(
            "put the function into subnets of {vpc} ({}), or peer the two",
            database.subnets.join(", ")
        ),
    )
}

fn only_through_a_tunnel(database: &Database) -> Cause {
    let Database { endpoint, port, .. } = database;
    cause(
        "no-route",
        "the database can only be reached inside its VPC",
        format!("the {} is not publicly accessible", database.target),
        format!("`dig +short {endpoint}` gives a private address"),
        format!(
            "ask the deployed function, which is inside: `cargo xtask doctor --function NAME`; or open \
             a tunnel, `ssh -N -L {port}:{endpoint}:{port} BASTION`, and give --connect-to \
             127.0.0.1:{port}"
        ),
    )
}

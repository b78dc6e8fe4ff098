//! Whether the function can reach the database through the network.

use aws_cli::{Aws, Database, Families, Function, Reach, Vpc, families, reach};
use diagnosis::{Cause, Suspect, Verdict, shell};

use super::{Finding, Login, suspect, unanswered};

const PROOF: &str = "the function is connected";

pub(super) fn examine(aws: &Aws, database: &Database, login: &Login, connected: bool) -> Finding {
    let finding = by_any_protocol(aws, database, login, connected);
    let vpc = login.function.as_ref().and_then(Function::vpc);
    let by_both = vpc.filter(|vpc| vpc.ipv6_allowed_for_dual_stack == Some(true));
    match by_both.filter(|_| database.is_dual_stack) {
        Some(vpc) => by_ipv6(aws, database, vpc, finding.fact("ipv6", true)),
        None => finding.fact("ipv6", by_both.is_some()),
    }
}

/// Checks that rules admit IPv6 as they admit IPv4, for a function and a database that have both.
fn by_ipv6(aws: &Aws, database: &Database, own: &Vpc, finding: Finding) -> Finding {
    let (region, port) = (shell(&database.region), database.port);
    let (groups, theirs) = (own.security_group_ids.join(", "), database.security_groups.join(", "));
    let because = match families(aws, database, &own.security_group_ids) {
        Ok(Families::Both) => return finding,
        Ok(Families::NoIpv6Out) => format!("{groups} sends to no IPv6 address on port {port}"),
        Ok(Families::NoIpv6In) => format!("{theirs} admits no IPv6 address on port {port}"),
        Err(error) => {
            return Finding { seen: format!("{}; IPv6: {error}", finding.seen), ..finding };
        }
    };
    let all = [&own.security_group_ids[..], &database.security_groups].concat().join(",");
    let confirm = format!(
        "`aws ec2 describe-security-group-rules --region {region} --filters \
         {}`: CidrIpv4 and CidrIpv6",
        shell(&format!("Name=group-id,Values={all}"))
    );
    let fix = "admit the function's security group itself, and let it send to the database's: rules for \
               groups are for both protocols; until then each login takes the IPv4 address, a quarter of \
               a second later";
    let verdict = match finding.verdict {
        Verdict::Ok => Verdict::Warning,
        other => other,
    };
    let suspect = suspect(Cause::FamilySilent, because.clone(), confirm, fix.to_owned());
    Finding { verdict, seen: format!("{}; {because}", finding.seen), ..finding }
        .because_of([suspect])
}

fn by_any_protocol(aws: &Aws, database: &Database, login: &Login, connected: bool) -> Finding {
    if database.is_outside_vpcs() {
        return through_gateway(database, login, connected);
    }
    // A connection proves more than rules and routes.
    let wrong = if connected { Verdict::Warning } else { Verdict::Failed };
    let vpc = login.function.as_ref().and_then(Function::vpc);
    let public = database.publicly_accessible == Some(true);
    match (&login.function, vpc) {
        (Some(_), None) if !public && connected => Finding::new(
            Verdict::Ok,
            "the database has no public address and the function is in no VPC, but it is connected",
        ),
        (Some(function), None) if !public => {
            Finding::new(wrong, "the database has no public address, and the function is in no VPC")
                .because_of([outside(database, function)])
        }
        (None, _) if connected => Finding::new(Verdict::Ok, "connected from this machine"),
        (None, _) if !public => Finding::new(
            wrong,
            "the database has no public address: this machine can reach it only through a VPN, a tunnel \
             or a bastion host",
        )
        .because_of([only_through_a_tunnel(database)]),
        (_, vpc) => groups(aws, database, vpc, connected),
    }
}

/// An express cluster has no security groups and no subnets: whoever reaches the internet reaches it.
///
/// Source: <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/CHAP_GettingStartedAurora.AuroraPostgreSQL.ExpressConfig.html>.
fn through_gateway(database: &Database, login: &Login, connected: bool) -> Finding {
    let text = format!("the {} is reached through an internet access gateway", database.target);
    match login.function.as_ref().filter(|function| function.vpc().is_some() && !connected) {
        None => Finding::new(Verdict::Ok, text),
        Some(function) => Finding::new(
            Verdict::Failed,
            format!("{text}, but the function is in a VPC and is not connected"),
        )
        .because_of([shut_in(database, login, function)]),
    }
}

fn shut_in(database: &Database, login: &Login, function: &Function) -> Suspect {
    let user = login.user.as_deref().unwrap_or("USER");
    suspect(
        Cause::NoRoute,
        format!(
            "the {} is outside any VPC, behind an internet access gateway; the function is in {}",
            database.target,
            function.vpc().and_then(|vpc| vpc.vpc_id.as_deref()).unwrap_or("a VPC")
        ),
        format!(
            "`aws lambda get-function-configuration --function-name {} --query VpcConfig`, and \
             `aws ec2 describe-route-tables --region {}`: its subnets need a route to a NAT gateway",
            shell(&function.arn),
            shell(&database.region)
        ),
        format!(
            "deploy it outside a VPC (`cargo xtask deploy --region {} --db-cluster {} --db-user {}`), or \
             give its subnets a route to a NAT gateway",
            shell(&database.region),
            shell(database.target.name()),
            shell(user)
        ),
    )
}

/// Checks the rules of the database's security groups.
fn groups(aws: &Aws, database: &Database, own: Option<&Vpc>, connected: bool) -> Finding {
    let none = Vpc::default();
    let own = own.unwrap_or(&none);
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
            Finding::new(Verdict::Ok, format!("{theirs} admits {from} on port {}", database.port))
                .disproves(&[Cause::TcpSilent])
        }
        Ok(Reach::ByAddress) => Finding::new(
            Verdict::Ok,
            format!("{theirs} admits addresses on port {}", database.port),
        ),
        Ok(Reach::Closed) if connected => Finding::new(
            Verdict::Ok,
            format!("no rule of {theirs} names {from}, but the function is connected"),
        ),
        Ok(Reach::Closed) => Finding::new(
            Verdict::Failed,
            format!("no rule of {theirs} admits {from} on port {}", database.port),
        )
        .because_of([closed(database, own, &from)]),
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

fn closed(database: &Database, own: &Vpc, from: &str) -> Suspect {
    let (region, port) = (shell(&database.region), database.port);
    let group = database.security_groups.first().map_or("DATABASE-GROUP", String::as_str);
    let group = shell(group);
    let source = match own.security_group_ids.first() {
        Some(own) => format!("--source-group {}", shell(own)),
        None => "--cidr YOUR-ADDRESS/32".to_owned(),
    };
    suspect(
        Cause::TcpSilent,
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

fn outside(database: &Database, function: &Function) -> Suspect {
    let (region, arn) = (shell(&database.region), shell(&function.arn));
    suspect(
        Cause::NoRoute,
        format!(
            "the {} is in {} and not publicly accessible; the function is in no VPC",
            database.target,
            database.vpc.as_deref().unwrap_or("a VPC")
        ),
        format!("`aws lambda get-function-configuration --function-name {arn} --query VpcConfig`"),
        format!(
            "move the function into the database's subnets: `aws lambda update-function-configuration \
             --region {region} --function-name {arn} --vpc-config {}`; its role needs \
             AWSLambdaVPCAccessExecutionRole",
            shell(&format!(
                "SubnetIds={},SecurityGroupIds=FUNCTION-GROUP",
                database.subnets.join(",")
            ))
        ),
    )
}

fn another_vpc(database: &Database, id: &str) -> Suspect {
    let vpc = database.vpc.as_deref().unwrap_or("another");
    suspect(
        Cause::NoRoute,
        format!("the function is in {id}, the database in {vpc}, and no TCP connection was made"),
        format!(
            "`aws ec2 describe-vpc-peering-connections --region {}`: one must connect {id} and {vpc}, \
             and the subnets' route tables must use it",
            shell(&database.region)
        ),
        format!(
            "move the function into subnets of {vpc} ({}), or peer the two VPCs",
            database.subnets.join(", ")
        ),
    )
}

fn only_through_a_tunnel(database: &Database) -> Suspect {
    let port = database.port;
    let endpoint = shell(&database.endpoint);
    let forward = shell(&format!("{port}:{}:{port}", database.endpoint));
    suspect(
        Cause::NoRoute,
        format!("the {} is not publicly accessible", database.target),
        format!("`dig +short {endpoint}` prints a private address"),
        format!(
            "ask the deployed function, which is in the VPC: `cargo xtask doctor --function NAME`; or open \
             a tunnel, `ssh -N -L {forward} BASTION`, and set --connect-to 127.0.0.1:{port}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use aws_cli::Target;
    use diagnosis::commands;
    use engine::Engine;

    #[test]
    fn an_express_cluster_is_reached_through_the_internet() {
        let (aws, _answers) = sample::aws(&[]);
        let express = sample::express();
        let examine = |is_in_vpc, connected| {
            super::examine(&aws, &express, &sample::login(is_in_vpc), connected)
        };
        for (is_in_vpc, connected) in [(false, false), (false, true), (true, true)] {
            let finding = examine(is_in_vpc, connected);
            assert_eq!(finding.verdict, Verdict::Ok, "{}", finding.seen);
            assert!(finding.seen.contains("through an internet access gateway"));
        }
        let here = Login { function: None, ..sample::login(false) };
        assert_eq!(super::examine(&aws, &express, &here, false).verdict, Verdict::Ok);
        let finding = examine(true, false);
        assert_eq!(finding.verdict, Verdict::Failed);
        let [cause] = &finding.causes[..] else { panic!("{}", finding.seen) };
        assert_eq!(cause.id, Cause::NoRoute.id());
        let deploy = "cargo xtask deploy --region eu-west-1 --db-cluster orders --db-user app";
        assert_eq!(commands(&cause.fix).next(), Some(deploy));
        // A cluster in a VPC is not.
        let database = sample::database();
        let finding = super::examine(&aws, &database, &sample::login(false), false);
        assert!(finding.seen.contains("in no VPC"), "{}", finding.seen);
    }

    #[test]
    fn rules_of_ipv4_alone_silence_ipv6() {
        let rule = |group: &str, is_egress: bool| {
            serde_json::json!({"GroupId": group, "IsEgress": is_egress, "IpProtocol": "-1",
                "FromPort": -1, "ToPort": -1, "CidrIpv4": "0.0.0.0/0"})
        };
        let rules = [rule("sg-1", true), rule("sg-db", false)];
        let answer = serde_json::json!({ "SecurityGroupRules": rules });
        let (aws, _answers) = sample::aws(&[("ec2 describe-security-group-rules", answer)]);
        let mut login = sample::login(true);
        for (is_dual_stack, ipv6, verdict) in
            [(true, true, Verdict::Warning), (true, false, Verdict::Ok), (false, true, Verdict::Ok)]
        {
            let security_groups = vec!["sg-db".into()];
            let database = Database { is_dual_stack, security_groups, ..sample::database() };
            let function = serde_json::json!({"FunctionArn": "arn", "CodeSha256": "", "VpcConfig": {
                "VpcId": "vpc-1", "SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"],
                "Ipv6AllowedForDualStack": ipv6}});
            login.function = Some(serde_json::from_value(function).unwrap());
            let finding = super::examine(&aws, &database, &login, true);
            assert_eq!(finding.verdict, verdict, "{}", finding.seen);
            let found = finding.causes.iter().any(|one| one.id == Cause::FamilySilent.id());
            assert_eq!(found, verdict == Verdict::Warning, "{}", finding.seen);
        }
    }

    #[test]
    fn names_from_aws_are_quoted() {
        let odd = || "a; touch 'b".to_owned();
        let database = Database {
            target: Target::Instance(odd()),
            arn: odd(),
            engine: Engine::Postgres,
            engine_name: odd(),
            version: None,
            endpoint: odd(),
            port: 5432,
            resource_id: odd(),
            cluster: None,
            region: odd(),
            vpc: None,
            subnets: vec![odd()],
            security_groups: vec![odd()],
            ca: None,
            iam_auth: false,
            proxy: None,
            internet_access_gateway: false,
            instance_classes: vec![],
            master_user: None,
            status: "stopped".into(),
            publicly_accessible: None,
            exports_auth_errors: None,
            reader: None,
            serverless: None,
            is_dual_stack: false,
        };
        let own = Vpc { security_group_ids: vec![odd()], ..Vpc::default() };
        let function = serde_json::json!({"FunctionArn": odd(), "CodeSha256": ""});
        let function = serde_json::from_value(function).unwrap();
        let login = Login { host: Some("db.example".into()), ..Login::default() };
        let seen = crate::cloud::Seen { logged_in: true, suspects_pause: false };
        let mut causes = vec![
            closed(&database, &own, "x"),
            outside(&database, &function),
            shut_in(&database, &login, &function),
            another_vpc(&database, "x"),
            only_through_a_tunnel(&database),
        ];
        causes.extend(
            crate::cloud::database::examine(&Aws::new("aws"), &database, &login, seen).causes,
        );
        assert_eq!(causes.len(), 8);
        let texts = causes.iter().flat_map(|cause| [&cause.confirm, &cause.fix]);
        for command in texts.flat_map(|text| commands(text)) {
            assert!(!command.contains(&odd()), "{command}"); // unquoted
        }
    }
}

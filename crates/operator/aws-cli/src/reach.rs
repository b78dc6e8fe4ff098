//! Whether the security groups let a function reach the database: the most common reason for a
//! time-out in a VPC.

use serde::Deserialize;

use crate::client::Aws;
use crate::database::Database;
use crate::error::Error;

/// Whether the rules of the database's security groups admit a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A rule admits one of the function's groups.
    Open,
    /// A rule admits addresses, and the function's may be among them.
    ByAddress,
    /// No rule on the database's port admits the function.
    Closed,
}

/// Whether rules let IPv6 through as they let IPv4: an address range is of one of them alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Families {
    /// They do, or nothing is let through at all.
    Both,
    /// The functions' groups send to IPv4 addresses alone.
    NoIpv6Out,
    /// The database's groups admit IPv4 addresses alone.
    NoIpv6In,
}

#[derive(Deserialize)]
struct Rules {
    #[serde(rename = "SecurityGroupRules")]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    #[serde(default)]
    group_id: String,
    is_egress: bool,
    ip_protocol: String,
    from_port: Option<i32>,
    to_port: Option<i32>,
    cidr_ipv4: Option<String>,
    cidr_ipv6: Option<String>,
    prefix_list_id: Option<String>,
    referenced_group_info: Option<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Group {
    group_id: Option<String>,
}

/// Asks whether the database's security groups admit a function in the groups `from`.
///
/// # Errors
/// AWS refuses: the caller needs `ec2:DescribeSecurityGroupRules`.
pub fn reach(aws: &Aws, database: &Database, from: &[String]) -> Result<Reach, Error> {
    Ok(verdict(&rules(aws, database, &database.security_groups)?, database.port, from))
}

/// Asks whether IPv6 gets from functions in the groups `from` to the database as IPv4 does.
///
/// # Errors
/// As for [`reach`].
pub fn families(aws: &Aws, database: &Database, from: &[String]) -> Result<Families, Error> {
    let groups = [from, &database.security_groups].concat();
    Ok(by_family(&rules(aws, database, &groups)?, database, from))
}

/// The rules of these groups.
fn rules(aws: &Aws, database: &Database, groups: &[String]) -> Result<Vec<Rule>, Error> {
    let groups = format!("Name=group-id,Values={}", groups.join(","));
    let found: Rules = aws.clone().region(&database.region).call(&[
        "ec2",
        "describe-security-group-rules",
        "--filters",
        &groups,
    ])?;
    Ok(found.rules)
}

fn by_family(rules: &[Rule], database: &Database, from: &[String]) -> Families {
    let through = |groups: &[String], is_egress| {
        let of_port = |rule: &&Rule| is_for(rule, database.port, is_egress);
        let rules = rules.iter().filter(of_port).filter(|rule| groups.contains(&rule.group_id));
        let (mut ipv4, mut ipv6) = (false, false);
        for rule in rules {
            let is_set = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
            // A group, or a list of addresses of either.
            let of_both = rule.referenced_group_info.is_some() || is_set(&rule.prefix_list_id);
            ipv4 |= of_both || is_set(&rule.cidr_ipv4);
            ipv6 |= of_both || is_set(&rule.cidr_ipv6);
        }
        ipv6 || !ipv4
    };
    match () {
        () if !through(from, true) => Families::NoIpv6Out,
        () if !through(&database.security_groups, false) => Families::NoIpv6In,
        () => Families::Both,
    }
}

fn verdict(rules: &[Rule], port: u16, from: &[String]) -> Reach {
    let mut verdict = Reach::Closed;
    for rule in rules.iter().filter(|rule| is_for(rule, port, false)) {
        let group = rule.referenced_group_info.as_ref().and_then(|group| group.group_id.as_ref());
        if group.is_some_and(|group| from.contains(group)) {
            return Reach::Open;
        }
        let address = [&rule.cidr_ipv4, &rule.cidr_ipv6, &rule.prefix_list_id];
        if address.iter().any(|address| address.as_ref().is_some_and(|text| !text.is_empty())) {
            verdict = Reach::ByAddress;
        }
    }
    verdict
}

/// Whether a rule is for TCP to `port`, outbound or inbound.
fn is_for(rule: &Rule, port: u16, is_egress: bool) -> bool {
    let port = i32::from(port);
    let all = rule.ip_protocol == "-1";
    let tcp = matches!(rule.ip_protocol.as_str(), "tcp" | "6")
        && rule.from_port.is_some_and(|from| from <= port)
        && rule.to_port.is_some_and(|to| port <= to);
    rule.is_egress == is_egress && (all || tcp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn of(rules: &str, from: &str) -> Reach {
        let rules: Vec<Rule> = serde_json::from_str(rules).unwrap();
        verdict(&rules, 3306, &[from.to_owned()])
    }

    #[test]
    fn rules_are_read() {
        let group = r#"[{"IsEgress":false,"IpProtocol":"tcp","FromPort":3306,"ToPort":3306,
                        "ReferencedGroupInfo":{"GroupId":"sg-1"}}]"#;
        assert_eq!(of(group, "sg-1"), Reach::Open);
        assert_eq!(of(group, "sg-2"), Reach::Closed);
        let all = r#"[{"IsEgress":false,"IpProtocol":"-1","FromPort":-1,"ToPort":-1,
                      "ReferencedGroupInfo":{"GroupId":"sg-1"}}]"#;
        assert_eq!(of(all, "sg-1"), Reach::Open);
        let out = r#"[{"IsEgress":true,"IpProtocol":"-1","FromPort":-1,"ToPort":-1,
                      "CidrIpv4":"0.0.0.0/0"}]"#;
        assert_eq!(of(out, "sg-1"), Reach::Closed);
        let other_port = r#"[{"IsEgress":false,"IpProtocol":"tcp","FromPort":5432,"ToPort":5432,
                             "CidrIpv4":"0.0.0.0/0"}]"#;
        assert_eq!(of(other_port, "sg-1"), Reach::Closed);
        let addresses = r#"[{"IsEgress":false,"IpProtocol":"tcp","FromPort":0,"ToPort":65535,
                            "CidrIpv4":"10.0.0.0/8"}]"#;
        assert_eq!(of(addresses, "sg-1"), Reach::ByAddress);
    }

    #[test]
    fn a_range_of_addresses_is_of_one_family() {
        let rule = |group: &str, out: bool, more: &str| {
            format!(
                r#"{{"GroupId":"{group}","IsEgress":{out},"IpProtocol":"-1","FromPort":-1,"ToPort":-1,{more}}}"#
            )
        };
        let (four, six) = (r#""CidrIpv4":"0.0.0.0/0""#, r#""CidrIpv6":"::/0""#);
        let group = r#""ReferencedGroupInfo":{"GroupId":"sg-f"}"#;
        let (out, inside) = (|to| rule("sg-f", true, to), |from| rule("sg-db", false, from));
        for (rules, expected) in [
            (vec![out(four), out(six), inside(group)], Families::Both),
            (vec![out(four), inside(group)], Families::NoIpv6Out),
            (vec![out(four), out(six), inside(four)], Families::NoIpv6In),
            (vec![out(group), inside(six), inside(four)], Families::Both),
            // The default rule of the database's group is for what it sends itself.
            (vec![out(six), inside(group), rule("sg-db", true, four)], Families::Both),
            (vec![], Families::Both),
        ] {
            let read: Vec<Rule> = serde_json::from_str(&format!("[{}]", rules.join(","))).unwrap();
            let database = crate::support::tests::database("mysql", "8.4.3", "db.r6g.large");
            let database =
                Database { port: 3306, security_groups: vec!["sg-db".into()], ..database };
            assert_eq!(by_family(&read, &database, &["sg-f".to_owned()]), expected, "{rules:?}");
        }
    }
}

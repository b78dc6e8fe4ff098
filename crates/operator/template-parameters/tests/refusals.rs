//! The parameters of `deploy/template.yaml`, with values that CloudFormation or Lambda would refuse.

#![allow(clippy::unwrap_used)] // a test

use template_parameters::Parameters;

const TEMPLATE: &str = include_str!("../../../../deploy/template.yaml");

#[track_caller]
fn refusals(name: &str, value: &str) -> Vec<String> {
    Parameters::of_yaml(TEMPLATE).unwrap().refusals([(name, value)])
}

#[track_caller]
fn refused(name: &str, value: &str, why: &str) {
    let refusals = refusals(name, value);
    assert_eq!(refusals.len(), 1, "{name}={value}: {refusals:?}");
    assert!(refusals[0].contains(name) && refusals[0].contains(why), "{}", refusals[0]);
    assert!(refusals[0].len() < 1000, "{}", refusals[0].len());
}

fn ids(start: &str, count: usize) -> String {
    let ids: Vec<_> = (0..count).map(|number| format!("{start}-{number:017x}")).collect();
    ids.join(",")
}

#[test]
fn the_number_of_subnets_and_groups_is_limited() {
    for (name, start, most, why) in [
        ("SubnetIds", "subnet", 16, "must be at most 16 ids of subnets"),
        ("SecurityGroupIds", "sg", 5, "must be at most 5 ids of security groups"),
    ] {
        for accepted in [String::new(), format!("{start}-0a1b2c3d"), ids(start, most)] {
            assert_eq!(refusals(name, &accepted), [""; 0], "{name}={accepted}");
        }
        let one = &*ids(start, 1);
        for value in [
            &*ids(start, most + 1),
            "default",
            "vpc-0123456789abcdef0",
            &one.to_uppercase(),
            &format!("{one},"),
            &format!(",{one}"),
            &format!("{one}, {one}"),
            &format!("{one};{one}"),
            &format!("{one}0"),
        ] {
            refused(name, value, why);
        }
    }
}

/// In another template, whose parameters have types of EC2.
#[test]
fn ids_have_the_form_of_their_type() {
    let parameters = Parameters::of_yaml(
        "Parameters: { Vpc: { Type: 'AWS::EC2::VPC::Id' }, Group: { Type: \
         'AWS::EC2::SecurityGroup::Id' }, Subnets: { Type: 'List<AWS::EC2::Subnet::Id>' } }",
    )
    .unwrap();
    let ids = [
        ("Vpc", "vpc-0a1b2c3d"),
        ("Group", "sg-0123456789abcdef0"),
        ("Subnets", "subnet-0a1b2c3d, subnet-0a1b2c3e"),
    ];
    assert_eq!(parameters.refusals(ids), [""; 0]);
    for (name, value) in [
        ("Vpc", "default"),
        ("Vpc", "vpc-0a1b2c3d,vpc-0a1b2c3d"),
        ("Group", "sg-0123456789ABCDEF0"),
        ("Subnets", ""),
        ("Subnets", "subnet-0a1b2c3d,"),
    ] {
        let refusals = parameters.refusals([(name, value)]);
        assert!(refusals[0].contains("must have the form"), "{name}={value}: {refusals:?}");
    }
}

#[test]
fn refusals_have_the_templates_words() {
    refused("Nonsense", "1", "the template has no parameter Nonsense");
    refused("MySqlResourceId", "mydb", "not the identifier of an instance");
    // A proxy keeps its id at a switchover.
    let proxies = "prx-0123456789abcdef0,prx-0123456789abcdef1";
    refused("PostgresResourceId", proxies, "or two of instances or two of clusters");
    refused("MySqlDbIdentifier", "MyDB", "in lower case as RDS shows it");
    refused("MySqlEndpoint", "mydb", "must be the endpoint as RDS shows it");
    refused("ReservedConcurrency", "0", "must be a whole number from 1");
    refused("PermissionsBoundary", "boundary", "must be the ARN of a managed policy");
    refused("Architecture", "amd64", "must be one of arm64, x86_64");
    refused("LogRetentionDays", "2", "must be one of 1, 3, 5");
    refused("PostgresDatabase", &"d".repeat(64), "must be at most 63 characters long");
    refused("CaBundle", &"x".repeat(4097), "must be at most 4096 bytes");
    refused(
        "CaBundle",
        &format!("/{}", "x".repeat(1024)),
        "must be an absolute path of at most 1024",
    );
    refused("CaBundle", &"ü".repeat(1000), "must be an absolute path");
}

#[test]
fn numbers_are_whole_and_within_their_limits() {
    for (value, why) in [
        ("0", "at least 1"),
        ("901", "at most 900"),
        ("-1", "at least 1"),
        ("", "a whole number"),
        ("30.5", "a whole number"),
        ("3e1", "a whole number"),
        ("inf", "a whole number"),
        ("NaN", "a whole number"),
        ("99999999999999999999", "a whole number"),
    ] {
        refused("Timeout", value, why);
    }
    assert!(refusals("Timeout", "900").is_empty());
}

#[test]
fn broken_rules_are_found() {
    let parameters = Parameters::of_yaml(TEMPLATE).unwrap();
    let broken = |given: &[(&str, &str)]| {
        let groups = [("SubnetIds", "subnet-0a1b2c3d"), ("SecurityGroupIds", "sg-0a1b2c3d")];
        let all = groups.iter().chain(given);
        let all = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        parameters.broken_rules(&parameters.values(&all).unwrap()).unwrap()
    };
    assert_eq!(broken(&[]), ["Set MySqlEndpoint, PostgresEndpoint or both."]);
    let none = [("SubnetIds", ""), ("SecurityGroupIds", "")];
    assert_eq!(broken(&none).len(), 1);
    for one in none {
        let broken = broken(&[one]);
        let both =
            |words: &String| words.starts_with("Set SubnetIds and SecurityGroupIds, or neither");
        assert!(broken.iter().any(both), "{broken:?}");
    }
    let endpoint = "mydb.abc123def456.eu-west-1.rds.amazonaws.com";
    let mysql = [
        ("MySqlEndpoint", endpoint),
        ("MySqlResourceId", "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ("MySqlUser", "u"),
        ("MySqlDatabase", "d"),
    ];
    assert_eq!(broken(&mysql), [""; 0]);
    let both = [&mysql[..], &[("PostgresEndpoint", endpoint)]].concat();
    assert_eq!(broken(&both).len(), 3, "resource id, user, database: {:?}", broken(&both));
}

#[test]
fn every_refusal_is_returned() {
    let parameters = Parameters::of_yaml(TEMPLATE).unwrap();
    let given = [("Nonsense", "1"), ("Timeout", "30"), ("MemorySize", "1"), ("LogLevel", "info")];
    assert_eq!(parameters.refusals(given).len(), 3);
    assert!(Parameters::of_yaml("Resources: {}").is_err());
    assert!(Parameters::of_yaml("\tA: [").is_err());
    assert!(Parameters::of_yaml("").is_err());
}

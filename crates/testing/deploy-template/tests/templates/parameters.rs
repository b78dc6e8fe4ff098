//! The patterns of the parameters, tested with common mistakes. The template contains CloudFormation's
//! error message, which has to help.

use iam_auth::{Endpoint, EndpointKind};
use template_parameters::Parameters;

use crate::stack::{
    ALL, BUILT, FUNCTIONS, GENERATED, MYSQL, POSTGRES, REPORTS, bare, both, refusals, refusals_of,
};

/// The only error for a stack with this value of this parameter.
fn refusal(name: &str, value: &str) -> String {
    let refusals = refusals(&both().with([(name, value)]));
    assert_eq!(refusals.len(), 1, "{name}={value}: {refusals:#?}");
    refusals[0].clone()
}

fn accepts(name: &str, values: &[&str]) {
    for value in values {
        assert_eq!(refusals(&both().with([(name, *value)])), [""; 0], "{name}={value}");
    }
}

#[test]
fn a_resource_id_is_told_from_an_identifier() {
    for name in ["MySqlResourceId", "PostgresResourceId"] {
        accepts(
            name,
            &[
                "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                "db-5HKXZ7XVQNZLHVNRMC3ZW3CQ4M",
                "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                "prx-0123456789abcdef0",
                // Of a blue/green deployment.
                "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ,db-5HKXZ7XVQNZLHVNRMC3ZW3CQ4M",
                "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ,cluster-5HKXZ7XVQNZLHVNRMC3ZW3CQ4M",
            ],
        );
        for identifier in [
            "",
            "mydb",
            "db-production-primary",
            "db-1",
            "db-productiondatabase",
            "DB-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "db-abcdefghijklmnopqrstuvwxyz",
            "cluster-main",
            "prx-ABCDEFGHIJKLMNOP0",
            "prx-orders",
            "i-0123456789abcdef0",
            "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ/lambda-user",
            "db-*",
            "*",
            "arn:aws:rds:eu-west-1:123456789012:db:mydb",
            "mydb.abc123def456.eu-west-1.rds.amazonaws.com",
            " db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ,",
            "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ, db-5HKXZ7XVQNZLHVNRMC3ZW3CQ4M",
            "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ,none",
            "none,none",
            // Two kinds, two proxies, which keep their ids, and three ids.
            "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ,cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "prx-0123456789abcdef0,db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "prx-0123456789abcdef0,prx-0123456789abcdef1",
            "db-ABCDEFGHIJKLMNOPQRSTUVWXY2,db-ABCDEFGHIJKLMNOPQRSTUVWXY3,db-ABCDEFGHIJKLMNOPQRSTUVWXY4",
        ] {
            let words = refusal(name, identifier);
            assert!(words.contains("not the identifier of an instance"), "{words}");
            assert!(words.contains("DbiResourceId"), "{words}");
        }
    }
}

#[test]
fn a_user_means_nothing_else_in_an_arn() {
    for (name, long) in [("MySqlUser", 33), ("PostgresUser", 64)] {
        let longest = "u".repeat(long - 1);
        accepts(
            name,
            &["lambda-user", "Lambda_User", "app.reader", "a@example.com", "a+b=c", &longest],
        );
        for user in ["*", "lambda*", "user?", "${aws:username}", "a/b", "a:b", "a b", "a\"b", "ü"]
        {
            assert!(refusal(name, user).contains("special meaning in the ARN"), "{user}");
        }
        refusal(name, &"u".repeat(long));
    }
}

#[test]
fn an_endpoint_is_a_host_of_rds() {
    for name in ["MySqlEndpoint", "PostgresEndpoint"] {
        accepts(
            name,
            &[
                "mydb.abc123def456.eu-west-1.rds.amazonaws.com",
                "mydb.cluster-ro-abc123def456.us-gov-west-1.rds.amazonaws.com",
                "mydb.proxy-abc123def456.cn-north-1.rds.amazonaws.com.cn",
                "mydb.abc123def456.rds.cn-northwest-1.amazonaws.com.cn",
                "mydb.global-abc123def456.global.rds.amazonaws.com",
                "mydb.cluster-custom-abc123def456.eu-west-1.rds.amazonaws.com",
                "readers.endpoint.proxy-abc123def456.eu-west-1.rds.amazonaws.com",
                "mydb.abc123def456.us-east-1.rds-fips.amazonaws.com",
                "mydb.cluster-abc123def456.eusc-de-east-1.rds.amazonaws.eu",
                "mydb.abc123def456.rds.us-iso-east-1.c2s.ic.gov",
                "",
            ],
        );
        for host in [
            "mydb",
            "localhost",
            "db.example.com",
            "orders.db.internal.corp.example.com",
            "10.0.0.1",
            "rds.eu-west-1.amazonaws.com",
            "mydb.abc123def456.ireland.rds.amazonaws.com",
            "mydb.abc123def456.eu-west-1.rds.amazonaws.com.example.com",
            "mydb.shardgrp-abc123def456.us-east-1.rds.amazonaws.com",
            "foo0bar1baz2quux3quuux4abc.dsql.us-east-1.on.aws",
            "mydb.abc123def456.us-east-1.redshift.amazonaws.com",
            "mydb.cluster-abc123def456.us-east-1.docdb.amazonaws.com",
            "mydb.cluster-abc123def456.us-east-1.neptune.amazonaws.com",
            "mydb.abc123def456.eu-west-1.rds.amazonaws.com:3306",
            "mysql://mydb.abc123def456.eu-west-1.rds.amazonaws.com",
            "arn:aws:rds:eu-west-1:123456789012:db:mydb",
        ] {
            assert!(refusal(name, host).contains("the endpoint as RDS shows it"), "{host}");
        }
    }
}

#[test]
fn a_reader_is_an_endpoint_that_may_be_one() {
    for name in ["MySqlReaderHost", "PostgresReaderHost"] {
        accepts(
            name,
            &[
                "",
                "mydb.cluster-ro-abc123def456.eu-west-1.rds.amazonaws.com",
                "mydb.cluster-custom-abc123def456.cn-north-1.rds.amazonaws.com.cn",
                "mydb-replica.abc123def456.us-east-1.rds-fips.amazonaws.com",
                "mydb.abc123def456.rds.us-iso-east-1.c2s.ic.gov",
                "readers.endpoint.proxy-abc123def456.eu-west-1.rds.amazonaws.com",
            ],
        );
        for host in [
            "mydb.cluster-abc123def456.eu-west-1.rds.amazonaws.com",
            "mydb",
            "readers.example.com",
            "mydb.abc123def456.us-east-1.redshift.amazonaws.com",
            "mydb.cluster-ro-abc123def456.eu-west-1.rds.amazonaws.com:3306",
        ] {
            assert!(refusal(name, host).contains("mydb.cluster-ro-"), "{host}");
        }
        let writer = name.replace("ReaderHost", "Endpoint");
        let reader = "mydb.cluster-ro-abc123def456.eu-west-1.rds.amazonaws.com";
        let said = refusals(&both().with([(name, reader), (&*writer, "")]));
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with(&format!("{name} needs {writer}")), "{said:?}");
    }
}

#[test]
fn any_concurrency_may_be_reserved_but_none_at_all() {
    accepts("ReservedConcurrency", &["1", "20", "99", "100", "1000", "none"]);
    for value in ["0", "-1", "all", "", "020", "1.5", "9999999999"] {
        assert!(
            refusal("ReservedConcurrency", value).contains("from 1, such as 20, or none"),
            "{value}"
        );
    }
}

#[test]
fn roots_have_two_names() {
    for name in ["MySqlTrust", "PostgresTrust"] {
        accepts(name, &["", "rds", "amazon"]);
        for value in ["RDS", "acm", "web", "amazon,rds"] {
            assert!(refusal(name, value).contains("must be one of , rds, amazon"), "{value}");
        }
    }
}

/// What the functions and `deploy` accept as an endpoint is what the template accepts.
#[test]
fn an_endpoint_is_read_alike() {
    let hosts = [
        "mydb.abc123def456.eu-west-1.rds.amazonaws.com",
        "mydb.cluster-abc123def456.eu-west-1.rds.amazonaws.com",
        "mydb.cluster-ro-abc123def456.eu-west-1.rds.amazonaws.com",
        "mydb.cluster-custom-abc123def456.eu-west-1.rds.amazonaws.com",
        "mydb.proxy-abc123def456.eu-west-1.rds.amazonaws.com",
        "mydb.endpoint.proxy-abc123def456.eu-west-1.rds.amazonaws.com",
        "mydb.abc123def456.rds.cn-north-1.amazonaws.com.cn",
        "mydb.shardgrp-abc123def456.us-east-1.rds.amazonaws.com",
        "mydb.cluster-abc123def456.us-east-1.docdb.amazonaws.com",
        "mydb.quorum-abc123def456.eu-west-1.rds.amazonaws.com",
        "a.b.abc123def456.eu-west-1.rds.amazonaws.com",
        "abc123def456.eu-west-1.rds.amazonaws.com",
        "nlb-1.elb.eu-west-1.amazonaws.com",
        "db.example.com",
    ];
    for host in hosts {
        let known = Endpoint::parse(host, 3306).is_ok_and(|endpoint| {
            let kind = endpoint.kind();
            kind != EndpointKind::Unknown && kind.unsupported().is_none()
        });
        let accepted = refusals(&both().with([("MySqlEndpoint", host)])).is_empty();
        assert_eq!(accepted, known, "{host}");
    }
}

#[test]
fn others_have_their_forms_too() {
    accepts("AlarmTopicArn", &["", "arn:aws-us-gov:sns:us-gov-west-1:123456789012:on-call"]);
    refusal("AlarmTopicArn", "on-call");
    accepts("CaBundle", &["", "/opt/rds-ca/eu-west-1-bundle.pem"]);
    refusal("CaBundle", "bundle.pem");
    for value in ["127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "a b:3306"] {
        refusal("ConnectTo", value);
    }
    for port in ["1", "3306", "59999", "65535"] {
        let address = format!("127.0.0.1:{port}");
        assert_eq!(refusals(&bare().with(MYSQL).with([("ConnectTo", &*address)])), [""; 0]);
    }
    accepts(
        "PermissionsBoundary",
        &["", "arn:aws:iam::123456789012:policy/rds-iam-lambda-boundary"],
    );
    refusal("PermissionsBoundary", "rds-iam-lambda-boundary");
    accepts("MySqlDbIdentifier", &["", "mydb", "my-db"]);
    assert!(refusal("MySqlDbIdentifier", "MyDB").contains("in lower case as RDS shows it"));
    refusal("MySqlDbIdentifier", "mydb.abc123def456.eu-west-1.rds.amazonaws.com");
    for (name, value) in [
        ("Architecture", "amd64"),
        ("MySqlPort", "0"),
        ("PostgresPort", "65536"),
        ("Timeout", "901"),
        ("MemorySize", "64"),
        ("LogRetentionDays", "2"),
        ("LogLevel", "info"),
        ("DeadLetterQueue", "yes"),
        ("EventAgeSeconds", "59"),
        ("Schedule", "rate(1 hour)"),
        ("NoSuchParameter", "1"),
    ] {
        refusal(name, value);
    }
}

/// Outside a VPC a function has no subnets, and then no security groups either.
#[test]
fn subnets_and_groups_come_together() {
    let nowhere = [("SubnetIds", ""), ("SecurityGroupIds", "")];
    assert_eq!(refusals(&both().with(nowhere)), [""; 0]);
    for one in nowhere {
        let said = refusals(&both().with([one]));
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("Set SubnetIds and SecurityGroupIds, or neither"), "{said:?}");
    }
    let ipv6 = [("Ipv6AllowedForDualStack", "true")];
    assert_eq!(refusals(&both().with(ipv6)), [""; 0]);
    assert_eq!(
        refusals(&both().with(nowhere).with(ipv6)),
        ["Ipv6AllowedForDualStack needs SubnetIds."]
    );
    refusal("Ipv6AllowedForDualStack", "yes");
}

/// Rules check what patterns cannot.
#[test]
fn an_endpoint_needs_the_rest() {
    assert_eq!(refusals(&bare()), ["Set MySqlEndpoint, PostgresEndpoint or both."]);
    for (engine, all) in [("MySql", MYSQL), ("Postgres", POSTGRES)] {
        for missing in ["ResourceId", "User", "Database"] {
            let name = format!("{engine}{missing}");
            let nothing = if missing == "ResourceId" { "none" } else { "" };
            let said = refusals(&bare().with(all).with([(&*name, nothing)]));
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(said[0].starts_with(&format!("{engine}Endpoint needs {name}")), "{said:?}");
        }
        let no_identifier = [(&*format!("{engine}DbIdentifier"), "")];
        assert_eq!(refusals(&bare().with(all).with(no_identifier)), [""; 0]);
    }
    for function in ALL {
        let stack = bare().with(function.parameters);
        assert_eq!(refusals_of(&GENERATED, &stack), [""; 0]);
        let user = format!("{}User", function.prefix);
        let said = refusals_of(&GENERATED, &stack.with([(&*user, "")]));
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with(&format!("{}Endpoint needs {user}", function.prefix)));
    }
    let said = refusals_of(&GENERATED, &bare());
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("MySqlReportsEndpoint or PostgresEndpoint"), "{said:?}");
    let tunnel = [("ConnectTo", "127.0.0.1:3306")];
    assert_eq!(refusals(&bare().with(MYSQL).with(tunnel)), [""; 0]);
    assert!(refusals(&both().with(tunnel))[0].contains("two stacks"));
    // Two functions of one database may share its address, of two databases not.
    let reports = bare().with(MYSQL).with(REPORTS).with(tunnel);
    let said = refusals_of(&GENERATED, &reports);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("MySqlEndpoint and MySqlReportsEndpoint are two"), "{said:?}");
    let same = [("MySqlReportsEndpoint", MYSQL[0].1)];
    assert_eq!(refusals_of(&GENERATED, &reports.with(same)), [""; 0]);
}

/// `deploy` reads the YAML as AWS's own reader does.
#[test]
fn constraints_rules_and_conditions_are_read_as_aws_reads_them() {
    let text = std::fs::read_to_string(deploy_template::functions()).unwrap();
    for (text, source) in [(&text, &FUNCTIONS.source), (&*BUILT, &GENERATED.source)] {
        assert_eq!(Parameters::of_yaml(text).unwrap(), Parameters::of_json(source).unwrap());
    }
}

/// The console's form shows the descriptions.
#[test]
fn every_parameter_is_described_and_every_pattern_explained() {
    let parameters = GENERATED.source["Parameters"].as_object().unwrap();
    for (name, parameter) in parameters {
        assert!(parameter["Description"].is_string(), "{name}");
        let explained = parameter["ConstraintDescription"].is_string();
        assert_eq!(parameter["AllowedPattern"].is_string(), explained, "{name}");
    }
}

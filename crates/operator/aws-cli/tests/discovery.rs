//! Discovery against a server of RDS's API, with the unmodified `aws` client.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test

use aws_cli::{
    Aws, Error, Families, Reach, Side, Target, behind, blue_green, discover, enable_iam_auth,
    families, name_of_resource, reach, subnets,
};
use engine::Engine;
use local_aws::{LocalAws, REGION, Secret};
use serde_json::Value;

/// An emulator with a subnet group of two subnets, and a security group.
struct Rds {
    local: LocalAws,
    aws: Aws,
    subnets: Vec<String>,
    group: String,
}

fn rds() -> Rds {
    let local = LocalAws::start(&Secret { key: "unused", session_token: "" }).unwrap();
    let aws = local.client();
    let all: Value = aws.call(&["ec2", "describe-subnets"]).unwrap();
    let subnets: Vec<String> = all["Subnets"].as_array().unwrap()[..2]
        .iter()
        .map(|subnet| subnet["SubnetId"].as_str().unwrap().to_owned())
        .collect();
    let group: Value = aws
        .call(&["ec2", "create-security-group", "--group-name", "db", "--description", "db"])
        .unwrap();
    let group = group["GroupId"].as_str().unwrap().to_owned();
    let (a, b) = (subnets[0].as_str(), subnets[1].as_str());
    run(
        &aws,
        &format!(
            "rds create-db-subnet-group --db-subnet-group-name two \
         --db-subnet-group-description two --subnet-ids {a} {b}"
        ),
    );
    Rds { local, aws, subnets, group }
}

/// One emulator for all, because starting it takes longer than any of these. The first sees it empty.
#[test]
fn discovery() {
    let rds = rds();
    what_is_not_there(&rds);
    an_instance(&rds);
    a_cluster_and_its_instances(&rds);
    a_proxy(&rds);
    an_express_cluster(&rds);
    a_blue_green_deployment(&rds);
    security_groups(&rds);
}

fn run(aws: &Aws, arguments: &str) {
    let arguments: Vec<_> = arguments.split_whitespace().collect();
    aws.run(&arguments).unwrap();
}

fn instance(rds: &Rds, name: &str, engine: &str, class: &str, options: &str) {
    run(
        &rds.aws,
        &format!(
            "rds create-db-instance --db-instance-identifier {name} --engine {engine} \
         --db-instance-class {class} --allocated-storage 20 --master-username admin \
         --master-user-password not-used-anywhere --db-subnet-group-name two \
         --vpc-security-group-ids {} {options}",
            rds.group
        ),
    );
}

fn fails(aws: &Aws, target: &Target) -> Error {
    discover(aws, target).expect_err("no such database")
}

fn an_instance(rds: &Rds) {
    instance(rds, "orders", "mysql", "db.t4g.micro", "--engine-version 8.0.40 --port 3307");
    let target = Target::Instance("orders".into());
    let off = discover(&rds.aws, &target).unwrap();
    assert_eq!(off.target, target);
    assert_eq!((off.engine, off.version.as_deref()), (Engine::MySql, Some("8.0.40")));
    assert!(off.resource_id.starts_with("db-"), "{off:?}");
    assert_eq!(off.region, REGION);
    assert_eq!(off.subnets, rds.subnets);
    assert_eq!(off.security_groups, [rds.group.as_str()]);
    assert_eq!(off.ca.as_deref(), Some("rds-ca-rsa2048-g1"));
    assert_eq!(off.instance_classes, ["db.t4g.micro"]);
    assert_eq!(off.master_user.as_deref(), Some("admin"));
    assert_eq!(off.publicly_accessible, Some(false));
    assert!(off.reader.is_none() && off.serverless.is_none() && !off.is_dual_stack, "{off:?}");
    assert_eq!(off.exports_auth_errors, Some(false));
    // Metrics and log groups have the name in lower case.
    let written = discover(&rds.aws, &Target::Instance("Orders".into())).unwrap();
    assert_eq!(written.target, target);
    assert!(!off.endpoint.is_empty() && off.port != 0 && off.vpc.is_some(), "{off:?}");

    assert!(!off.iam_auth);
    let mut lines = Vec::new();
    let on = enable_iam_auth(&rds.aws, &off, &mut |line| lines.push(line.to_owned())).unwrap();
    assert!(on.iam_auth && discover(&rds.aws, &target).unwrap().iam_auth);
    assert_eq!(lines.first().unwrap(), "enabling IAM authentication for DB instance orders");
    assert_eq!(lines.last().unwrap(), "IAM authentication is enabled for DB instance orders");
}

fn a_cluster_and_its_instances(rds: &Rds) {
    run(
        &rds.aws,
        &format!(
            "rds create-db-cluster --db-cluster-identifier sales --engine aurora-postgresql \
         --master-username root --master-user-password not-used-anywhere \
         --enable-iam-database-authentication --db-subnet-group-name two --network-type DUAL \
         --serverless-v2-scaling-configuration MinCapacity=0,MaxCapacity=4 \
         --vpc-security-group-ids {}",
            rds.group
        ),
    );
    let member = |name: &str| {
        run(
            &rds.aws,
            &format!(
                "rds create-db-instance --db-instance-identifier {name} --db-cluster-identifier sales \
                 --engine aurora-postgresql --db-instance-class db.r6g.large"
            ),
        );
    };
    member("sales-1");
    let cluster = discover(&rds.aws, &Target::Cluster("sales".into())).unwrap();
    assert_eq!(cluster.engine, Engine::Postgres);
    assert_eq!(cluster.engine_name, "aurora-postgresql");
    assert!(cluster.resource_id.starts_with("cluster-"), "{cluster:?}");
    assert!(cluster.iam_auth);
    assert_eq!(cluster.master_user.as_deref(), Some("root"));
    assert_eq!(cluster.subnets, rds.subnets);
    assert_eq!(cluster.instance_classes, ["db.r6g.large"]);
    assert!(cluster.is_dual_stack);
    let scaling = cluster.serverless.as_ref().unwrap();
    assert!(scaling.may_be_paused() && scaling.max_capacity > 3.9, "{scaling:?}");
    let reader = cluster.reader.as_ref().unwrap();
    assert!(!reader.host.is_empty() && !reader.has_readers, "{reader:?}");

    member("sales-2");
    let written = discover(&rds.aws, &Target::Cluster("SALES".into())).unwrap();
    assert_eq!(written.target, cluster.target);
    assert!(written.reader.unwrap().has_readers);

    // IAM authentication of an instance is its cluster's.
    let member = discover(&rds.aws, &Target::Instance("sales-1".into())).unwrap();
    assert_eq!(member.resource_id, cluster.resource_id);
    assert_eq!(member.cluster.as_deref(), Some("sales"));
    assert!(member.iam_auth && member.reader.is_none() && member.serverless == cluster.serverless);
}

fn a_proxy(rds: &Rds) {
    let secret = format!("arn:aws:secretsmanager:{REGION}:123456789012:secret:s");
    let create = |name: &str, iam: &str| {
        run(
            &rds.aws,
            &format!(
                "rds create-db-proxy --db-proxy-name {name} --engine-family POSTGRESQL \
             --auth AuthScheme=SECRETS,IAMAuth={iam},SecretArn={secret} \
             --role-arn arn:aws:iam::123456789012:role/proxy --require-tls \
             --vpc-subnet-ids {} --vpc-security-group-ids {}",
                rds.subnets.join(" "),
                rds.group
            ),
        );
    };
    create("pool", "REQUIRED");
    let proxy = discover(&rds.aws, &Target::Proxy("pool".into())).unwrap();
    assert_eq!((proxy.engine, proxy.port), (Engine::Postgres, 5432));
    assert!(proxy.resource_id.starts_with("prx-"), "{proxy:?}");
    assert!(proxy.iam_auth);
    assert_eq!(
        (&proxy.subnets, &proxy.security_groups[..]),
        (&rds.subnets, &[rds.group.clone()][..])
    );

    let written = discover(&rds.aws, &Target::Proxy("Pool".into())).unwrap();
    assert_eq!(written.target, proxy.target);

    let auth = proxy.proxy.unwrap();
    assert!(!auth.is_iam_by_default);
    assert_eq!(auth.secrets.len(), 1);
    assert_eq!((&*auth.secrets[0].arn, auth.secrets[0].is_iam_required), (&*secret, true));

    create("closed", "DISABLED");
    // SQL Server's alone; RDS would not take it for this family.
    create("sql-server", "ENABLED");
    for name in ["closed", "sql-server"] {
        let closed = discover(&rds.aws, &Target::Proxy(name.into())).unwrap();
        assert!(!closed.iam_auth && !closed.proxy.as_ref().unwrap().secrets[0].is_iam_required);
        let error = enable_iam_auth(&rds.aws, &closed, &mut |_| ()).unwrap_err().to_string();
        let command = format!(
            "`aws rds modify-db-proxy --region {REGION} --db-proxy-name {name} --default-auth-scheme IAM_AUTH`"
        );
        assert!(error.contains(&command), "{error}");
        // It is a command that RDS takes, and it helps.
        let command = command.trim_matches('`').split_whitespace().skip(1).collect::<Vec<_>>();
        rds.aws.run(&command).unwrap();
        let open = discover(&rds.aws, &Target::Proxy(name.into())).unwrap();
        assert!(open.iam_auth && open.proxy.unwrap().is_iam_by_default);
    }
    without_secrets(rds);
}

/// A proxy that logs in to its database with IAM too.
fn without_secrets(rds: &Rds) {
    run(
        &rds.aws,
        &format!(
            "rds create-db-proxy --db-proxy-name end-to-end --engine-family POSTGRESQL \
             --default-auth-scheme IAM_AUTH --role-arn arn:aws:iam::123456789012:role/proxy \
             --vpc-subnet-ids {}",
            rds.subnets.join(" "),
        ),
    );
    let proxy = discover(&rds.aws, &Target::Proxy("end-to-end".into())).unwrap();
    assert!(proxy.iam_auth);
    let auth = proxy.proxy.unwrap();
    assert!(auth.is_iam_by_default && auth.secrets.is_empty(), "{auth:?}");

    assert!(behind(&rds.aws, "end-to-end").unwrap().is_empty());
    run(
        &rds.aws,
        "rds register-db-proxy-targets --db-proxy-name end-to-end --db-cluster-identifiers sales",
    );
    let behind = behind(&rds.aws, "end-to-end").unwrap();
    assert_eq!(behind.len(), 1, "{behind:?}");
    assert_eq!(behind[0].database.target, Target::Cluster("sales".into()));
    assert!(behind[0].database.resource_id.starts_with("cluster-") && behind[0].database.iam_auth);
}

fn an_express_cluster(rds: &Rds) {
    run(
        &rds.aws,
        "rds create-db-cluster --db-cluster-identifier quick --engine aurora-postgresql \
         --with-express-configuration",
    );
    let quick = discover(&rds.aws, &Target::Cluster("quick".into())).unwrap();
    assert!(quick.internet_access_gateway && quick.is_outside_vpcs(), "{quick:?}");
    assert!(quick.iam_auth && quick.instance_classes.is_empty(), "{quick:?}");
    assert!(quick.subnets.is_empty() && quick.security_groups.is_empty(), "{quick:?}");
    assert_eq!(quick.master_user.as_deref(), Some("postgres"));
    assert_eq!(quick.account(), Some("123456789012"));
    let ordinary = discover(&rds.aws, &Target::Cluster("sales".into())).unwrap();
    assert!(!ordinary.internet_access_gateway && !ordinary.is_outside_vpcs(), "{ordinary:?}");
}

fn a_blue_green_deployment(rds: &Rds) {
    let of = |name: &str| discover(&rds.aws, &Target::Instance(name.into())).unwrap();
    let blue = of("orders");
    assert_eq!(blue_green(&rds.aws, &blue).unwrap(), None);
    let create = format!(
        "rds create-blue-green-deployment --blue-green-deployment-name upgrade --source {}",
        blue.arn
    );
    run(&rds.aws, &create);
    let found = blue_green(&rds.aws, &blue).unwrap().unwrap();
    assert_eq!((found.side, &*found.status), (Side::Blue, "AVAILABLE"));
    assert!(found.may_switch_over() && !found.is_switched_over());
    let green = of(found.other.as_ref().unwrap().name());
    assert_eq!(found.other_id.as_ref(), Some(&green.resource_id));
    assert_ne!(green.resource_id, blue.resource_id);
    let seen = blue_green(&rds.aws, &green).unwrap().unwrap();
    assert_eq!((seen.side, seen.other_id.as_ref()), (Side::Green, Some(&blue.resource_id)));
    // Another database is in none.
    assert_eq!(blue_green(&rds.aws, &of("billing")).unwrap(), None);

    run(
        &rds.aws,
        &format!(
            "rds switchover-blue-green-deployment --blue-green-deployment-identifier {}",
            found.id
        ),
    );
    let now = of("orders");
    assert_eq!((&now.resource_id, &now.endpoint), (&green.resource_id, &blue.endpoint));
    let found = blue_green(&rds.aws, &now).unwrap().unwrap();
    assert!(found.is_switched_over() && found.side == Side::Green, "{found:?}");
    assert_eq!(found.other_id.as_ref(), Some(&blue.resource_id));
    let old = name_of_resource(&rds.aws, &blue.resource_id).unwrap();
    assert_eq!(old.as_deref(), Some("orders-old1"));
    assert_eq!(name_of_resource(&rds.aws, "db-NOBODYHASTHISRESOURCEID12").unwrap(), None);
}

fn what_is_not_there(rds: &Rds) {
    let none = fails(&rds.aws, &Target::Instance("orders".into()));
    assert!(none.is_not_found(), "{none:?}");
    assert!(none.to_string().contains("there are no databases"), "{none}");

    instance(rds, "billing", "mysql", "db.t3.medium", "");
    instance(rds, "warehouse", "oracle-ee", "db.t3.medium", "");
    let near = fails(&rds.aws, &Target::Instance("biling".into()));
    assert_eq!(
        near.to_string(),
        "there is no DB instance biling in eu-west-1; did you mean --db-instance billing?"
    );
    let other_kind = fails(&rds.aws, &Target::Cluster("billing".into()));
    assert!(
        other_kind.to_string().ends_with("did you mean --db-instance billing?"),
        "{other_kind}"
    );
    let far = fails(&rds.aws, &Target::Proxy("zzz".into())).to_string();
    assert!(far.contains("there are: DB instance billing, DB instance warehouse"), "{far}");

    let oracle = fails(&rds.aws, &Target::Instance("warehouse".into()));
    assert!(oracle.to_string().contains("oracle-ee, which has no IAM authentication"), "{oracle}");

    let gone = Aws::new(rds.local.aws_program())
        .envs(rds.local.environment())
        .region(REGION)
        .endpoint_url("http://127.0.0.1:1");
    let error = fails(&gone, &Target::Instance("orders".into()));
    assert!(error.to_string().contains("check the network"), "{error}");
}

fn security_groups(rds: &Rds) {
    let database = discover(&rds.aws, &Target::Instance("billing".into())).unwrap();
    let from = [rds.group.clone()];
    assert_eq!(reach(&rds.aws, &database, &from).unwrap(), Reach::Closed);
    let admit = |source: &str| {
        run(
            &rds.aws,
            &format!(
                "ec2 authorize-security-group-ingress --group-id {} --ip-permissions \
             IpProtocol=tcp,FromPort={port},ToPort={port},{source}",
                rds.group,
                port = database.port
            ),
        );
    };
    admit("IpRanges=[{CidrIp=10.0.0.0/8}]");
    assert_eq!(reach(&rds.aws, &database, &from).unwrap(), Reach::ByAddress);
    // The group sends to itself too, and its default rule is for IPv4 alone.
    assert_eq!(families(&rds.aws, &database, &from).unwrap(), Families::NoIpv6Out);
    run(
        &rds.aws,
        &format!(
            "ec2 associate-subnet-cidr-block --subnet-id {} --ipv6-cidr-block 2001:db8:1234:1a00::/64",
            rds.subnets[0]
        ),
    );
    let found = subnets(&rds.aws, &rds.subnets).unwrap();
    let dual: Vec<_> = found.iter().filter(|it| it.is_dual_stack()).map(|it| &it.id).collect();
    assert_eq!(dual, [&rds.subnets[0]]);
    admit(&format!("UserIdGroupPairs=[{{GroupId={}}}]", rds.group));
    assert_eq!(reach(&rds.aws, &database, &from).unwrap(), Reach::Open);
}

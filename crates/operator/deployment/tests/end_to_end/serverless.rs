//! What AWS says of an Aurora cluster beside its endpoint: readers, a pause, two protocols.

use super::World;

/// In the world of an express cluster, which starts the emulator once for both.
pub(super) fn a_cluster_that_pauses(world: &World) {
    let subnets = world.call("ec2 describe-subnets");
    for index in 0..2 {
        world.run(&format!(
            "ec2 associate-subnet-cidr-block --subnet-id {} --ipv6-cidr-block 2001:db8:1234:1a0{index}::/64",
            subnets["Subnets"][index]["SubnetId"].as_str().unwrap()
        ));
    }
    let instances = world.call("rds describe-db-instances");
    let groups = &instances["DBInstances"][0]["VpcSecurityGroups"];
    world.run(&format!(
        "rds create-db-cluster --db-cluster-identifier sales --engine aurora-postgresql --master-username \
         root --master-user-password not-used-anywhere --enable-iam-database-authentication \
         --db-subnet-group-name two --network-type DUAL --vpc-security-group-ids {} \
         --serverless-v2-scaling-configuration MinCapacity=0,MaxCapacity=4",
        groups[0]["VpcSecurityGroupId"].as_str().unwrap()
    ));
    let statements = world.statements.path().display().to_string();
    let dry_run = |cluster: &str, options: &[&str]| {
        let mut arguments = vec!["deploy", "--db-cluster", cluster, "--db-user", "app"];
        arguments.extend(["--db-name", "app", "--stack-name", "sales", "--dry-run", "--json"]);
        arguments.extend(["--statements", &statements]);
        world.command(&[&arguments[..], options].concat())
    };
    let refused = dry_run("quick", &["--reader"]).ends(1);
    refused.says("the DB cluster quick is of the express configuration").says("leave out --reader");

    let planned = dry_run("sales", &["--reader", "--ipv6"])
        .ends(0)
        .says("the DB cluster sales pauses after 300 s without a connection")
        .says("at least 0.5 ACUs are billed")
        .says("the functions' time-out of 30 s may end before the DB cluster sales has resumed")
        .says("the DB cluster sales has no reader instance")
        .says("no outbound rule of ")
        .says("  aws ec2 authorize-security-group-egress --region eu-west-1 --group-id sg-");
    let planned = planned.document();
    let cluster = world.call("rds describe-db-clusters --db-cluster-identifier sales");
    let reader = &cluster["DBClusters"][0]["ReaderEndpoint"];
    let (parameters, database) = (&planned["parameters"], &planned["database"]);
    assert_eq!(parameters["PostgresReaderHost"], *reader, "{planned:#}");
    assert_eq!(parameters["Ipv6AllowedForDualStack"], "true", "{planned:#}");
    assert_eq!([&database["reader_endpoint"], &database["reader"]], [reader, reader]);
    for (field, value) in [("pauses_after_s", 300.into()), ("dual_stack", true.into())] {
        let value: serde_json::Value = value;
        assert_eq!(database[field], value, "{database:#}");
    }
}

//! A Blue/Green deployment of the database: its policy names both ids before the switchover, and one after.

use std::fs;

use serde_json::Value;

use super::{ACCOUNT, STACK, World, zips};

#[test]
fn the_policy_follows_a_blue_green_deployment() {
    let _zips = zips();
    let world = World::new();
    fs::remove_dir_all(world.statements.path().join("mysql")).unwrap();
    world.write("mysql/items.sql", "SELECT * FROM items");
    world.run(
        "rds modify-db-instance --db-instance-identifier orders \
         --enable-iam-database-authentication --apply-immediately",
    );
    let user = world.server.user();
    world.deploy(user, &["--yes"]).ends(0);
    let blue = world.resource_id("orders");
    assert_eq!(world.allowed(), [&*blue]);

    world.run(&format!(
        "rds create-blue-green-deployment --blue-green-deployment-name upgrade --source \
         arn:aws:rds:eu-west-1:{ACCOUNT}:db:orders"
    ));
    let found = world.call("rds describe-blue-green-deployments");
    let found = &found["BlueGreenDeployments"][0];
    let name = found["Target"].as_str().unwrap().rsplit(':').next().unwrap();
    let id = found["BlueGreenDeploymentIdentifier"].as_str().unwrap();
    let green = world.resource_id(name);

    // It is offered, and can be declined.
    let both = format!("  resource id  {blue}, {green}\n");
    let plan = world.deploy(user, &["--dry-run", "--no-build"]).ends(0).says(&both);
    plan.says(&format!("{green} is added: it is the DB instance {name} of the Blue/Green"));
    let one = ["--no-build", "--yes", "--resource-id", &blue];
    world.deploy(user, &one).ends(0).says("nothing to change");
    assert_eq!(world.allowed(), [&*blue]);
    world.deploy(user, &["--no-build", "--yes"]).ends(0).says(&both);
    assert_eq!(world.allowed(), [&*blue, &*green]);
    // Nothing more comes of it, and nothing is dropped meanwhile.
    world.deploy(user, &["--no-build", "--yes"]).ends(0).says("nothing to change");

    world.run(&format!(
        "rds switchover-blue-green-deployment --blue-green-deployment-identifier {id}"
    ));
    assert_eq!(world.resource_id("orders"), green);
    let dropped = format!("{blue} is dropped: it is the DB instance orders-old1, the old blue");
    world.deploy(user, &["--no-build", "--yes"]).ends(0).says(&dropped);
    assert_eq!(world.allowed(), [&*green]);
    // By hand, two are two.
    let pair = format!("{green},{blue}");
    world.deploy(user, &["--no-build", "--yes", "--resource-id", &pair]).ends(0);
    assert_eq!(world.allowed(), [&*green, &*blue]);
}

impl World {
    fn resource_id(&self, name: &str) -> String {
        let found =
            self.call(&format!("rds describe-db-instances --db-instance-identifier {name}"));
        found["DBInstances"][0]["DbiResourceId"].as_str().unwrap().to_owned()
    }

    /// The resource ids in the policy of the stack's function.
    fn allowed(&self) -> Vec<String> {
        let resources =
            self.call(&format!("cloudformation list-stack-resources --stack-name {STACK}"));
        let resources = resources["StackResourceSummaries"].as_array().unwrap();
        let role =
            resources.iter().find(|it| it["LogicalResourceId"] == "MySqlFunctionRole").unwrap();
        let role = role["PhysicalResourceId"].as_str().unwrap();
        let get = format!("iam get-role-policy --role-name {role} --policy-name log-in");
        let document = self.call(&get)["PolicyDocument"].clone();
        let resources = document["Statement"][0]["Resource"].clone();
        let resources = match resources {
            Value::Array(all) => all,
            one => vec![one],
        };
        let id = |arn: &Value| {
            let arn = arn.as_str().unwrap();
            arn.rsplit_once(':').unwrap().1.split('/').next().unwrap().to_owned()
        };
        resources.iter().map(id).collect()
    }
}

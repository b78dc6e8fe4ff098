//! Deployments with schedules and a further function: the schedules at AWS are those of the files.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{BUCKET, STACK, World, zips};

/// Another statement, whose schedule was due long ago: the emulator sends its event once, at once.
const ADD: &str = r#"-- Adds "an item", für alle
-- mode: write
-- param: id int its id
-- param: name text its name
-- schedule: at(2020-01-01T00:00:00) Europe/Berlin
-- params: [77, "it's ${AWS::Region} {{resolve:ssm:x}} <ü😀> \\ \""]
INSERT INTO items (id, name) VALUES (?, ?)"#;

#[test]
fn they_are_those_of_the_files() {
    let _zips = zips();
    let world = World::new();
    world.run(
        "rds modify-db-instance --db-instance-identifier orders \
         --enable-iam-database-authentication --apply-immediately",
    );
    without_any(&world);
    let function = added(&world);
    changed_and_removed(&world, &function);
    a_further_function(&world, &function);
    without_any(&world);
}

impl World {
    /// Deploys, and returns the result.
    fn deployed(&self, options: &[&str]) -> Value {
        let options = [&["--yes", "--json"], options].concat();
        let document = self.deploy(self.server.user(), &options).ends(0).document();
        assert_eq!(document["outcome"], "deployed", "{document}");
        document
    }

    /// Every schedule at AWS: its expression, its time zone and its event, by the event's statement.
    fn schedules(&self) -> Vec<Value> {
        let all = self.call("scheduler list-schedules");
        let schedule = |listed: &Value| {
            let name = listed["Name"].as_str().unwrap();
            let get = format!("scheduler get-schedule --group-name {STACK} --name {name}");
            let schedule = self.call(&get);
            let target = &schedule["Target"];
            assert!(target["RoleArn"].as_str().unwrap().contains("ScheduleRole"), "{schedule}");
            let event: Value = serde_json::from_str(target["Input"].as_str().unwrap()).unwrap();
            json!({
                "at": schedule["ScheduleExpression"],
                "timezone": schedule["ScheduleExpressionTimezone"],
                "words": schedule["Description"],
                "event": event,
                "function": target["Arn"].as_str().unwrap().rsplit(':').next(),
            })
        };
        let mut schedules: Vec<_> =
            all["Schedules"].as_array().unwrap().iter().map(schedule).collect();
        schedules.sort_by_key(|schedule| schedule["event"].to_string());
        schedules
    }

    fn parameter(&self, name: &str) -> String {
        let stack = self.call(&format!("cloudformation describe-stacks --stack-name {STACK}"));
        let parameters = stack["Stacks"][0]["Parameters"].as_array().unwrap();
        let found = parameters.iter().find(|it| it["ParameterKey"] == name);
        let found = found.unwrap_or_else(|| panic!("no parameter {name}: {stack}"));
        found["ParameterValue"].as_str().unwrap().to_owned()
    }
}

/// The changes of schedules and of what belongs to them.
fn changes(document: &Value) -> Vec<String> {
    let changes = document["changes"].as_array().unwrap().iter();
    let of_scheduler = changes.filter(|it| it["resource"].as_str().unwrap().contains("Schedule"));
    let shown = of_scheduler.map(|it| {
        let properties: Vec<_> =
            it["properties"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        let shown = [it["action"].as_str().unwrap(), it["resource"].as_str().unwrap()].join(" ");
        format!("{shown} {}", properties.join(" ")).trim_end().to_owned()
    });
    shown.collect()
}

fn without_any(world: &World) {
    for folder in fs::read_dir(world.statements.path()).unwrap() {
        fs::remove_dir_all(folder.unwrap().path()).unwrap();
    }
    world.write("mysql/items.sql", "SELECT * FROM items");
    let document = world.deployed(&[]);
    let schedules =
        json!([{ "function": "mysql-function", "statements": ["items"], "schedules": [] }]);
    assert_eq!(document["functions"], schedules);
    for (listing, of) in [
        ("scheduler list-schedules", "Schedules"),
        ("scheduler list-schedule-groups --name-prefix orders", "ScheduleGroups"),
    ] {
        assert_eq!(world.count(listing, of), 0, "{listing}");
    }
    let roles = world.call("iam list-roles").to_string();
    assert!(!roles.contains("ScheduleRole"), "{roles}");
    assert_eq!(world.count("lambda list-functions", "Functions"), 1);
}

/// Returns the function's name.
fn added(world: &World) -> String {
    local_stack::copy_examples(local_rds::Engine::MySql, &world.statements.path().join("mysql"))
        .unwrap();
    world.write("mysql/add.sql", ADD);
    let purge = json!({
        "statement": "purge-items", "number": 1, "expression": "cron(0 4 * * ? *)",
        "timezone": "Europe/Berlin", "params": { "above": 1000 },
    });
    // The plan has them before anything is deployed.
    let planned = world.deploy("lambda-user", &["--dry-run", "--no-build"]);
    planned.ends(0).says("no statement has a schedule");
    let plan = world.deploy("lambda-user", &["--dry-run"]).ends(0);
    let row =
        "  mysql-function  purge-items  cron(0 4 * * ? *)        Europe/Berlin  {\"above\": 1000}";
    let plan = plan.says(row).says("  mysql-function  add, add-item, items, purge-items\n");
    assert!(plan.stdout.contains("mysql-function  add          at(2020-01-01T00:00:00)"));
    let planned = world.deploy("lambda-user", &["--dry-run", "--json"]).ends(0).document();
    assert_eq!(planned["functions"][0]["schedules"][1], purge, "{planned}");

    let document = world.deployed(&[]);
    assert_eq!(document["functions"], planned["functions"]);
    assert_eq!(
        changes(&document),
        [
            "add MySqlScheduleAdd1",
            "add MySqlSchedulePurgeItems1",
            "add ScheduleDropped",
            "add ScheduleFailuresLost",
            "add ScheduleGroup",
            "add ScheduleRole",
            "add ScheduleTargetErrors",
        ],
        "{document}"
    );
    let function = document["outputs"]["MySqlFunctionName"].as_str().unwrap().to_owned();
    let name = r#"it's ${AWS::Region} {{resolve:ssm:x}} <ü😀> \ ""#;
    let expected = [
        json!({
            "at": "at(2020-01-01T00:00:00)", "timezone": "Europe/Berlin", "function": function,
            "words": "add: Adds \"an item\", für alle",
            "event": { "statement": "add", "params": [77, name] },
        }),
        json!({
            "at": "cron(0 4 * * ? *)", "timezone": "Europe/Berlin", "function": function,
            "words": "purge-items: Removes the items above an id: {\"statement\": \"purge-items\", \
                      \"params\": {\"above\": 3}} One run at a time: a second one that starts meanwhile is \
                      skipped, and says so.",
            "event": { "statement": "purge-items", "params": { "above": 1000 } },
        }),
    ];
    assert_eq!(world.schedules(), expected);
    // The scheduler sends the event, and the function runs it.
    let item = json!({ "id": 77, "name": name });
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = world.invoke(&function, r#"{"statement":"items"}"#);
        if answer["rows"].as_array().unwrap().contains(&item) {
            break;
        }
        assert!(Instant::now() < deadline, "the schedule has added nothing: {answer}");
        thread::sleep(Duration::from_millis(500));
    }
    function
}

fn changed_and_removed(world: &World, function: &str) {
    let path = world.statements.path().join("mysql/purge-items.sql");
    let purge = fs::read_to_string(&path).unwrap();
    let purge = purge.replace("cron(0 4 * * ? *) Europe/Berlin", "rate(2 hours)");
    fs::write(&path, purge.replace("{\"above\": 1000}", "[2000]")).unwrap();
    world.write(
        "mysql/add.sql",
        &ADD.replace("-- schedule:", "-- it ran").replace("-- params:", "-- with"),
    );
    let document = world.deployed(&[]);
    let purge =
        "modify MySqlSchedulePurgeItems1 ScheduleExpression ScheduleExpressionTimezone Target";
    // The emulator takes it that a function with other code may have another ARN.
    let role = "modify ScheduleRole Policies";
    assert_eq!(changes(&document), ["remove MySqlScheduleAdd1", purge, role], "{document}");
    let schedules = world.schedules();
    assert_eq!(schedules.len(), 1, "{schedules:?}");
    assert_eq!(schedules[0]["at"], "rate(2 hours)");
    assert_eq!(schedules[0]["timezone"], "UTC");
    let event = &schedules[0]["event"];
    assert_eq!(*event, json!({ "statement": "purge-items", "params": [2000] }));
    // The function accepts it.
    let answer = world.invoke(function, &event.to_string());
    assert_eq!(answer["statement"], "purge-items", "{answer}");
}

fn a_further_function(world: &World, first: &str) {
    world.write(
        "mysql-reports/tables.sql",
        "-- schedule: rate(1 day)\nSELECT count(*) AS n FROM tables WHERE table_name = 'items'",
    );
    world.write("mysql-unused/one.sql", "SELECT 1");
    // They are nobody's yet: their parameters are empty.
    let document = world.deployed(&[]);
    let resources = document["changes"].to_string();
    assert!(!changes(&document).iter().any(|it| it.contains("PurgeItems")), "{resources}");
    assert_eq!(world.count("lambda list-functions", "Functions"), 1);
    assert_eq!(world.schedules().len(), 1);

    let before = world.parameter("MySqlDatabase");
    // The last --db-name counts: the test's own are given first.
    let mut arguments = world.deployment(STACK, world.server.user(), &["--yes", "--json"]);
    let at = arguments.iter().position(|argument| argument == "--db-name").unwrap() + 1;
    arguments[at] = "information_schema".to_owned();
    arguments.extend(["--function", "mysql-reports"].map(str::to_owned));
    let document = world.command(&arguments).ends(0).document();
    assert_eq!(document["diagnose"]["ok"], true, "{document}");
    let reports = document["outputs"]["MySqlReportsFunctionName"].as_str().unwrap();
    assert_ne!(reports, first);
    assert_eq!(document["outputs"]["MySqlFunctionName"], first);
    assert_eq!(world.parameter("MySqlDatabase"), before);
    assert_eq!(world.parameter("MySqlReportsDatabase"), "information_schema");

    // Each has its own statements and database.
    let schedules = world.schedules();
    assert_eq!(schedules.len(), 2, "{schedules:?}");
    assert_eq!(schedules[1]["function"], reports);
    let answer = world.invoke(reports, &schedules[1]["event"].to_string());
    assert_eq!(answer["rows"], json!([{ "n": 1 }]), "{answer}");
    assert_eq!(world.invoke(first, &schedules[1]["event"].to_string())["errorType"], "Statement");
    assert_eq!(world.invoke(first, r#"{"statement":"items"}"#)["statement"], "items");

    // The template is longer than a request may be, and went through the bucket.
    let objects = world.call(&format!("s3api list-objects-v2 --bucket {BUCKET}"));
    let sizes: Vec<_> = objects["Contents"].as_array().unwrap().iter().collect();
    let templates = sizes.iter().filter(|it| it["Key"].as_str().unwrap().ends_with(".yaml"));
    let longest = templates.map(|it| it["Size"].as_u64().unwrap()).max();
    assert!(longest > Some(51_200), "{objects}");
    // The other function is deployed as before.
    let options = ["--yes", "--json", "--no-build"];
    let again = world.deploy(world.server.user(), &options).ends(0).document();
    assert_eq!(again["outcome"], "unchanged", "{again}");
    assert_eq!(world.parameter("MySqlReportsDatabase"), "information_schema");
}

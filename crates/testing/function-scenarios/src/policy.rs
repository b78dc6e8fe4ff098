//! The deployed role's policies, proven by enforcement: the function runs with exactly the environment
//! that `deploy/template.yaml` gives it, against a server that enforces exactly those policies; and an
//! organization's policies, which may lock it out.

use deploy_template::{ACCOUNT, Rendered, Stack, Template};
use diagnosis::Cause;
use engine::Engine;
use function_harness::Harness;
use function_harness::event::ITEMS;
use local_lambda::Function;
use local_rds::Server;
use local_rds::iam::{Policy, Resource};
use std::time::Duration;

use crate::doctor;

/// This project's permissions boundary.
const BOUNDARY: &str = include_str!("../../../../deploy/permissions-boundary.json");
const FULL_ACCESS: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
/// A data perimeter as organizations attach it: nothing from other networks than their own.
const PERIMETER: &str = r#"{"Version": "2012-10-17", "Statement": [{
    "Sid": "NetworkPerimeter", "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {
        "NotIpAddressIfExists": {"aws:SourceIp": ["192.0.2.0/24", "198.51.100.0/24"]},
        "StringNotEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"},
        "BoolIfExists": {"aws:ViaAWSService": "false"},
        "ArnNotLikeIfExists": {"aws:PrincipalArn": "arn:aws:iam::*:role/aws-service-role/*"}}}]}"#;

/// Partition, region, and the form of RDS's host names there.
const PARTITIONS: [(&str, &str, &str); 3] = [
    ("aws", "eu-west-1", "eu-west-1.rds.amazonaws.com"),
    ("aws-cn", "cn-north-1", "rds.cn-north-1.amazonaws.com.cn"),
    ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.rds.amazonaws.com"),
];

/// A host name's beginning, a resource id, and another id of the same kind: of an instance, a cluster
/// and a proxy.
const KINDS: [(&str, &str, &str); 3] = [
    ("mydb.", "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ", "db-ABCDEFGHIJKLMNOPQRSTUVWXY2"),
    ("mydb.cluster-", "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ", "cluster-ABCDEFGHIJKLMNOPQRSTUVWXY2"),
    ("mydb.proxy-", "prx-0123456789abcdef0", "prx-0123456789abcdef1"),
];

/// A database that a stack is deployed for.
struct Database {
    resource: Resource,
    other_id: &'static str,
    user: String,
    parameters: Vec<(String, String)>,
}

/// With the stack's own policy the function logs in. With the policy of a stack for another user,
/// database, region or partition it does not, because of the policy.
pub async fn deployed(engine: Engine, bootstrap: &str) {
    let template = tokio::task::spawn_blocking(|| Template::read(&deploy_template::functions()));
    let template = template.await.unwrap();
    let hosts = PARTITIONS.iter().flat_map(|(_, _, domain)| {
        KINDS.iter().map(move |(start, _, _)| format!("{start}abc123def456.{domain}"))
    });
    let server = hosts.fold(Server::builder(engine), |server, host| server.also_named(host));
    let harness = Harness::with(server, bootstrap).await;

    for partition in &PARTITIONS {
        for kind in &KINDS {
            let database = Database::new(engine, &harness.server, partition, kind);
            harness.server.iam().stand_for(database.resource.clone());
            let stack = database.stack();
            let rendered = render(&template, &stack);
            admits(&harness, engine, &rendered).await;

            let prefix = prefix(engine);
            let with = |name: &str, value: &str| {
                stack.clone().with([(&*format!("{prefix}{name}"), value)])
            };
            let elsewhere = |partition: &str, region: &str| Stack {
                partition: partition.to_owned(),
                region: region.to_owned(),
                ..stack.clone()
            };
            for other in [
                with("User", "somebody-else"),
                with("User", &database.user.to_uppercase()),
                with("ResourceId", database.other_id),
                elsewhere(&stack.partition, "us-east-1"),
                elsewhere("aws-iso", &stack.region),
            ] {
                let other = render(&template, &other);
                denies(&harness, engine, &rendered, &other, &database).await;
            }
        }
    }
}

impl Database {
    fn new(
        engine: Engine,
        server: &Server,
        (partition, region, domain): &(&str, &str, &str),
        (start, resource_id, other_id): &(&'static str, &str, &'static str),
    ) -> Self {
        let host = format!("{start}abc123def456.{domain}");
        let user = server.user().to_owned();
        let prefix = prefix(engine);
        let own = [
            ("Endpoint", host.clone()),
            ("ResourceId", (*resource_id).to_owned()),
            ("User", user.clone()),
            ("Database", server.database().to_owned()),
        ];
        let shared = [
            ("SubnetIds", "subnet-0123456789abcdef0".to_owned()),
            ("SecurityGroupIds", "sg-0123456789abcdef0".to_owned()),
            ("ConnectTo", server.address().to_string()),
            ("CaBundle", server.ca_bundle().display().to_string()),
        ];
        Self {
            resource: Resource {
                partition: (*partition).to_owned(),
                region: (*region).to_owned(),
                account: ACCOUNT.to_owned(),
                resource_id: (*resource_id).to_owned(),
                host,
                port: server.port(),
            },
            other_id,
            user,
            parameters: own
                .map(|(name, value)| (format!("{prefix}{name}"), value))
                .into_iter()
                .chain(shared.map(|(name, value)| (name.to_owned(), value)))
                .collect(),
        }
    }

    fn stack(&self) -> Stack {
        let parameters = self.parameters.iter().map(|(name, value)| (&**name, &**value));
        Stack::new(&self.resource.partition, &self.resource.region).with(parameters)
    }
}

/// The engine's name in the template.
fn prefix(engine: Engine) -> &'static str {
    match engine {
        Engine::MySql | Engine::MariaDb => "MySql",
        Engine::Postgres => "Postgres",
    }
}

fn render(template: &Template, stack: &Stack) -> Rendered {
    template.render(stack).unwrap_or_else(|refusals| panic!("{refusals:?}"))
}

/// Runs the function of `environment` under the policy of `role`.
async fn run(
    harness: &Harness,
    engine: Engine,
    environment: &Rendered,
    role: &Rendered,
    timeout: Duration,
) -> Result<(), (String, String)> {
    let id = format!("{}Function", prefix(engine));
    let policy = role.policy(&format!("{id}Role"));
    harness.server.iam().set_policy(&policy.to_string()).unwrap();
    let variables = environment.environment(&id);
    let settings = |function: Function| {
        variables.iter().fold(function, |function, (name, value)| function.env(name, value))
    };
    let function = harness.deploy_as(&[], |function| settings(function).timeout(timeout)).await;
    function.invoke(ITEMS).await.map(|_| ())
}

async fn admits(harness: &Harness, engine: Engine, rendered: &Rendered) {
    let before = harness.server.iam().refusals().len();
    let admitted = run(harness, engine, rendered, rendered, Duration::from_secs(20)).await;
    admitted.unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(harness.server.iam().refusals().len(), before);
}

async fn denies(
    harness: &Harness,
    engine: Engine,
    rendered: &Rendered,
    other: &Rendered,
    database: &Database,
) {
    let before = harness.server.iam().refusals().len();
    // Too short for the retry of a denied login a second later, which would be denied as well; long
    // enough for the event's own login, the second after the start's, on a busy machine.
    let denied = match run(harness, engine, rendered, other, Duration::from_millis(1100)).await {
        Err((kind, _)) if kind != "Login.Denied" => {
            run(harness, engine, rendered, other, Duration::from_secs(20)).await
        }
        denied => denied,
    };
    let (kind, message) = denied.expect_err("it gets in");
    assert_eq!(kind, "Login.Denied", "{message}");
    let refusals = harness.server.iam().refusals().split_off(before);
    let arn = database.resource.arn(&database.user);
    let reason = format!("no statement of the policy allows rds-db:connect on {arn}");
    assert!(!refusals.is_empty(), "the verifier was not asked");
    assert!(refusals.iter().all(|refusal| refusal.contains(&reason)), "{refusals:?}");
}

/// A service control policy that denies by `aws:SourceVpce` denies every login, because a login has no
/// such key. The function says that it was denied, its diagnosis lists the condition among what may be
/// the reason, and the fix that it gives is one.
pub async fn perimeter(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let iam = harness.server.iam();
    let attach = |perimeter: &[&str]| {
        let read = |json: &&str| Policy::parse(json).unwrap();
        let levels = [&[FULL_ACCESS][..], &[&[FULL_ACCESS], perimeter].concat()];
        let levels = levels.map(|level| level.iter().map(read).collect());
        iam.change_policies(|policies| {
            policies.boundary = Some(Policy::parse(BOUNDARY).unwrap());
            policies.service_control = levels.to_vec();
        });
    };
    attach(&[]);
    harness.deploy(&[]).await.ok(ITEMS).await;
    assert_eq!(iam.refusals(), [""; 0]);

    attach(&[PERIMETER]);
    let function = harness.deploy(&[]).await;
    let message = function.fails(ITEMS, "Login.Denied").await;
    assert!(message.contains("denied the login"), "{message}");
    let refusals = iam.refusals();
    let arn = harness.server.resource_arn(harness.server.user());
    for says in [
        format!(
            "statement \"NetworkPerimeter\" of the service control policy denies rds-db:connect on {arn}"
        ),
        "key aws:SourceVpce is never present at a database login".into(),
        "exempt rds-db:connect from the statement (NotAction)".into(),
    ] {
        assert!(refusals.iter().all(|refusal| refusal.contains(&says)), "{says}: {refusals:?}");
    }

    let diagnosis = doctor::diagnosis(&function).await;
    assert_eq!(diagnosis["ok"], false);
    let causes = diagnosis["causes"].as_array().unwrap();
    let network = causes.iter().find(|cause| cause["cause"] == Cause::NetworkCondition.id());
    let network = network.unwrap_or_else(|| panic!("{diagnosis:#}"));
    let fix = network["fix"].as_str().unwrap();
    assert!(fix.contains("NotAction rds-db:connect"), "{fix}");

    let exempt = PERIMETER.replace(r#""Action": "*""#, r#""NotAction": "rds-db:connect""#);
    attach(&[&exempt]);
    doctor::is_healthy(&function).await;
    function.ok(ITEMS).await;
}

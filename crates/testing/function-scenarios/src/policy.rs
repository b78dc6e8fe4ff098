//! The deployed role's policy, proven by enforcement: the function runs with exactly the environment
//! that `deploy/template.yaml` gives it, against a server that enforces exactly that policy.

use deploy_template::{ACCOUNT, Rendered, Stack, Template};
use engine::Engine;
use function_harness::Harness;
use function_harness::event::ITEMS;
use local_lambda::Function;
use local_rds::Server;
use local_rds::iam::Resource;
use std::time::Duration;

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
    // The one about logins: the verifier evaluates no conditions, which another policy has.
    let policy = role.inline_policy(&format!("{id}Role"), "log-in");
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
    let refused = || harness.server.iam().refusals().len() - before;
    // Too short for the retry of a denied login a second later, which would be denied as well; long
    // enough for the event's own login, the second after the start's, on a busy machine.
    let denied = match run(harness, engine, rendered, other, Duration::from_millis(1100)).await {
        Err((kind, _)) if kind != "Login.Denied" && refused() < 2 => {
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

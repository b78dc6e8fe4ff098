//! The example proxy: what it is, and who gets through it.
//!
//! A proxy is a second verifier in the chain: it checks the function's token against its own resource id,
//! and the database checks the proxy's token against the database's.

use deploy_template::iam::{Decision, Policy, Request};
use deploy_template::{ACCOUNT, PROXY_ID, Rendered, Stack, Template, example_proxy};
use local_rds::iam::Refusal;
use serde_json::{Value, json};
use std::sync::LazyLock;

use crate::login::Gate;
use crate::stack::{FUNCTIONS, SECURITY_GROUP, SUBNETS, arn, bare, refusals_of, render};

static PROXY: LazyLock<Template> = LazyLock::new(|| Template::read(&example_proxy()));

const USER: &str = "lambda-user";
/// Two databases of a blue/green deployment.
const INSTANCES: [&str; 2] = ["db-BLUEABCDEFGHIJKLMNOPQRSTUV", "db-GREENABCDEFGHIJKLMNOPQRSTU"];
const CLUSTERS: [&str; 2] =
    ["cluster-BLUEABCDEFGHIJKLMNOPQRSTUV", "cluster-GREENABCDEFGHIJKLMNOPQRSTU"];

/// A stack for this database.
fn stack(engine: &str, resource_id: &str) -> Stack {
    Stack::new("aws", "eu-west-1").with([
        ("Engine", engine),
        ("DbIdentifier", "mydb"),
        ("ResourceId", resource_id),
        ("DbUser", USER),
        ("VpcId", "vpc-0123456789abcdef0"),
        ("SubnetIds", SUBNETS),
        ("DatabaseSecurityGroupId", SECURITY_GROUP),
    ])
}

fn proxy(stack: &Stack) -> Rendered {
    PROXY.render(stack).unwrap_or_else(|refusals| panic!("{refusals:#?}"))
}

/// The functions' stack with the proxy's outputs as its parameters.
fn functions(engine: &str, proxy: &Rendered) -> Rendered {
    let own = proxy.outputs.iter().filter(|(name, _)| name.starts_with(engine));
    let own = own.map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
    let database = format!("{engine}Database");
    render(&bare().with(own).with([(&*database, "app")]))
}

/// The way from a function through a proxy to a database, with the roles' policies.
struct Way<'a> {
    function: Value,
    proxy: Gate<'a>,
    proxys: Value,
    database: Gate<'a>,
}

impl Way<'_> {
    /// Each verifier's decision: the proxy's on the function's token, the database's on the proxy's.
    fn decisions(&self, user: &str) -> [Result<(), Refusal>; 2] {
        [self.proxy.admits(user, &self.function), self.database.admits(user, &self.proxys)]
    }
}

fn is_not_allowed(decision: &Result<(), Refusal>) -> bool {
    matches!(decision, Err(Refusal::NotAllowed { .. }))
}

#[test]
fn it_takes_iam_on_both_sides_over_tls_and_has_no_secret() {
    for (engine, family) in [("mysql", "MYSQL"), ("mariadb", "MYSQL"), ("postgres", "POSTGRESQL")] {
        let rendered = proxy(&stack(engine, INSTANCES[0]));
        let proxy = rendered.properties("Proxy");
        let is = |name: &str, value: Value| assert_eq!(proxy[name], value, "{engine}: {name}");
        is("EngineFamily", json!(family));
        is("DefaultAuthScheme", json!("IAM_AUTH"));
        is("RequireTLS", json!(true));
        is("DebugLogging", json!(false));
        assert!(proxy.get("Auth").is_none());
        let all = Value::from(rendered.resources.clone()).to_string().to_lowercase();
        assert!(!all.contains("secret") && !all.contains("password"), "{all}");
    }
}

#[test]
fn its_target_is_the_database_of_the_resource_id() {
    let instance = proxy(&stack("mysql", INSTANCES[0]));
    let cluster = proxy(&stack("mysql", &CLUSTERS.join(",")));
    let target = |rendered: &Rendered| rendered.properties("ProxyTargets").clone();
    let (instance, cluster) = (target(&instance), target(&cluster));
    assert_eq!(instance["DBInstanceIdentifiers"], json!(["mydb"]));
    assert_eq!(cluster["DBClusterIdentifiers"], json!(["mydb"]));
    assert!(instance.get("DBClusterIdentifiers").is_none());
    assert!(cluster.get("DBInstanceIdentifiers").is_none());
}

/// Within the time of a function, which could not hear the proxy's answer later.
#[test]
fn a_client_waits_for_less_time_than_a_function_has() {
    let rendered = proxy(&stack("mysql", INSTANCES[0]));
    let pool = &rendered.properties("ProxyTargets")["ConnectionPoolConfigurationInfo"];
    let waits = pool["ConnectionBorrowTimeout"].as_u64().unwrap();
    let timeout = FUNCTIONS.source["Parameters"]["Timeout"]["Default"].as_u64().unwrap();
    assert!(2 * waits < timeout, "{waits} of {timeout}: there is no time to try again");
    assert!(pool["MaxConnectionsPercent"].as_u64().unwrap() < 100);
}

#[test]
fn functions_reach_the_proxy_and_the_proxy_the_database() {
    for (engine, given, port, database_port) in [
        ("mysql", "", 3306, json!(3306)),
        ("postgres", "", 5432, json!(5432)),
        ("postgres", "6432", 5432, json!("6432")),
    ] {
        let stack = proxy(&stack(engine, INSTANCES[0]).with([("DbPort", given)]));
        let rule = |from: &Value| (from["FromPort"].clone(), from["ToPort"].clone());
        let egress = |id: &str| {
            let rules = stack.properties(id)["SecurityGroupEgress"].as_array().unwrap();
            assert_eq!(rules.len(), 1, "{id}");
            (rules[0]["DestinationSecurityGroupId"].clone(), rule(&rules[0]))
        };
        let of_proxy = (json!(port), json!(port));
        let of_database = (database_port.clone(), database_port);
        let group = json!("ProxySecurityGroup.GroupId");
        assert_eq!(egress("FunctionSecurityGroup"), (group.clone(), of_proxy.clone()));
        assert_eq!(egress("ProxySecurityGroup"), (json!(SECURITY_GROUP), of_database.clone()));
        for (id, to, from, ports) in [
            ("AdmitFunctionsToProxy", &group, "FunctionSecurityGroup.GroupId", of_proxy),
            (
                "AdmitProxyToDatabase",
                &json!(SECURITY_GROUP),
                "ProxySecurityGroup.GroupId",
                of_database,
            ),
        ] {
            let ingress = stack.properties(id);
            assert_eq!((&ingress["GroupId"], rule(ingress)), (to, ports), "{id}");
            assert_eq!(ingress["SourceSecurityGroupId"], from);
        }
        assert_eq!(stack.properties("Proxy")["VpcSecurityGroupIds"], json!([group]));
    }
}

#[test]
fn its_role_logs_in_as_one_user_and_does_nothing_else() {
    for ids in [&INSTANCES[..1], &INSTANCES, &CLUSTERS[..1], &CLUSTERS] {
        let users: Vec<_> =
            ids.iter().map(|id| arn("rds-db", &format!("dbuser:{id}/{USER}"))).collect();
        let rendered = proxy(&stack("mysql", &ids.join(",")));
        let expected = json!([{"Effect": "Allow", "Action": "rds-db:connect", "Resource": users}]);
        assert_eq!(rendered.policy("ProxyRole")["Statement"], expected);
        assert!(rendered.properties("ProxyRole").get("ManagedPolicyArns").is_none());
    }
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/cross-service-confused-deputy-prevention.html>
#[test]
fn its_role_is_for_this_accounts_proxies() {
    let rendered = proxy(&stack("mysql", INSTANCES[0]));
    let trust = &rendered.properties("ProxyRole")["AssumeRolePolicyDocument"];
    let trust = Policy::parse(trust).unwrap();
    let plain = Request::new("sts:AssumeRole", "");
    let of = |account: &str, resource: &str| {
        let source = format!("arn:aws:rds:eu-west-1:{account}:{resource}");
        plain.clone().with("aws:SourceAccount", account).with("aws:SourceArn", &source)
    };
    let own = of(ACCOUNT, &format!("db-proxy:{PROXY_ID}"));
    let rds = "rds.amazonaws.com";
    assert_eq!(trust.trusts(rds, &own), Decision::Allowed);
    assert_eq!(trust.trusts(rds, &plain), Decision::Allowed, "RDS may send neither key");
    for (service, request) in [
        (rds, of("210987654321", &format!("db-proxy:{PROXY_ID}"))),
        (rds, plain.clone().with("aws:SourceAccount", "210987654321")),
        (rds, of(ACCOUNT, "db:mydb")),
        ("lambda.amazonaws.com", own.clone()),
    ] {
        assert_ne!(trust.trusts(service, &request), Decision::Allowed, "{service}: {request:?}");
    }
}

#[test]
fn a_token_opens_one_door_and_never_the_next() {
    for (engine, prefix, port) in [("mysql", "MySql", 3306), ("postgres", "Postgres", 5432)] {
        for (ids, label) in [(INSTANCES, "abc123def456"), (CLUSTERS, "cluster-abc123def456")] {
            let rendered = proxy(&stack(engine, ids[0]));
            let functions = functions(prefix, &rendered);
            let host = format!("mydb.{label}.eu-west-1.rds.amazonaws.com");
            let way = Way {
                function: functions.inline_policy(&format!("{prefix}FunctionRole"), "log-in"),
                proxy: Gate {
                    resource_id: PROXY_ID,
                    host: rendered.outputs[&format!("{prefix}Endpoint")].as_str().unwrap(),
                    port,
                },
                proxys: rendered.inline_policy("ProxyRole", "log-in"),
                database: Gate { resource_id: ids[0], host: &host, port },
            };
            assert_eq!(way.decisions(USER), [Ok(()), Ok(())], "{ids:?}");
            // The function's role past the proxy, the proxy's role at the proxy.
            assert!(is_not_allowed(&way.database.admits(USER, &way.function)), "{ids:?}");
            assert!(is_not_allowed(&way.proxy.admits(USER, &way.proxys)), "{ids:?}");
            // The proxy does not pass the function's token on, which is not for the database's host.
            let passed_on = way.database.admits_token_for(way.proxy, USER, &way.proxys);
            assert!(matches!(passed_on, Err(Refusal::Mismatch { .. })), "{passed_on:?}");

            for user in ["admin", "lambda_user", "LAMBDA-USER", "lambda-user2"] {
                assert!(way.decisions(user).iter().all(is_not_allowed), "{user}");
            }
            let other = Way {
                proxy: Gate { resource_id: "prx-0123456789abcdef1", ..way.proxy },
                database: Gate { resource_id: ids[1], ..way.database },
                ..way
            };
            assert!(other.decisions(USER).iter().all(is_not_allowed), "{ids:?}");
        }
    }
}

/// A switchover gives the name to the database of the other id: the proxy's policy must name both, and
/// the function's, which names the proxy, stays.
#[test]
fn a_switchover_behind_the_proxy_needs_both_ids_in_its_policy() {
    let host = "mydb.abc123def456.eu-west-1.rds.amazonaws.com";
    let [blue, green] = INSTANCES.map(|resource_id| Gate { resource_id, host, port: 3306 });
    let policy = |ids: &[&str]| {
        let rendered = proxy(&stack("mysql", &ids.join(",")));
        let functions = functions("MySql", &rendered);
        let function = functions.inline_policy("MySqlFunctionRole", "log-in");
        (rendered.inline_policy("ProxyRole", "log-in"), function)
    };
    let (before, function) = policy(&INSTANCES[..1]);
    assert_eq!(blue.admits(USER, &before), Ok(()));
    assert!(is_not_allowed(&green.admits(USER, &before)));
    let (meanwhile, same) = policy(&INSTANCES);
    assert_eq!((blue.admits(USER, &meanwhile), green.admits(USER, &meanwhile)), (Ok(()), Ok(())));
    assert!(is_not_allowed(&green.admits("admin", &meanwhile)));
    assert_eq!(function, same);
}

/// The same without a proxy: the function's own policy names both.
#[test]
fn a_switchover_of_a_functions_database_needs_both_ids_in_its_policy() {
    for (ids, label) in [(INSTANCES, "abc123def456"), (CLUSTERS, "cluster-abc123def456")] {
        let host = &*format!("mydb.{label}.eu-west-1.rds.amazonaws.com");
        let policy = |ids: &[&str]| {
            let given = [
                ("PostgresEndpoint", host),
                ("PostgresResourceId", &*ids.join(",")),
                ("PostgresUser", USER),
                ("PostgresDatabase", "app"),
            ];
            render(&bare().with(given)).inline_policy("PostgresFunctionRole", "log-in")
        };
        let [blue, green] = ids.map(|resource_id| Gate { resource_id, host, port: 5432 });
        let (before, meanwhile) = (policy(&ids[..1]), policy(&ids));
        assert_eq!(blue.admits(USER, &before), Ok(()));
        assert!(is_not_allowed(&green.admits(USER, &before)));
        for gate in [blue, green] {
            assert_eq!(gate.admits(USER, &meanwhile), Ok(()), "{gate:?}");
            assert!(is_not_allowed(&gate.admits("admin", &meanwhile)), "{gate:?}");
        }
        let third = Gate { resource_id: "db-THIRDABCDEFGHIJKLMNOPQRSTU", ..blue };
        assert!(is_not_allowed(&third.admits(USER, &meanwhile)));
    }
}

#[test]
fn what_is_no_database_is_refused() {
    let refused = |name: &str, value: &str| {
        let refusals = refusals_of(&PROXY, &stack("mysql", INSTANCES[0]).with([(name, value)]));
        assert_eq!(refusals.len(), 1, "{name}={value}: {refusals:?}");
    };
    for id in ["none", "mydb", PROXY_ID, &format!("{},{}", INSTANCES[0], CLUSTERS[0])] {
        refused("ResourceId", id);
    }
    for (name, value) in [
        ("Engine", "sqlserver"),
        ("ProxyName", "my--proxy"),
        ("ProxyName", "proxy-"),
        ("ProxyName", "1proxy"),
        ("DbIdentifier", "mydb.abc123def456.eu-west-1.rds.amazonaws.com"),
        ("DbUser", "lambda*"),
        ("DbUser", ""),
        ("DbPort", "65536"),
        ("DatabaseSecurityGroupId", "default"),
    ] {
        refused(name, value);
    }
}

/// The output is a command line of `deploy`, and every other output is a parameter of the functions.
#[test]
fn its_outputs_lead_to_the_functions() {
    let parameters = FUNCTIONS.source["Parameters"].as_object().unwrap();
    for (engine, prefix) in [("mysql", "MySql"), ("mariadb", "MySql"), ("postgres", "Postgres")] {
        let rendered = proxy(&stack(engine, CLUSTERS[0]));
        for name in rendered.outputs.keys().filter(|name| *name != "NextCommand") {
            assert!(parameters.contains_key(name), "{name}");
        }
        for part in ["Endpoint", "ResourceId", "DbIdentifier", "User"] {
            assert!(rendered.outputs.contains_key(&format!("{prefix}{part}")), "{prefix}{part}");
        }
        assert_eq!(rendered.outputs[&format!("{prefix}ResourceId")], PROXY_ID);
        let command = rendered.outputs["NextCommand"].as_str().unwrap();
        let help = include_str!("../../../../operator/deployment/src/help/deploy.txt");
        let options: Vec<_> = command.split(' ').filter(|word| word.starts_with("--")).collect();
        assert!(
            command.starts_with("cargo xtask deploy --region eu-west-1 --db-proxy example-proxy")
        );
        assert!(
            options.len() == 6 && options.iter().all(|option| help.contains(option)),
            "{command}"
        );
        assert!(command.contains(&format!("--subnets {SUBNETS} ")), "{command}");
    }
}

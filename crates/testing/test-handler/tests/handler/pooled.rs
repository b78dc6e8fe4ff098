//! A handler behind a transaction pooler, which stands for an RDS Proxy.

use engine::Engine;
use function_harness::Harness;
use local_rds::Server;
use pooled_proxy::Proxy;
use serde_json::json;

use crate::sent::{count, last, steps};

const HOST: &str = "app.proxy-abc123def456.eu-west-1.rds.amazonaws.com";

/// Two handlers share two connections: their statements, transactions and driver's clients, which
/// prepare by name, do what they do without a proxy, and no name reaches it.
pub(crate) async fn two_handlers(engine: Engine, bootstrap: &str) {
    let harness = Harness::with(Server::builder(engine), bootstrap).await;
    let proxy = Proxy::start(&harness.server, HOST, 2).await.unwrap();
    let (address, bundle) = (proxy.address().to_string(), proxy.ca_bundle());
    let changes = [
        ("DB_HOST", HOST),
        ("DB_CONNECT_TO", &*address),
        ("DB_CA_BUNDLE", bundle.to_str().unwrap()),
    ];
    let exclusive = [("exclusive", "-- exclusive: true\nSELECT 1 AS one")];
    let one = harness.deploy_with(&changes, &exclusive).await;
    let other = harness.deploy_with(&changes, &exclusive).await;
    for round in 0..5 {
        let add = |lane: u32| format!("add {}", 100 + 10 * round + lane);
        let (first, second) = (add(1), add(2));
        let written = ["begin", &first, "count", "items", "commit", "one", "statement"];
        let alone = [&*second, "returning 90", "sneaky"];
        let (left, right) = (steps(&written), steps(&alone));
        let (left, right) = tokio::join!(one.ok(&left), other.invoke(&right));
        assert_eq!(left.as_array().unwrap().last().unwrap(), &json!({"skipped": false}), "{left}");
        assert!(right.is_err(), "{right:?}");
        harness.execute("DELETE FROM items WHERE id = 90").await;
        let counted = 5 + 2 * round;
        assert_eq!((count(&one).await, count(&other).await), (counted.into(), counted.into()));
        let (a, b) = tokio::join!(last(&one, &["driver", "one"]), last(&other, &["one"]));
        assert_eq!((a, b), (json!(1), json!(1)));
        harness.execute("DELETE FROM items WHERE id = 50").await;
    }
    let sent = proxy.sent();
    assert_eq!((sent.names, sent.cancel_requests), (vec![], 0));
    assert!(sent.sql.iter().all(|sql| !sql.starts_with("SET")), "{:?}", sent.sql);
}

//! A handler through an RDS Proxy: what it is given pins nothing.

use engine::Engine;
use function_harness::general_log::{expect_unpinned, log, sent};
use function_harness::{Harness, PROXY};
use local_rds::Server;

use crate::sent::{count, pid, steps};

/// Queries, writes and transactions send nothing that pins, and keep their connection.
pub(crate) async fn unpinned(engine: Engine, bootstrap: &str) {
    let harness = Harness::with(Server::builder(engine).named(PROXY), bootstrap).await;
    let function = harness.deploy(&[]).await;
    let before = pid(&function).await;
    log(&harness).await;
    let mut taken = vec![
        vec!["count", "items"],
        vec!["add 4"],
        vec!["begin", "add 5", "count", "items", "commit", "count"],
        vec!["begin", "add 6", "rollback"],
        vec!["begin read", "count", "commit"],
        vec!["?broken", "count"],
        vec!["begin", "add 7", "?broken", "rollback"],
    ];
    if engine == Engine::MariaDb {
        taken.push(vec!["returning 8", "count"]);
    }
    let rows = 5 + usize::from(engine == Engine::MariaDb);
    for taken in taken {
        function.ok(&steps(&taken)).await;
        expect_unpinned(&format!("{taken:?}"), &sent(&harness).await);
        assert_eq!(pid(&function).await, before, "after {taken:?}");
        sent(&harness).await;
    }
    assert_eq!(count(&function).await, rows);
    // What pins ends with its call.
    for change in ["set", "temporary", "driver"] {
        let before = pid(&function).await;
        function.ok(&steps(&[change])).await;
        assert_ne!(pid(&function).await, before, "after {change}");
    }
}

//! Names: a resolver that fails for a moment, is silent or slow, and names that move.

use engine::Engine;
use function_harness::names::{self, ENDPOINT, Names};
use function_harness::{Harness, faults, until};
use local_rds::Server;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(20);

/// Each new connection asks anew: a name that has moved leads to the new address, and the connection that
/// is open stays where it is.
pub async fn each_login_asks(engine: Engine, bootstrap: &str) {
    let harness = start(engine, bootstrap).await;
    let names = Names::start();
    let old = faults::proxy_on(&harness, None).await;
    let new = faults::proxy_on(&harness, None).await;
    names.set(ENDPOINT, old.address().ip());
    let function = faults::deploy_named(&harness, &names, TIMEOUT, &[]).await;
    faults::echo(&function, 1).await.unwrap();
    names.set(ENDPOINT, new.address().ip());
    faults::echo(&function, 2).await.unwrap();
    assert_eq!((old.accepted(), new.accepted(), names.asked(ENDPOINT)), (1, 0, 1));
    old.sever(fault_proxy::Ending::Close);
    // The first event may only notice that the connection is gone.
    until("it connects again", async || faults::echo(&function, 3).await.is_ok()).await;
    assert_eq!((old.accepted(), new.accepted(), names.asked(ENDPOINT)), (1, 1, 2));
}

/// A server that is dialled by its name.
async fn start(engine: Engine, bootstrap: &str) -> Harness {
    faults::start(Server::builder(engine).dialled_as(names::ENDPOINT), bootstrap).await
}

//! A cluster, the names of its endpoints, and functions in front of it.

use fault_proxy::Proxy;
use local_rds::{Cluster, ClusterBuilder, Server};
use local_stack::ITEMS;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::deployed::Deployed;
use crate::faults::{self, TABLE};
use crate::harness::Harness;
use crate::names::{Answer, Names};

/// A cluster with the example table and that of the [`Ledger`](crate::faults::Ledger), behind names. The
/// network between functions and each server is a proxy's.
pub struct ClusterHarness {
    /// The functions. Its server is the first of the cluster, whichever that is now.
    pub harness: Harness,
    /// Where names lead.
    pub names: Names,
    /// The servers.
    pub cluster: Arc<Cluster>,
    proxies: [Proxy; 2],
}

impl ClusterHarness {
    /// Starts a cluster, and has each name lead where it should.
    pub async fn start(cluster: ClusterBuilder, bootstrap: &str) -> ClusterHarness {
        let cluster = cluster.setup(format!("{ITEMS}\n{TABLE}"));
        let start = tokio::task::spawn_blocking(move || cluster.start());
        let cluster = Arc::new(start.await.unwrap().expect("a cluster starts"));
        let [first, second] = cluster.members();
        let proxies = [faults::proxy_to(first).await, faults::proxy_to(second).await];
        let harness = Harness::of(Arc::clone(first), bootstrap).await;
        let started = ClusterHarness { harness, names: Names::start(), cluster, proxies };
        for member in started.cluster.members() {
            let own = started.cluster.instance_endpoint(member);
            started.names.set(own, started.address(member));
        }
        started.names_follow();
        started
    }

    /// The network between functions and `server`.
    pub fn proxy(&self, server: &Arc<Server>) -> &Proxy {
        &self.proxies[usize::from(!Arc::ptr_eq(server, &self.cluster.members()[0]))]
    }

    /// Has the names of the cluster's endpoints lead to the servers that now have their roles.
    pub fn names_follow(&self) {
        let cluster = &self.cluster;
        self.names.set(cluster.endpoint(), self.address(cluster.writer()));
        self.names.set(cluster.reader_endpoint(), self.address(cluster.reader()));
    }

    /// Moves the writer. The names stay where they are.
    pub async fn fail_over(&self) {
        let cluster = Arc::clone(&self.cluster);
        let moved = tokio::task::spawn_blocking(move || cluster.fail_over()).await.unwrap();
        if let Err(error) = moved {
            let logs = self.cluster.members().each_ref().map(|member| member.log());
            panic!("{error:?}\n{}\n{}", logs[0], logs[1]);
        }
    }

    /// Waits until the reader has what the writer wrote.
    pub async fn catch_up(&self) {
        let cluster = Arc::clone(&self.cluster);
        tokio::task::spawn_blocking(move || cluster.catch_up()).await.unwrap().unwrap();
    }

    /// Deploys the function with the statements `hit` and `echo`, and `more`. It dials names.
    pub async fn deploy(
        &self,
        timeout: Duration,
        more: &[(&str, &str)],
        changes: &[(&str, &str)],
    ) -> Deployed<'_> {
        let changes = [&self.names.environment()[..], changes].concat();
        let unused = self.harness.server.address();
        faults::deploy_with(&self.harness, unused, timeout, more, &changes).await
    }

    fn address(&self, server: &Arc<Server>) -> Answer {
        let address: IpAddr = self.proxy(server).address().ip();
        address.into()
    }
}

//! The placeholders of causes' texts that an endpoint and a login fill.

use diagnosis::{EngineTexts, Placeholders, RdsResource};
use iam_auth::{Endpoint, Kind};

use crate::engine::Login;

/// Those that an engine and a login fill.
pub fn of_login(texts: &EngineTexts, login: &Login) -> Placeholders {
    of_endpoint(texts, login.endpoint())
        .with("user", login.signer.user())
        .with("database", &login.database)
        .with("connect_to", &login.connect_to.to_string())
        .with("dial_host", login.connect_to.host())
        .with("dial_port", &login.connect_to.port().to_string())
        .with("bundle", login.trust.source())
}

/// Those that an engine and an endpoint fill.
pub(crate) fn of_endpoint(texts: &EngineTexts, endpoint: &Endpoint) -> Placeholders {
    let host = endpoint.host();
    Placeholders::of_engine(texts)
        .with_resource(resource(endpoint.kind()))
        .with("host", host)
        .with("port", &endpoint.port().to_string())
        .with("region", endpoint.region())
        .with("partition", endpoint.partition().as_str())
        .with("identifier", host.split('.').next().unwrap_or(host))
}

/// The resource that an endpoint of this kind belongs to.
fn resource(kind: Kind) -> RdsResource {
    match kind {
        kind if kind.is_proxy() => RdsResource::Proxy,
        Kind::ClusterWriter | Kind::ClusterReader | Kind::ClusterCustom | Kind::GlobalWriter => {
            RdsResource::Cluster
        }
        _ => RdsResource::Instance,
    }
}

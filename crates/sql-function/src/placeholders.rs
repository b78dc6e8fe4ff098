//! The placeholders of causes' texts that an endpoint fills.

use diagnosis::{EngineTexts, Placeholders, RdsResource};
use iam_auth::{Endpoint, EndpointKind, Roots, TrustStore};

/// Those that an engine and an endpoint fill.
pub(crate) fn of_endpoint(texts: &EngineTexts, endpoint: &Endpoint) -> Placeholders {
    let host = endpoint.host();
    let layer_file = TrustStore::default_path(endpoint, Roots::of(endpoint));
    Placeholders::of_engine(texts)
        .with_resource(resource(endpoint.kind()))
        .with("host", host)
        .with("port", &endpoint.port().to_string())
        .with("region", endpoint.region())
        .with("layer_file", &layer_file.display().to_string())
        .with("partition", endpoint.partition().as_str())
        .with("identifier", host.split('.').next().unwrap_or(host))
}

/// The resource that an endpoint of this kind belongs to.
fn resource(kind: EndpointKind) -> RdsResource {
    match kind {
        kind if kind.is_proxy() => RdsResource::Proxy,
        EndpointKind::ClusterWriter
        | EndpointKind::ClusterReader
        | EndpointKind::ClusterCustom
        | EndpointKind::GlobalWriter => RdsResource::Cluster,
        _ => RdsResource::Instance,
    }
}

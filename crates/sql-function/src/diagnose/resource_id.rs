//! The form of the resource id in a policy.

use iam_auth::EndpointKind;

/// Why `id` cannot be the resource id for an endpoint of this kind.
pub(super) fn invalid(id: &str, kind: EndpointKind) -> Option<String> {
    let prefixes: &[&str] = match kind {
        kind if kind.is_proxy() => &["prx-"],
        EndpointKind::ClusterWriter
        | EndpointKind::ClusterReader
        | EndpointKind::ClusterCustom
        | EndpointKind::GlobalWriter => &["cluster-"],
        // An instance may belong to a cluster, and nothing is known of any other name.
        _ => &["db-", "cluster-", "prx-"],
    };
    let rest = prefixes.iter().find_map(|prefix| id.strip_prefix(prefix));
    let good = rest.is_some_and(|rest| {
        !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    }) || kind.is_proxy() && rest.is_some();
    (!good).then(|| {
        format!(
            "DB_RESOURCE_ID is {id:?}, but the resource id of such an endpoint has the form {}…",
            prefixes.join("… or ")
        )
    })
}

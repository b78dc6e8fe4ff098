//! What a server reports about itself and the user.

/// What the step `database` asks the server.
#[derive(Clone, Debug, Default)]
pub struct ServerInfo {
    /// The server's version, as it reports it.
    pub version: String,
    /// The version of TLS as the server sees it.
    pub tls_version: String,
    /// The cipher suite as the server sees it.
    pub tls_cipher: String,
    /// The current user, as the server names it.
    pub user: String,
    /// The user's privileges, as the server lists them, without password hashes.
    pub grants: Vec<String>,
    /// Whether the user may administer the server, which a function does not need.
    pub is_administrator: bool,
    /// Whether the server is read-only.
    pub read_only: bool,
    /// The server's settings that differ from those of the function's sessions, with their values.
    pub settings: Vec<String>,
    /// The server's clock, in seconds since 1970.
    pub clock: f64,
}

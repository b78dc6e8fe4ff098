//! What a server says of itself, and of the user who is logged in.

/// The answers to the questions of the step `database`.
#[derive(Clone, Debug, Default)]
pub struct ServerInfo {
    /// The server's version, in its own words.
    pub version: String,
    /// The version of TLS as the server sees it.
    pub tls_version: String,
    /// The cipher suite as the server sees it.
    pub tls_cipher: String,
    /// Who the server takes the user for.
    pub user: String,
    /// What the user may do, in the server's words, without password hashes.
    pub grants: Vec<String>,
    /// Whether the user may do what a function needs not: administer the server.
    pub is_administrator: bool,
    /// Whether the server takes no writes.
    pub read_only: bool,
    /// The server's own settings that differ from what the function's sessions have, each with what it
    /// is there.
    pub settings: Vec<String>,
    /// The server's clock, in seconds since 1970.
    pub clock: f64,
}

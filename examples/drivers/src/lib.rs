//! What every example begins with: a database of RDS, as the environment describes it.

use iam_auth::{Credentials, DialAddress, Endpoint, Roots, TokenSigner, TrustStore};
use std::net::IpAddr;
use std::time::SystemTime;

/// Any error: the examples only print it.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A database, and who logs in to it.
#[derive(Clone)]
pub struct Database {
    /// Signs a token for each login, for the endpoint `DB_HOST` and `DB_PORT`, as `DB_USER`.
    pub signer: TokenSigner,
    /// The roots that verify the server: those in the file `DB_CA_BUNDLE`, or else AWS's. Set `DB_TRUST`
    /// to `amazon` for an Aurora cluster with express configuration: its name does not tell.
    pub trust: TrustStore,
    /// Where TCP connects: the endpoint, or `DB_CONNECT_TO` (`host:port`), a tunnel to it.
    pub address: DialAddress,
    /// `DB_NAME`.
    pub name: String,
}

impl Database {
    /// Reads the environment.
    ///
    /// # Errors
    /// A variable is missing or wrong.
    pub async fn from_environment() -> Result<Self, Failure> {
        let now = SystemTime::now();
        let (host, port) = (variable("DB_HOST")?, variable("DB_PORT")?.parse()?);
        let endpoint = match variable("DB_REGION") {
            Ok(region) => Endpoint::with_region(&host, port, &region)?,
            Err(_) => Endpoint::parse(&host, port)?, // names of RDS contain it
        };
        let trust = match variable("DB_CA_BUNDLE") {
            Ok(file) => TrustStore::load(file.as_ref(), now)?,
            Err(_) => {
                let roots = variable("DB_TRUST").ok().map(|text| text.parse()).transpose()?;
                let roots = roots.unwrap_or_else(|| Roots::of(&endpoint));
                TrustStore::embedded_from(roots, &endpoint, now)?
            }
        };
        let address = match variable("DB_CONNECT_TO") {
            Ok(address) => address.parse()?,
            Err(_) => endpoint.dial_address(),
        };
        let credentials = Credentials::from_chain().await;
        let signer = TokenSigner::new(endpoint, variable("DB_USER")?, credentials)?;
        Ok(Self { signer, trust, address, name: variable("DB_NAME")? })
    }

    /// Where TCP connects, looked up now, for drivers that are given it beside the name to verify.
    ///
    /// # Errors
    /// The name has no address.
    pub async fn ip(&self) -> Result<IpAddr, Failure> {
        let address = (self.address.host(), self.address.port());
        let found = tokio::net::lookup_host(address).await?.next();
        Ok(found.ok_or("the name has no address")?.ip())
    }
}

/// A variable of the environment.
///
/// # Errors
/// It is not set.
pub fn variable(name: &str) -> Result<String, Failure> {
    std::env::var(name).map_err(|_| format!("set the environment variable {name}").into())
}

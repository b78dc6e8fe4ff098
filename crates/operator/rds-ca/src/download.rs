//! Fetching a file over HTTPS: no other scheme, no redirects, a limited size.

use std::time::Duration;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::Failure;

/// AWS's largest bundle is 165 KiB.
const LIMIT: u64 = 1 << 20;
/// The longest download.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(30);

/// An HTTPS client.
#[derive(Debug)]
pub struct Client(Agent);

impl Client {
    /// A client that verifies servers with Mozilla's roots. What it fetches is trusted only by its pins.
    #[must_use]
    pub fn new() -> Self {
        Self::trusting(RootCerts::WebPki)
    }

    /// A client that trusts a single root, in DER.
    #[must_use]
    pub fn with_root(der: &[u8]) -> Self {
        Self::trusting(RootCerts::new_with_certs(&[Certificate::from_der(der).to_owned()]))
    }

    fn trusting(roots: RootCerts) -> Self {
        let config = Agent::config_builder()
            .https_only(true)
            .max_redirects(0) // a redirect is returned, and refused below
            .http_status_as_error(false)
            .timeout_global(Some(DOWNLOAD_TIMEOUT))
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build();
        Self(config.into())
    }

    /// The body at `url`.
    ///
    /// # Errors
    /// It cannot be fetched completely over HTTPS from `url` itself, is larger than 1 MiB, or is a web page.
    pub(crate) fn get(&self, url: &str) -> Result<Vec<u8>, Failure> {
        let wrong = |why: String| Failure::from(format!("{url}: {why}"));
        let mut response = self.0.get(url).call().map_err(|error| wrong(chain(&error)))?;
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get("location").and_then(|to| to.to_str().ok());
            let to = to.unwrap_or("nowhere").escape_debug();
            return Err(wrong(format!(
                "redirects to {to}, as AWS's documented address does not; refused"
            )));
        }
        if status != 200 {
            return Err(wrong(format!("answers {status}")));
        }
        let body = response.body_mut().with_config().limit(LIMIT).read_to_vec();
        let body = body.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => {
                wrong(format!("answers more than {} KiB, which no bundle has", LIMIT >> 10))
            }
            error => wrong(chain(&error)),
        })?;
        if body.trim_ascii_start().starts_with(b"<") {
            return Err(wrong("answers with a web page, not with certificates".to_owned()));
        }
        Ok(body)
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

/// An error and its sources, each once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let says = error.to_string();
        if !text.contains(&says) {
            text += &format!(": {says}");
        }
        source = error.source();
    }
    text
}

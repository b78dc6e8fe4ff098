//! The certificate of one server: made at each start, and written to its folder.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use crate::Error;
use crate::account::Account;
use crate::certificates::{CertificateAuthority, KeyType, ServerCertificate};
use crate::folder::Folder;

const FAILED: &str = "cannot make certificates";

/// Makes the certificate authority of `region`.
pub(crate) fn authority(region: &str, key_type: KeyType) -> Result<CertificateAuthority, Error> {
    CertificateAuthority::new(region, key_type, now()).map_err(Error::because(FAILED))
}

/// Makes the certificate of `host` and its `aliases`. Returns it after the root certificate, in PEM.
pub(crate) fn certify(
    authority: &CertificateAuthority,
    host: &str,
    aliases: &[String],
) -> Result<(String, ServerCertificate), Error> {
    let certificate = authority.issue(host, aliases, now()).map_err(Error::because(FAILED))?;
    Ok((authority.root_pem().to_owned(), certificate))
}

#[allow(clippy::disallowed_methods, reason = "the boundary: certificates are valid from now on")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Writes them to the server's folder. Only the server can read the key.
pub(crate) fn write(
    folder: &Folder,
    account: Account,
    root: &str,
    certificate: &ServerCertificate,
) -> Result<(), Error> {
    let write = |path: &Path, text: &str| fs::write(path, text).map_err(Error::io("write", path));
    write(&folder.ca_bundle(), root)?;
    write_own(folder, account, certificate)
}

/// Writes the server's certificate and key, which only the server can read.
pub(crate) fn write_own(
    folder: &Folder,
    account: Account,
    certificate: &ServerCertificate,
) -> Result<(), Error> {
    account.write(&folder.certificate(), &certificate.chain_pem)?;
    account.write(&folder.key(), &certificate.key_pem)
}

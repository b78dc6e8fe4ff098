//! What a failed login or a broken connection means, and what to do about it: the words that both
//! engines share.

use rustls::CertificateError;
use std::error::Error as StdError;
use std::io;

use crate::engine::Login;
use crate::error::{Error, Fate, Kind};

/// The TLS error in `error`'s chain, if it holds one: the drivers wrap it, one in an I/O error, the
/// other in an error of its own.
pub fn tls_cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(tls) = wrapped.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Some(tls);
        }
        next = error.source();
    }
    None
}

/// TLS failed: the server could not prove that it is the endpoint.
pub fn untrusted(login: &Login, cause: &rustls::Error) -> Error {
    let endpoint = login.endpoint();
    let advice = match cause {
        // A bad signature is that of an issuer with a root's name and another key.
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => format!(
            "the server's certificate comes from none of these roots: check that the bundle is the \
             one of {} (RDS Proxy needs the Amazon Trust roots), that DB_CONNECT_TO leads to this \
             database, and that nothing on the way answers in its place",
            endpoint.region()
        ),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => {
            "the certificate names another server: set DB_HOST to the endpoint that RDS shows, and \
              put a CNAME, tunnel or address into DB_CONNECT_TO"
                .to_owned()
        }
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "the server's certificate has expired: renew it by rotating the instance's CA"
            .to_owned(),
        _ => "check that DB_CONNECT_TO and the port lead to this database".to_owned(),
    };
    Error::new(
        Kind::ConnectTls,
        format!(
            "the server at {} did not prove to be {}, trusting {:?}",
            login.connect_to,
            endpoint.host(),
            login.trust
        ),
    )
    .caused_by(cause.to_string())
    .advice(advice)
}

/// The server offers no TLS: a token must not go to it in clear.
pub fn no_tls(login: &Login) -> Error {
    Error::new(
        Kind::ConnectTls,
        format!("the server at {} offers no TLS, so no token was sent", login.connect_to),
    )
    .advice("turn TLS on at the server, and check that nothing on the way takes it off")
}

/// The server did not accept the token. `create_user` is the SQL that makes a user for IAM.
pub fn denied(login: &Login, server_says: impl Into<String>, create_user: &str) -> Error {
    let endpoint = login.endpoint();
    Error::new(
        Kind::LoginDenied,
        format!("{} denied the login of {:?}", endpoint.host(), login.signer.user()),
    )
    .caused_by(server_says.into())
    .advice(format!(
        "check, in this order: the user was made for IAM, with its name in these very letters \
         ({create_user}); the function's role allows rds-db:connect on \
         arn:{}:rds-db:{}:ACCOUNT:dbuser:RESOURCE-ID/{} (RESOURCE-ID is db-…, cluster-… or prx-…, \
         not the name of the instance); IAM authentication is on; DB_HOST and DB_PORT are the \
         endpoint's own, not a CNAME's; the clock is right. The server's reason is in its \
         iam-db-auth-error log",
        endpoint.partition().as_str(),
        endpoint.region(),
        login.signer.user(),
    ))
}

/// The server turned the login away for another reason than the token.
pub fn refused(login: &Login, server_says: impl Into<String>, advice: &str) -> Error {
    Error::new(
        Kind::LoginRefused,
        format!("{} refused the login of {:?}", login.endpoint().host(), login.signer.user()),
    )
    .caused_by(server_says.into())
    .advice(advice)
}

/// The connection broke during `what`.
pub fn connection_lost(what: &str, cause: impl Into<String>) -> Error {
    Error::new(Kind::ConnectionLost, format!("the connection broke during {what}"))
        .caused_by(cause.into())
        .advice(
            "send the event again: nothing was changed. Should it happen often, look for restarts \
             and failovers in the database's events",
        )
}

/// The server runs no statement that writes.
pub fn read_only(what: &str, server_says: impl Into<String>) -> Error {
    Error::new(Kind::ServerReadOnly, format!("{what} met a server that is read-only"))
        .caused_by(server_says.into())
        .advice(
            "nothing was changed. Point DB_HOST at the writer's endpoint: a reader's is read-only \
             for good. After a failover the writer's own name leads to the old writer for a while: \
             send the event again",
        )
        .fated(Fate::NotRun)
}

/// A write may have been carried out: `error` tells no more.
pub(crate) fn outcome_unknown(what: &str, error: Error) -> Error {
    Error::new(Kind::OutcomeUnknown, format!("{what} may have been carried out"))
        .caused_by(error)
        .advice("look whether it was before sending the event again; it was sent once, not again")
}

//! What a failed login or a broken connection means, and what to do about it: the words that both
//! engines share.

use diagnosis::Cause;
use rustls::CertificateError;
use std::error::Error as StdError;
use std::fmt::Display;
use std::io;

use crate::error::{Error, Fate, Kind};
use crate::login::Login;
use crate::named;
use crate::rds_ca;
use crate::said::{Loggable, Said};
use crate::statement::Statement;

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

/// TLS failed: the server could not prove that it is the endpoint, or the handshake did not come that
/// far.
pub fn untrusted(login: &Login, cause: &rustls::Error) -> Error {
    if !matches!(cause, rustls::Error::InvalidCertificate(_)) {
        return broken_handshake(login, cause);
    }
    let Login { connect_to, trust, .. } = login;
    let host = login.endpoint().host();
    let message =
        named!("the server at {connect_to} did not prove to be {host}, trusting {trust:?}");
    Error::new(Kind::ConnectTls, message)
        .says(Loggable::of_login(cause))
        .certainly(tls_failure(login, cause), &login.placeholders())
}

/// The TLS handshake broke off, before the server's certificate was in question.
pub(crate) fn broken_handshake(login: &Login, error: impl Display) -> Error {
    Error::new(Kind::ConnectTls, named!("the TLS handshake with {} broke off", login.connect_to))
        .says(Loggable::of_login(error))
        .certainly(Cause::HandshakeFailed, &login.placeholders())
}

/// What a failed handshake shows by itself, whatever the server presented.
fn tls_failure(login: &Login, error: &rustls::Error) -> Cause {
    let rustls::Error::InvalidCertificate(error) = error else { return Cause::HandshakeFailed };
    match error {
        // A bad signature is that of an issuer with a root's name and another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            let anchors: Vec<_> = login.trust.anchors().collect();
            let (kind, region) = (login.endpoint().kind(), login.endpoint().region());
            let rds = anchors.iter().any(|anchor| rds_ca::is_rds(anchor.subject()));
            let regions: Vec<_> =
                anchors.iter().filter_map(|anchor| rds_ca::region(anchor.subject())).collect();
            match () {
                () if kind.is_proxy() && rds => Cause::RdsBundleForProxy,
                () if !regions.is_empty() && !regions.contains(&region) => {
                    Cause::BundleOfOtherRegion
                }
                () => Cause::UnknownIssuer,
            }
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Cause::WrongName
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Cause::CertificateExpired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Cause::ClockOff
        }
        _ => Cause::HandshakeFailed,
    }
}

/// The server offers no TLS: a token must not go to it in clear.
pub fn no_tls(login: &Login) -> Error {
    let message = named!("the server at {} offers no TLS, so no token was sent", login.connect_to);
    Error::new(Kind::ConnectTls, message).certainly(Cause::NoTls, &login.placeholders())
}

/// The server did not accept the token, most likely because of `cause`.
pub fn denied(login: &Login, server_says: impl Display, cause: Cause) -> Error {
    let (host, user) = (login.endpoint().host(), login.signer.user());
    Error::new(Kind::LoginDenied, named!("{host} denied the login of {user:?}"))
        .says(Loggable::of_login(server_says))
        .likely(cause, &login.placeholders())
}

/// The server turned the login away for another reason than the token: `cause`.
pub fn refused(login: &Login, server_says: impl Display, cause: Cause) -> Error {
    let (host, user) = (login.endpoint().host(), login.signer.user());
    let refused = Error::new(Kind::LoginRefused, named!("{host} refused the login of {user:?}"))
        .says(Loggable::of_login(server_says))
        .certainly(cause, &login.placeholders());
    let passes = matches!(cause, Cause::TooManyConnections | Cause::ServerNotReady);
    if passes { refused.transient() } else { refused }
}

/// Something takes the connection, and says nothing.
pub fn silent(login: &Login) -> Error {
    let message = named!("{} takes the connection and says nothing", login.connect_to);
    Error::new(Kind::ConnectTls, message).certainly(Cause::ServerSilent, &login.placeholders())
}

/// What answers is no server of the engine.
pub fn wrong_engine(login: &Login, what: impl Display) -> Error {
    let message = named!("what answers at {} is not the database", login.connect_to);
    Error::new(Kind::ConnectTls, message)
        .says(Loggable::of_login(what))
        .certainly(Cause::WrongEngine, &login.placeholders())
}

/// The connection broke during `what`.
pub fn connection_lost(what: impl Into<Loggable>, cause: impl Into<Said>) -> Error {
    let what = what.into();
    Error::new(Kind::ConnectionLost, named!("the connection broke during {what}"))
        .says(cause)
        .advice(
            "send the event again: nothing was changed. Should it happen often, look for restarts \
             and failovers in the database's events",
        )
}

/// A statement left a transaction open behind it. It has been rolled back: the connection would
/// carry it into the next event, and what is not committed is lost in the end.
pub fn left_open(statement: &Statement) -> Error {
    let message =
        named!("statement {:?} left a transaction open, which was rolled back", statement.name);
    // What a procedure committed before stays.
    let fate = if statement.is_atomic() { Fate::Interrupted } else { Fate::Unknown };
    Error::new(Kind::Query, message)
        .fated(fate)
        .named(Cause::StatementInvalid)
        .advice(
            "have the procedure COMMIT what it begins, also where it fails, or let it begin \
             nothing and send it in a transaction event",
        )
        .loses_connection()
}

/// `what` failed for a transient reason: the server has carried out nothing of it.
pub fn transient(what: impl Into<Loggable>, server_says: impl Into<Said>) -> Error {
    let what = what.into();
    Error::new(Kind::QueryTransient, named!("{what} failed with a transient error"))
        .says(server_says)
        .advice("send the event again: nothing was changed")
        .fated(Fate::NotRun)
}

/// A statement that may commit midway failed for a transient reason: part of it may last.
pub fn failed_midway(what: impl Into<Loggable>, server_says: impl Into<Said>) -> Error {
    let what = what.into();
    Error::new(Kind::Query, named!("{what} failed midway"))
        .says(server_says)
        .named(Cause::StatementInvalid)
        .advice("the error is transient: look at the data before sending the event again")
}

/// `error`, which ended `statement`, with the fate of that: a procedure may have committed before.
pub fn of_statement(statement: &Statement, error: Error) -> Error {
    let undone = statement.is_atomic() || error.fate() != Fate::NotRun;
    if undone { error } else { error.fated(Fate::Unknown) }
}

/// The server ended `what` on its way: somebody told it to, or it took longer than the server lets a
/// statement run.
pub fn ended(what: impl Into<Loggable>, server_says: impl Into<Said>) -> Error {
    let what = what.into();
    Error::new(Kind::QueryTransient, named!("{what} was ended by the server"))
        .says(server_says)
        .named(Cause::StatementInvalid)
        .advice(
            "send the event again. Should it happen each time, the statement takes longer than the \
             server lets one run: make it faster, or raise the limit that the server's words name",
        )
        .fated(Fate::Interrupted)
}

/// The server runs no statement that writes.
pub fn read_only(what: impl Into<Loggable>, server_says: impl Into<Said>) -> Error {
    let what = what.into();
    Error::new(Kind::ServerReadOnly, named!("{what} met a server that is read-only"))
        .says(server_says)
        .advice(
            "nothing was changed. Point DB_HOST at the writer's endpoint: a reader's is read-only \
             for good. After a failover the writer's own name leads to the old writer for a while: \
             send the event again",
        )
        .fated(Fate::NotRun)
}

/// A write may have been carried out: `error` tells no more.
pub(crate) fn outcome_unknown(what: impl Into<Loggable>, error: Error) -> Error {
    let what = what.into();
    Error::new(Kind::OutcomeUnknown, named!("{what} may have been carried out"))
        .caused_by(error)
        .advice("look whether it was before sending the event again; it was sent once, not again")
}

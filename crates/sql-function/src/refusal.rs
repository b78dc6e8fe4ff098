//! The errors of failed logins, statements and connections that both engines have in common.

use diagnosis::Cause;
use rustls::CertificateError;
use std::error::Error as StdError;
use std::fmt::Display;
use std::io;
use std::time::Duration;

use crate::error::{Error, Fate, Kind};
use crate::loggable;
use crate::login::Login;
use crate::proxy_words::{self, ProxySays};
use crate::rds_ca;
use crate::said::{Loggable, Said};
use crate::statement::Statement;
use crate::ways::is_transient;

/// The TLS error in the chain of `error`, if there is one. The drivers wrap it in an I/O error or
/// in an error of their own.
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

/// TLS failed: the server's certificate is not trusted, or the handshake failed before it was
/// verified.
pub fn untrusted(login: &Login, cause: &rustls::Error) -> Error {
    if !matches!(cause, rustls::Error::InvalidCertificate(_)) {
        let broken = broken_handshake(login, cause);
        return if passes(cause) { broken.transient() } else { broken };
    }
    let Login { connect_to, trust, .. } = login;
    let host = login.endpoint().host();
    let message =
        loggable!("cannot verify that the server at {connect_to} is {host}, trusting {trust:?}");
    Error::new(Kind::ConnectTls, message)
        .says(Loggable::of_login(cause))
        .certainly(tls_failure(login, cause), &login.placeholders())
}

/// Whether the server ended the handshake for a reason of the moment: it is going away, or failed.
fn passes(error: &rustls::Error) -> bool {
    use rustls::AlertDescription::{CloseNotify, InternalError, UserCanceled};
    matches!(error, rustls::Error::AlertReceived(CloseNotify | InternalError | UserCanceled))
}

/// The TLS handshake failed before the server's certificate was verified.
pub(crate) fn broken_handshake(login: &Login, error: impl Display) -> Error {
    Error::new(Kind::ConnectTls, loggable!("the TLS handshake with {} failed", login.connect_to))
        .says(Loggable::of_login(error))
        .certainly(Cause::HandshakeFailed, &login.placeholders())
}

/// The cause of a failed handshake, from its error alone.
fn tls_failure(login: &Login, error: &rustls::Error) -> Cause {
    let rustls::Error::InvalidCertificate(error) = error else { return Cause::HandshakeFailed };
    match error {
        // The issuer has the name of a root, which did not sign the certificate.
        CertificateError::BadSignature => Cause::CaOfSameName,
        CertificateError::UnknownIssuer => {
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

/// The server offers no TLS, and a token must not be sent unencrypted.
pub fn no_tls(login: &Login) -> Error {
    let message =
        loggable!("the server at {} offers no TLS, so no token was sent", login.connect_to);
    Error::new(Kind::ConnectTls, message).certainly(Cause::NoTls, &login.placeholders())
}

/// The server rejected the token, most likely because of `cause`. If it has accepted one before, the
/// policy that it lacks now was there: what the policy names has changed, unless RDS throttles. A
/// proxy keeps its id.
pub fn denied(login: &Login, server_says: impl Display, cause: Cause) -> Error {
    let accepted = login.accepted.is_known() && !login.is_through_proxy();
    let changed = cause == Cause::PolicyMissing && accepted;
    let denied = denied_by(login, server_says);
    if !changed {
        return denied.likely(cause, None, &login.placeholders());
    }
    let filled = login.placeholders().fill(Cause::ResourceIdChanged);
    denied.with_cause(Cause::ResourceIdChanged).advice(loggable!(
        "send the event again: if many environments log in at this moment, as after a restart or a \
         failover, RDS throttles them, and this passes. If it does not, {}: {}; or the role's policies \
         were changed, and no longer allow rds-db:connect. Send {{\"diagnose\": true}} to find out what \
         else it can be",
        filled.title,
        filled.fix
    ))
}

/// The server rejected the token, or a proxy says the same of its own login, with a secret, at the
/// database.
pub fn denied_or_secret_differs(login: &Login, server_says: impl Display) -> Error {
    let or = login.is_through_proxy().then_some(Cause::ProxySecretDiffers);
    match or {
        None => denied(login, server_says, Cause::PolicyMissing),
        or => denied_by(login, server_says).likely(Cause::PolicyMissing, or, &login.placeholders()),
    }
}

fn denied_by(login: &Login, server_says: impl Display) -> Error {
    let (host, user) = (login.endpoint().host(), login.signer.user());
    Error::new(Kind::LoginDenied, loggable!("{host} denied the login of {user:?}"))
        .says(Loggable::of_login(server_says))
}

/// The server refused the login for a reason other than the token: `cause`.
pub fn refused(login: &Login, server_says: impl Display, cause: Cause) -> Error {
    let (host, user) = (login.endpoint().host(), login.signer.user());
    let refused = Error::new(Kind::LoginRefused, loggable!("{host} refused the login of {user:?}"))
        .says(Loggable::of_login(server_says))
        .certainly(cause, &login.placeholders());
    if proxy_words::passes(cause) { refused.transient() } else { refused }
}

/// An RDS Proxy refused the login.
pub fn refused_by_proxy(login: &Login, server_says: impl Display, proxy: ProxySays) -> Error {
    match proxy {
        ProxySays::Refused(cause @ (Cause::PolicyMissing | Cause::ProxySecretDiffers)) => {
            denied(login, server_says, cause)
        }
        ProxySays::Refused(cause) | ProxySays::DatabaseRefused(cause) => {
            refused(login, server_says, cause)
        }
        ProxySays::Unknown => refused(login, server_says, Cause::ProxyDatabaseRefused),
    }
}

/// The server accepts the connection and has sent nothing for some time.
pub fn silent(login: &Login, time: Duration) -> Error {
    let (address, seconds) = (&login.connect_to, time.as_secs_f64());
    let message =
        loggable!("{address} accepts the connection but sends nothing, for {seconds:.1} s");
    Error::new(Kind::ConnectTls, message)
        .certainly(Cause::ServerSilent, &login.placeholders())
        .transient()
}

/// The server is not of this engine.
pub fn wrong_engine(login: &Login, what: impl Display) -> Error {
    let message = loggable!("the server at {} is not the expected database", login.connect_to);
    Error::new(Kind::ConnectTls, message)
        .says(Loggable::of_login(what))
        .certainly(Cause::WrongEngine, &login.placeholders())
}

/// The connection failed while the server was asked for TLS: it is not of this engine, or going away.
pub fn broken_startup(login: &Login, error: &io::Error) -> Error {
    let wrong = wrong_engine(login, error);
    if is_transient(error.kind()) { wrong.transient() } else { wrong }
}

/// The connection broke during `what`.
pub fn connection_lost(what: impl Into<Loggable>, cause: impl Into<Said>) -> Error {
    let what = what.into();
    Error::new(Kind::ConnectionLost, loggable!("the connection broke during {what}"))
        .says(cause)
        .advice(
            "send the event again: nothing was changed. If it happens often, look for restarts and \
             failovers in the database's events",
        )
}

/// A statement left a transaction open. It was rolled back, because the next event must not run in
/// it.
pub fn left_open(statement: &Statement) -> Error {
    let message =
        loggable!("statement {:?} left a transaction open, which was rolled back", statement.name);
    // A procedure may have committed something before.
    let fate = if statement.is_atomic() { Fate::Interrupted } else { Fate::Unknown };
    Error::new(Kind::Query, message)
        .with_fate(fate)
        .with_cause(Cause::StatementInvalid)
        .advice(
            "have the procedure end the transactions it begins, also when it fails, or begin none and \
             send it in a transaction event",
        )
        .loses_connection()
}

/// `what` failed for a transient reason, and the server executed nothing of it.
pub fn transient(what: impl Into<Loggable>, server_says: impl Into<Said>) -> Error {
    let what = what.into();
    Error::new(Kind::QueryTransient, loggable!("{what} failed with a transient error"))
        .says(server_says)
        .advice("send the event again: nothing was changed")
        .with_fate(Fate::NotRun)
}

/// An RDS Proxy did not carry out `what`: it connects to the database when a statement comes.
pub fn not_carried_out(
    what: impl Into<Loggable>,
    server_says: impl Into<Said>,
    proxy: ProxySays,
) -> Error {
    let what = what.into();
    match proxy {
        ProxySays::Refused(cause) | ProxySays::DatabaseRefused(cause) if proxy.passes() => {
            transient(what, server_says).with_cause(cause).transient()
        }
        ProxySays::Refused(cause) | ProxySays::DatabaseRefused(cause) => Error::new(
            Kind::Query,
            loggable!("{what} was refused by the RDS Proxy"),
        )
        .says(server_says)
        .with_cause(cause)
        .advice(
            "nothing was changed. Mend what the message names at the proxy or at the database \
                     behind it: {\"diagnose\": true} says more",
        )
        .with_fate(Fate::NotRun),
        ProxySays::Unknown => {
            Error::new(Kind::ConnectionLost, loggable!("the RDS Proxy failed during {what}"))
                .says(server_says)
                .with_cause(Cause::ProxyDatabaseRefused)
                .advice("send the event again: nothing was changed")
        }
    }
}

/// A statement that may commit midway failed for a transient reason, and part of it may be
/// permanent.
pub fn failed_midway(what: impl Into<Loggable>, server_says: impl Into<Said>) -> Error {
    let what = what.into();
    Error::new(Kind::Query, loggable!("{what} failed midway"))
        .says(server_says)
        .with_cause(Cause::StatementInvalid)
        .advice("the error is transient: check the data before sending the event again")
}

/// The error of a failed statement, with its fate: a procedure may have committed something before.
pub fn of_statement(statement: &Statement, error: Error) -> Error {
    let undone = statement.is_atomic() || error.fate() != Fate::NotRun;
    if undone { error } else { error.with_fate(Fate::Unknown) }
}

/// The server canceled `what`, on request or because of its own time limit.
pub fn canceled(what: impl Into<Loggable>, server_says: impl Into<Said>) -> Error {
    let what = what.into();
    Error::new(Kind::QueryTransient, loggable!("{what} was canceled by the server"))
        .says(server_says)
        .with_cause(Cause::StatementInvalid)
        .advice(
            "send the event again. If it happens each time, the statement exceeds a time limit of the \
             server: make it faster, or raise the limit that the server's message names",
        )
        .with_fate(Fate::Interrupted)
}

/// The server is read-only, as far as its answer tells.
pub fn read_only(what: impl Into<Loggable>, server_says: impl Into<Said>) -> Error {
    let what = what.into();
    Error::new(Kind::ServerReadOnly, loggable!("{what} was refused as read-only"))
        .says(server_says)
        .advice(
            "nothing was changed. Set DB_HOST to the writer's endpoint if it is a reader's. After a failover \
             the writer's name resolves to the old writer for a while: send the event again",
        )
        .with_fate(Fate::NotRun)
}

/// A statement writes in a transaction that is read-only, whatever its server is: a handler began it to
/// read, or the work itself made it so.
pub fn read_only_transaction(statement: &Statement, server_says: impl Into<Said>) -> Error {
    let message = loggable!(
        "statement {:?} writes, but the transaction that it runs in is read-only",
        statement.name
    );
    let refused = Error::new(Kind::Query, message)
        .says(server_says)
        .with_cause(Cause::StatementMode)
        .advice(
            "have the handler begin the transaction with Mode::Write; or, if it has not begun one, have no \
             statement, function, procedure or trigger make it read-only before the write",
        )
        .with_fate(Fate::NotRun);
    of_statement(statement, refused)
}

/// A server that had just said at the login that it takes writes has refused one with `error`, and so has
/// the one before: the work makes its own transaction read-only.
pub(crate) fn read_only_by_itself(error: Error) -> Error {
    Error::new(Kind::Query, "the server takes writes, but not this one, each time it is tried")
        .caused_by(error)
        .with_cause(Cause::StatementMode)
        .advice(
            "nothing was changed. Look for what makes the transaction read-only before the write: SET \
             TRANSACTION or transaction_read_only in a function or trigger that it calls, or in the settings \
             of such a function",
        )
        .with_fate(Fate::NotRun)
}

/// A write may have been executed, and `error` does not tell.
pub(crate) fn outcome_unknown(what: impl Into<Loggable>, error: Error) -> Error {
    let what = what.into();
    Error::new(Kind::OutcomeUnknown, loggable!("{what} may have been executed"))
        .caused_by(error)
        .advice(
            "check the data before sending the event again; the function does not send it twice",
        )
}

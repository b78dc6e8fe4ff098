//! Maps the driver's errors and the server's error codes to errors of the function.
//!
//! Codes: <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html> and
//! <https://mariadb.com/kb/en/mariadb-error-code-reference/>.

use diagnosis::Cause;
use mysql_async::{DriverError, Error as Failure, IoError, ServerError};
use sql_function::sql::Token;
use sql_function::truncate;
use sql_function::{
    Error, Fate, Kind, Loggable, Login, Mode, ProxySays, Said, Statement, dial, loggable, refusal,
};
use std::io::{self, ErrorKind};

/// The maximum length of a server's message in an error, in bytes.
const MAX_MESSAGE: usize = 2000;
/// `ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION`
const READ_ONLY_TRANSACTION: u16 = 1792;

/// Why a login failed.
pub(crate) fn login(login: &Login, failure: Failure) -> Error {
    if let Some(cause) = refusal::tls_cause(&failure) {
        return refusal::untrusted(login, cause);
    }
    if let Some(error) = unreached(&failure) {
        let cause = dial::cause(error);
        return dial::no_tcp(&login.connect_to, cause, Loggable::of_login(error)).transient();
    }
    match failure {
        Failure::Server(error) => refused_by_server(login, &error),
        Failure::Driver(DriverError::NoClientSslFlagFromServer) => refusal::no_tls(login),
        // MySQL treats an unknown user like one with a password, so that nobody can find out which
        // users exist.
        Failure::Driver(DriverError::UnknownAuthPlugin { name }) => refusal::denied(
            login,
            format!("the server asked for {name}, as it does for unknown users"),
            Cause::UserNotForIam,
        ),
        failure => {
            let broke = matches!(&failure, Failure::Io(IoError::Io(error)) if dial::is_transient(error.kind()))
                || matches!(failure, Failure::Driver(DriverError::ConnectionClosed));
            let says = innermost(&failure);
            let refused = refusal::refused(login, says, Cause::LoginRefused);
            if broke { refused.transient() } else { refused }
        }
    }
}

/// Whether a failed login was answered by a server.
pub(crate) fn is_answer(failure: &Failure) -> bool {
    matches!(failure, Failure::Server(_) | Failure::Driver(DriverError::UnknownAuthPlugin { .. }))
}

/// The error for the server's answer to a login.
pub(crate) fn refused_by_server(login: &Login, error: &ServerError) -> Error {
    if login.is_through_proxy()
        && let Some(proxy) = of_proxy(error, ProxySays::at_login)
    {
        return refusal::refused_by_proxy(login, text(error), proxy);
    }
    let cause = match error.code {
        // ER_ACCESS_DENIED_ERROR, ER_ACCESS_DENIED_NO_PASSWORD_ERROR. A proxy says so too when the
        // database denies its own login.
        1045 | 1698 => return refusal::denied_or_secret_differs(login, text(error)),
        // ER_PLUGIN_IS_NOT_LOADED: RDS's, while IAM authentication is off
        1524 if error.message.contains("AWSAuthenticationPlugin") => Cause::IamOff,
        // ER_WRONG_VALUE_FOR_VAR, which a proxy says of the client's character set
        1231 if login.is_through_proxy() => Cause::ProxyOption,
        // ER_SECURE_TRANSPORT_REQUIRED
        3159 => Cause::TlsRemoved,
        // ER_DBACCESS_DENIED_ERROR, also for a database that does not exist
        1044 => Cause::DatabaseDenied,
        // ER_BAD_DB_ERROR
        1049 => Cause::DatabaseUnknown,
        // ER_CON_COUNT_ERROR, ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED
        1040 | 1203 | 1226 => Cause::TooManyConnections,
        // ER_HOST_IS_BLOCKED, ER_HOST_NOT_PRIVILEGED
        1129 | 1130 => Cause::HostBlocked,
        // ER_ACCOUNT_HAS_BEEN_LOCKED in MySQL and in MariaDB
        3118 | 4151 => Cause::UserLocked,
        code if is_disconnecting(code) => Cause::ServerNotReady,
        // ER_OUTOFMEMORY, ER_OUT_OF_RESOURCES, ER_CANT_CREATE_THREAD
        1037 | 1041 | 1135 => {
            return refusal::refused(login, text(error), Cause::LoginRefused).transient();
        }
        _ => Cause::LoginRefused,
    };
    refusal::refused(login, text(error), cause)
}

/// What an RDS Proxy says for itself. Only a proxy has the code 9501: it timed out waiting for a
/// connection to the database.
fn of_proxy(
    error: &ServerError,
    read: impl FnOnce(&str) -> Option<ProxySays>,
) -> Option<ProxySays> {
    match error.code {
        9501 => Some(ProxySays::Refused(Cause::ProxyBorrowTimeout)),
        // ER_CON_COUNT_ERROR, ER_UNKNOWN_ERROR, ER_SECURE_TRANSPORT_REQUIRED
        1040 | 1105 | 3159 => read(&error.message),
        _ => None,
    }
}

/// The error of a failed statement, with its fate.
pub(crate) fn query(statement: &Statement, failure: Failure, through_proxy: bool) -> Error {
    let what = loggable!("statement {:?}", statement.name);
    let Failure::Server(error) = &failure else { return command(what, failure, through_proxy) };
    if is_read_only(error) && statement.mode == Mode::Read {
        // The server looks at its own mode before it looks at the transaction's.
        return undeclared_write(statement).says(says(error));
    }
    if is_read_only(error) {
        let fate = if statement.is_atomic() { Fate::NotRun } else { Fate::Unknown };
        return refusal::read_only(what, says(error)).with_fate(fate);
    }
    // The session is set to write, or the transaction begins so.
    if error.code == READ_ONLY_TRANSACTION && statement.mode == Mode::Write {
        return refusal::read_only_transaction(statement, says(error));
    }
    if is_transient(error.code) && !statement.is_atomic() {
        return refusal::failed_midway(what, says(error));
    }
    let stale = is_stale(error.code) && statement.is_atomic();
    let line = line(statement, error);
    let failed = match at_statement(error, statement.mode == Mode::Write).filter(|_| through_proxy)
    {
        Some(proxy) => refusal::not_carried_out(what, says(error), proxy),
        None => answered(what, failure),
    };
    let failed = failed.at_line(line);
    if stale {
        return failed.stale();
    }
    refusal::of_statement(statement, failed)
}

fn at_statement(error: &ServerError, writes: bool) -> Option<ProxySays> {
    of_proxy(error, |message| ProxySays::at_statement(message, writes))
}

/// The line of the statement that the server's error is about: the one that it counts, or the first
/// that has the name in its message.
fn line(statement: &Statement, error: &ServerError) -> Option<usize> {
    let at = match error.message.rsplit_once(" at line ") {
        // ER_PARSE_ERROR
        Some((_, line)) if error.code == 1064 => return line.parse().ok(),
        // ER_BAD_FIELD_ERROR, ER_NO_SUCH_TABLE, ER_SP_DOES_NOT_EXIST: 'app.items', 'i.name'
        _ if matches!(error.code, 1054 | 1146 | 1305) => {
            let named = error.message.split(['\'', ' ']).filter(|word| !word.is_empty());
            named.into_iter().find_map(|word| {
                let name = word.rsplit('.').next().unwrap_or(word);
                let is_name = |token: &Token<'_>| token.text.trim_matches('`') == name;
                statement.tokens().find(is_name).map(|token| token.at)
            })?
        }
        _ if error.code == READ_ONLY_TRANSACTION => return statement.verb_line(),
        _ => return None,
    };
    Some(1 + statement.sql[..at].matches('\n').count())
}

/// The error of a transaction that cannot begin.
pub(crate) fn begin(mode: Mode, sql: &'static str, failure: Failure, through_proxy: bool) -> Error {
    match &failure {
        Failure::Server(error) if is_read_only(error) && mode == Mode::Write => {
            refusal::read_only("the transaction", says(error))
        }
        _ => command(sql, failure, through_proxy),
    }
}

/// The error of a COMMIT. The proxy's connection to the database had the transaction: what a proxy says
/// of another one does not tell what became of it.
pub(crate) fn commit(failure: Failure, through_proxy: bool) -> Error {
    match &failure {
        Failure::Server(error) if through_proxy && is_of_connection(error) => {
            refusal::not_carried_out("COMMIT", says(error), ProxySays::Unknown)
        }
        _ => command("COMMIT", failure, through_proxy),
    }
}

/// Whether the error is about a connection to the database, in a proxy's words or by its code:
/// `ER_CON_COUNT_ERROR`, `ER_TOO_MANY_USER_CONNECTIONS`.
fn is_of_connection(error: &ServerError) -> bool {
    matches!(error.code, 1040 | 1203) || at_statement(error, true).is_some()
}

/// A statement ended its transaction.
pub(crate) fn committed(statement: &Statement) -> Error {
    Error::new(
        Kind::OutcomeUnknown,
        loggable!(
            "statement {:?} ended the transaction it was part of: the changes up to it may be permanent",
            statement.name
        ),
    )
    .advice("check the data before sending the event again, and send the statement in a separate event")
}

/// A statement exceeds the server's `max_allowed_packet` of `max` bytes.
pub(crate) fn too_long(what: &Loggable, max: usize) -> Error {
    let message = loggable!("{what} is longer than the server's max_allowed_packet of {max} bytes");
    Error::new(Kind::Query, message)
        .with_cause(Cause::StatementInvalid)
        .advice(
            "nothing was run. Send less in one event, or raise max_allowed_packet in the parameter \
             group",
        )
        .with_fate(Fate::NotRun)
}

/// The server's status does not match `what`.
pub(crate) fn unexpected_status(what: &'static str) -> Error {
    let message = loggable!("the server reported an unexpected transaction status after {what}");
    Error::new(Kind::Query, message).with_fate(Fate::NotRun).loses_connection()
}

/// The error of one of the function's own commands.
pub(crate) fn command(what: impl Into<Loggable>, failure: Failure, through_proxy: bool) -> Error {
    let what = what.into();
    if let Failure::Server(error) = &failure
        && let Some(proxy) = at_statement(error, true).filter(|_| through_proxy)
    {
        return refusal::not_carried_out(what, says(error), proxy);
    }
    answered(what, failure)
}

/// The error that is a server's own answer, or none.
fn answered(what: Loggable, failure: Failure) -> Error {
    match failure {
        Failure::Server(error) if is_disconnecting(error.code) => {
            refusal::connection_lost(what, says(&error))
        }
        // A COMMIT whose transaction began before the server became read-only is rolled back.
        Failure::Server(error) if is_read_only(&error) => refusal::read_only(what, says(&error)),
        // ER_NET_PACKET_TOO_LARGE: nothing was read, and the server closes the connection.
        Failure::Server(error) if error.code == 1153 => {
            let failed = Error::new(Kind::Query, loggable!("{what} failed")).says(says(&error));
            failed
                .with_cause(Cause::StatementInvalid)
                .advice("send less in one event, or raise max_allowed_packet")
                .with_fate(Fate::NotRun)
                .loses_connection()
        }
        Failure::Server(error) if is_transient(error.code) => {
            refusal::transient(what, says(&error)).with_cause(Cause::StatementInvalid)
        }
        // ER_QUERY_INTERRUPTED, ER_QUERY_TIMEOUT, MariaDB's ER_STATEMENT_TIMEOUT
        Failure::Server(error) if matches!(error.code, 1317 | 3024 | 1969) => {
            refusal::canceled(what, says(&error))
        }
        Failure::Server(error) => {
            let (cause, advice) = meaning(error.code);
            // ER_ERROR_DURING_COMMIT
            let fate = if error.code == 1180 { Fate::Unknown } else { Fate::NotRun };
            let failed = Error::new(Kind::Query, loggable!("{what} failed"));
            failed.with_cause(cause).says(says(&error)).advice(advice).with_fate(fate)
        }
        failure => refusal::connection_lost(what, broken(&failure)),
    }
}

/// A statement writes, but its mode is read.
pub(crate) fn undeclared_write(statement: &Statement) -> Error {
    let (cause, advice) = meaning(READ_ONLY_TRANSACTION);
    let message = loggable!("statement {:?} writes, but its mode is read", statement.name);
    Error::new(Kind::Query, message)
        .with_cause(cause)
        .advice(advice)
        .with_fate(Fate::NotRun)
        .at_line(statement.verb_line())
}

/// The cause of the server's answer to a statement, and what to do.
fn meaning(code: u16) -> (Cause, &'static str) {
    let correct = "correct the statement or its parameters: the server's message says where";
    match code {
        READ_ONLY_TRANSACTION => (
            Cause::StatementMode,
            "a statement that writes needs the line \"-- mode: write\" at its top",
        ),
        // ER_OPTION_PREVENTS_STATEMENT, unless the server is read-only
        1290 => (
            Cause::StatementInvalid,
            "an option of the server prevents the statement: its message names the option",
        ),
        1044 | 1045 | 1142 | 1143 | 1227 | 1370 | 1410 | 1419 | 1959 | 3530 => {
            (Cause::RightsMissing, "GRANT the user the privileges that the statement needs")
        }
        // ER_BAD_DB_ERROR, ER_BAD_FIELD_ERROR, ER_NO_SUCH_TABLE, ER_SP_DOES_NOT_EXIST
        1049 | 1054 | 1146 | 1305 => (Cause::TableMissing, correct),
        _ => (Cause::StatementInvalid, correct),
    }
}

/// Whether the error is transient, and the server has undone the statement:
///
/// | code | |
/// |---|---|
/// | 1020, 1412 | `ER_CHECKREAD`, `ER_TABLE_DEF_CHANGED`: the rows or the table changed since the transaction began |
/// | 1037, 1041, 1135 | out of memory, resources, threads |
/// | 1040, 1203 | too many connections |
/// | 1205, 1213, 1206 | `ER_LOCK_WAIT_TIMEOUT`, `ER_LOCK_DEADLOCK`, `ER_LOCK_TABLE_FULL` |
/// | 1243, 1615 | `ER_UNKNOWN_STMT_HANDLER`, `ER_NEED_REPREPARE`: a prepared statement is stale |
/// | 1461 | `ER_MAX_PREPARED_STMT_COUNT_REACHED` |
/// | 1613, 1614 | an XA transaction's timeout and deadlock |
/// | 3058, 3572 | `ER_USER_LOCK_DEADLOCK`, `ER_LOCK_NOWAIT` |
/// | 3101, 3168 | rolled back by group replication, not available |
/// | 9501 | RDS Proxy: timed out waiting for a connection to the database |
fn is_transient(code: u16) -> bool {
    matches!(
        code,
        1020 | 1037
            | 1040
            | 1041
            | 1135
            | 1203
            | 1205
            | 1206
            | 1213
            | 1243
            | 1412
            | 1461
            | 1613
            | 1614
            | 1615
            | 3058
            | 3101
            | 3168
            | 3572
            | 9501
    )
}

/// Whether a prepared statement is out of date (`ER_UNKNOWN_STMT_HANDLER`, `ER_NEED_REPREPARE`).
fn is_stale(code: u16) -> bool {
    matches!(code, 1243 | 1615)
}

/// `ER_UNSUPPORTED_PS`: the server accepts the statement only as text.
pub(crate) fn cannot_be_prepared(failure: &Failure) -> bool {
    matches!(failure, Failure::Server(error) if error.code == 1295)
}

/// Whether the server is read-only: `--read-only` or `--super-read-only`
/// (`ER_OPTION_PREVENTS_STATEMENT`), or Aurora's reader (`ER_READ_ONLY_MODE`,
/// `ER_INNODB_READ_ONLY`).
fn is_read_only(error: &ServerError) -> bool {
    match error.code {
        1290 => error.message.contains("read-only"),
        1836 | 1874 => true,
        _ => false,
    }
}

/// Whether the server is closing the connection: `ER_SERVER_SHUTDOWN`, errors of the network,
/// MariaDB's `ER_CONNECTION_KILLED`, `ER_SESSION_WAS_KILLED`, `ER_CLIENT_INTERACTION_TIMEOUT`.
fn is_disconnecting(code: u16) -> bool {
    matches!(code, 1053 | 1152 | 1158..=1161 | 1927 | 3169 | 4031)
}

/// Whether the driver refused a row that is longer than a packet may be.
pub(crate) fn is_long_row(failure: &Failure) -> bool {
    // The driver wraps its codec's error in an I/O error, so only the text tells.
    matches!(failure, Failure::Io(IoError::Io(error))
        if error.get_ref().is_some_and(|inner| inner.to_string().contains("max_allowed_packet")))
}

/// What the server said about a statement. Its message quotes values, and the statement with its
/// parameters.
fn says(error: &ServerError) -> Said {
    Said::new(code(error), truncate(&error.message, MAX_MESSAGE).into_owned())
}

/// What the server said about a login.
fn text(error: &ServerError) -> String {
    format!("{}: {}", code(error), error.message)
}

fn code(error: &ServerError) -> Loggable {
    loggable!("ERROR {} ({})", error.code, error.state)
}

/// How a connection broke. The driver's message may quote what it could not read.
fn broken(failure: &Failure) -> Said {
    let text = truncate(&innermost(failure), MAX_MESSAGE).into_owned();
    match failure {
        Failure::Io(IoError::Io(error)) => Said::new(Loggable::of_io(error), text),
        Failure::Driver(DriverError::ConnectionClosed) => "the server closed it".into(),
        _ => text.into(),
    }
}

/// The last source: the driver's errors repeat their sources in their own text.
fn innermost(failure: &Failure) -> String {
    let mut error: &dyn std::error::Error = failure;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// The system's error if the driver could not open a TCP connection. Those that break an open one are
/// others.
pub(crate) fn unreached(failure: &Failure) -> Option<&io::Error> {
    let Failure::Io(IoError::Io(error)) = failure else { return None };
    let breaks = matches!(
        error.kind(),
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected
    );
    (error.raw_os_error().is_some() && !breaks).then_some(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_not_reached_is_told_from_a_connection_that_breaks() {
        let unreached = |code: i32| {
            let error = io::Error::from_raw_os_error(code);
            super::unreached(&Failure::Io(IoError::Io(error))).is_some()
        };
        // EADDRNOTAVAIL, ENETUNREACH, ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH, EAFNOSUPPORT, EACCES
        assert!([99, 101, 110, 111, 113, 97, 13].into_iter().all(unreached));
        // ECONNABORTED, ECONNRESET, ENOTCONN, EPIPE
        assert!(![103, 104, 107, 32].into_iter().any(unreached));
        let ended = Failure::Io(IoError::Io(ErrorKind::UnexpectedEof.into()));
        assert!(super::unreached(&ended).is_none());
    }

    #[test]
    fn what_a_proxy_says_at_a_commit_does_not_tell_what_became_of_it() {
        let says = |code, message: &str| {
            let (message, state) = (message.to_owned(), "HY000".to_owned());
            Failure::Server(ServerError { code, message, state })
        };
        for (code, message) in [
            (9501, "Timed-out waiting to acquire database connection"),
            (1040, "Too many connections"),
            (1040, "Connections rate limit exceeded (200)"),
            (1105, "Request returned an error: Server shutdown in progress"),
            (1105, "Unknown error"),
        ] {
            let error = commit(says(code, message), true);
            assert_eq!(error.fate(), Fate::Unknown, "{message}");
        }
        let deadlock = commit(says(1213, "Deadlock found when trying to get lock"), true);
        assert_eq!(deadlock.fate(), Fate::NotRun);
        let own = commit(says(1105, "Unknown error"), false);
        assert_eq!((own.kind(), own.fate()), (Kind::Query, Fate::NotRun));
    }
}

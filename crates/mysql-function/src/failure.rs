//! What the driver's errors and the server's codes mean.
//!
//! Codes: <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html> and
//! <https://mariadb.com/kb/en/mariadb-error-code-reference/>.

use mysql_async::{DriverError, Error as Failure, IoError, ServerError};
use sql_function::session::Login;
use sql_function::{Error, Kind, Statement, refusal};
use std::io::ErrorKind;

const CREATE_USER: &str = "CREATE USER … IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'";

/// Why a login failed.
pub(crate) fn login(login: &Login, failure: Failure) -> Error {
    if let Some(cause) = refusal::tls_cause(&failure) {
        return refusal::untrusted(login, cause);
    }
    match failure {
        Failure::Server(error) => refused_by_server(login, &error),
        Failure::Driver(DriverError::NoClientSslFlagFromServer) => refusal::no_tls(login),
        // MySQL answers an unknown user as if it existed with a password of another kind, so that
        // nobody can try out which users there are.
        Failure::Driver(DriverError::UnknownAuthPlugin { name }) => refusal::denied(
            login,
            format!("the server asked for {name}, as it does for a user it does not know"),
            CREATE_USER,
        ),
        Failure::Io(IoError::Io(error)) if is_unreachable(error.kind()) => {
            Error::new(Kind::ConnectTcp, format!("no TCP connection to {}", login.connect_to))
                .caused_by(error)
                .advice(
                    "check that the database's security group lets the function's in on this port, \
                     and that the database is running",
                )
        }
        failure => refusal::refused(
            login,
            innermost(&failure),
            "the connection ended during the login: check that DB_CONNECT_TO leads to a MySQL \
             server, and the server's error log",
        ),
    }
}

fn refused_by_server(login: &Login, error: &ServerError) -> Error {
    let says = says(error);
    match error.code {
        // ER_ACCESS_DENIED_ERROR, ER_ACCESS_DENIED_NO_PASSWORD_ERROR
        1045 | 1698 => refusal::denied(login, says, CREATE_USER),
        // ER_DBACCESS_DENIED_ERROR, ER_BAD_DB_ERROR
        1044 | 1049 => refusal::refused(
            login,
            says,
            "check DB_NAME, and GRANT the user rights in that database",
        ),
        // ER_CON_COUNT_ERROR, ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED
        1040 | 1203 | 1226 => refusal::refused(
            login,
            says,
            "lower the function's reserved concurrency, or raise max_connections",
        ),
        _ => refusal::refused(login, says, "the server's own words say why"),
    }
}

/// Why a statement failed. One that failed without an answer of the server's may have run.
pub(crate) fn query(statement: &Statement, failure: Failure) -> Error {
    command(&format!("statement {:?}", statement.name), failure)
}

/// Why a command around the statements failed.
pub(crate) fn command(what: &str, failure: Failure) -> Error {
    match failure {
        Failure::Server(error) => {
            let advice = match error.code {
                // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION
                1792 => "a statement that writes needs the line \"-- mode: write\" at its top",
                1044 | 1142 | 1143 | 1227 | 1370 => "GRANT the user what the statement needs",
                _ => "correct the statement or its parameters: the server's own words say where",
            };
            Error::new(Kind::Query, format!("{what} failed")).caused_by(says(&error)).advice(advice)
        }
        failure => refusal::connection_lost(what, innermost(&failure)),
    }
}

/// Whether the driver refused to read a row because it is longer than a packet may be.
pub(crate) fn is_long_row(failure: &Failure) -> bool {
    // The driver has no other sign: it wraps its codec's error in one of I/O.
    matches!(failure, Failure::Io(IoError::Io(error))
        if error.get_ref().is_some_and(|inner| inner.to_string().contains("max_allowed_packet")))
}

fn says(error: &ServerError) -> String {
    format!("ERROR {} ({}): {}", error.code, error.state, error.message)
}

/// The driver's errors repeat their sources in their own text: the last one says it all.
fn innermost(failure: &Failure) -> String {
    let mut error: &dyn std::error::Error = failure;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn is_unreachable(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::TimedOut
    )
}

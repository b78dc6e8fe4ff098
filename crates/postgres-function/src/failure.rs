//! What the driver's errors and the server's codes mean.
//!
//! Codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use sql_function::session::Login;
use sql_function::{Error, Kind, Statement, refusal};
use tokio_postgres::error::{DbError, SqlState};

const CREATE_USER: &str = "CREATE ROLE … LOGIN; GRANT rds_iam TO …";

/// The endpoint's name cannot be verified by TLS at all.
pub(crate) fn name(
    login: &Login,
    failure: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    let message = format!("{:?} is no name that a certificate can carry", login.endpoint().host());
    Error::new(Kind::ConnectTls, message)
        .caused_by(failure)
        .advice("set DB_HOST to the endpoint that RDS shows")
}

/// Why a login failed.
pub(crate) fn login(login: &Login, failure: tokio_postgres::Error) -> Error {
    if let Some(cause) = refusal::tls_cause(&failure) {
        return refusal::untrusted(login, cause);
    }
    if let Some(error) = failure.as_db_error() {
        return refused_by_server(login, error);
    }
    let says = chain(&failure);
    // The driver has no other sign for a server that answers its request for TLS with no.
    if says.contains("server does not support TLS") {
        return refusal::no_tls(login);
    }
    refusal::refused(
        login,
        says,
        "the connection ended during the login: check that DB_CONNECT_TO leads to a PostgreSQL \
         server, and the server's log",
    )
}

fn refused_by_server(login: &Login, error: &DbError) -> Error {
    let says = says(error);
    match *error.code() {
        // What RDS's PAM says is this code too, and so is a missing line of pg_hba.conf.
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION
            if error.message().contains("pg_hba.conf") =>
        {
            refusal::refused(
                login,
                says,
                "the server lets this user, database or address in by no rule",
            )
        }
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION | SqlState::INVALID_PASSWORD => {
            refusal::denied(login, says, CREATE_USER)
        }
        SqlState::INVALID_CATALOG_NAME | SqlState::INSUFFICIENT_PRIVILEGE => refusal::refused(
            login,
            says,
            "check DB_NAME, and GRANT the user CONNECT on that database",
        ),
        SqlState::TOO_MANY_CONNECTIONS => refusal::refused(
            login,
            says,
            "lower the function's reserved concurrency, or raise max_connections",
        ),
        _ => refusal::refused(login, says, "the server's own words say why"),
    }
}

/// Why a statement failed. One that failed without an answer of the server's may have run.
pub(crate) fn query(statement: &Statement, failure: tokio_postgres::Error) -> Error {
    command(&format!("statement {:?}", statement.name), failure)
}

/// Why a command around the statements failed.
pub(crate) fn command(what: &str, failure: tokio_postgres::Error) -> Error {
    match failure.as_db_error() {
        Some(error) => {
            let advice = match *error.code() {
                SqlState::READ_ONLY_SQL_TRANSACTION => {
                    "a statement that writes needs the line \"-- mode: write\" at its top"
                }
                SqlState::INSUFFICIENT_PRIVILEGE => "GRANT the user what the statement needs",
                _ => "correct the statement or its parameters: the server's own words say where",
            };
            Error::new(Kind::Query, format!("{what} failed")).caused_by(says(error)).advice(advice)
        }
        None => refusal::connection_lost(what, chain(&failure)),
    }
}

fn says(error: &DbError) -> String {
    let mut says = format!("{} ({}): {}", error.severity(), error.code().code(), error.message());
    for more in [error.detail(), error.hint()].into_iter().flatten() {
        says += &format!(" ({more})");
    }
    if let Some(position) = error.where_().and_then(parameter) {
        says += &format!(" (the value of parameter {position})");
    }
    says
}

/// The parameter whose value the server could not read: it says so in the context of the error, as
/// `unnamed portal parameter $2 = '…'` (`bind_param_error_callback` in `postgres.c`), whatever the
/// language of its messages.
fn parameter(context: &str) -> Option<u16> {
    let line = context.lines().next()?;
    let (_, position) = line.split_once('$')?;
    position.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The driver's own text is only a heading: the reason is among its sources.
fn chain(failure: &tokio_postgres::Error) -> String {
    let errors = std::iter::successors(Some(failure as &dyn std::error::Error), |e| e.source());
    errors.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

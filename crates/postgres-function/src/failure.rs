//! Maps the driver's errors and the server's error codes to errors of the function.
//!
//! Codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use diagnosis::Cause;
use sql_function::truncate;
use sql_function::{
    Error, Fate, Kind, Loggable, Login, Mode, ProxySays, Said, Statement, dial, loggable, refusal,
};
use std::io;
use tokio_postgres::Error as Failure;
use tokio_postgres::error::{DbError, ErrorPosition, Severity, SqlState};

/// The maximum length of a text of the server in an error, in bytes.
const MAX_TEXT: usize = 1500;
const READ_ONLY: SqlState = SqlState::READ_ONLY_SQL_TRANSACTION;

/// TLS cannot verify the endpoint's name.
pub(crate) fn name(login: &Login, failure: impl std::error::Error) -> Error {
    let message = loggable!("{:?} is not a valid name in a certificate", login.endpoint().host());
    Error::new(Kind::ConnectTls, message)
        .says(Loggable::of_login(failure))
        .certainly(Cause::HostMalformed, &login.placeholders())
}

/// The connection was closed as soon as it was opened.
pub(crate) fn no_peer(login: &Login, failure: io::Error) -> Error {
    let cause = dial::cause(&failure);
    dial::no_tcp(&login.connect_to, cause, Loggable::of_login(&failure)).transient()
}

/// Why a login failed.
pub(crate) fn login(login: &Login, failure: Failure) -> Error {
    if let Some(cause) = refusal::tls_cause(&failure) {
        return refusal::untrusted(login, cause);
    }
    if let Some(error) = failure.as_db_error() {
        return refused_by_server(login, error.code(), error.message(), text(error));
    }
    let says = chain(&failure);
    // Only the text of the driver's error tells that the server does not support TLS.
    if says.contains("server does not support TLS") {
        return refusal::no_tls(login);
    }
    let broke =
        failure.is_closed() || io_cause(&failure).is_some_and(|e| dial::is_transient(e.kind()));
    let refused = refusal::refused(login, says, Cause::LoginRefused);
    if broke { refused.transient() } else { refused }
}

/// Whether a failed login was answered by a server.
pub(crate) fn is_answer(failure: &Failure) -> bool {
    failure.as_db_error().is_some()
}

/// The error for the server's answer to a login: its code, its message, and the whole text.
pub(crate) fn refused_by_server(
    login: &Login,
    code: &SqlState,
    message: &str,
    says: String,
) -> Error {
    if login.is_through_proxy()
        && let Some(proxy) = ProxySays::at_login(message)
    {
        return refusal::refused_by_proxy(login, says, proxy);
    }
    let cause = match *code {
        // A denied token, a missing line in pg_hba.conf and a role without LOGIN have the same
        // code.
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION if message.contains("pg_hba.conf") => {
            Cause::HostBlocked
        }
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION
            if message.contains("not permitted to log in") =>
        {
            Cause::UserLocked
        }
        // Members of rds_iam authenticate with PAM, whose refusal has the other code, and all others with
        // a password. A proxy has this code for tokens too.
        SqlState::INVALID_PASSWORD if !login.is_through_proxy() => {
            return refusal::denied(login, says, Cause::UserNotForIam);
        }
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION | SqlState::INVALID_PASSWORD => {
            return refusal::denied(login, says, Cause::PolicyMissing);
        }
        SqlState::INVALID_CATALOG_NAME => Cause::DatabaseUnknown,
        SqlState::INSUFFICIENT_PRIVILEGE => Cause::DatabaseDenied,
        SqlState::TOO_MANY_CONNECTIONS => Cause::TooManyConnections,
        SqlState::CANNOT_CONNECT_NOW | SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => {
            Cause::ServerNotReady
        }
        // Out of memory or other resources, an error of the system, one of the server's own.
        _ if ["53", "58", "XX"].iter().any(|class| code.code().starts_with(class)) => {
            return refusal::refused(login, says, Cause::LoginRefused).transient();
        }
        _ => Cause::LoginRefused,
    };
    refusal::refused(login, says, cause)
}

/// What an RDS Proxy says about a statement: it has a connection to the database, or waits for one, no
/// sooner than a statement comes. A procedure may say the same; then the error has a context. Of an
/// error of the connection (class 08) whose words are not known, nobody knows what it means for a
/// statement; 08P01 is about the message that was sent.
fn of_proxy(error: &DbError, writes: bool) -> Option<ProxySays> {
    let code = error.code().code();
    let is_connections = code.starts_with("08") && code != "08P01";
    match ProxySays::at_statement(error.message(), writes) {
        None => is_connections.then_some(ProxySays::Unknown),
        says => says.filter(|_| {
            code.starts_with("08") || matches!(code, "53300" | "XX000" | "28000" | "28P01")
        }),
    }
}

/// The error of a failed statement, with its fate.
pub(crate) fn query(statement: &Statement, failure: Failure, through_proxy: bool) -> Error {
    let what = loggable!("statement {:?}", statement.name);
    let line = failure.as_db_error().and_then(|error| line(statement, error));
    let writes = statement.mode == Mode::Write;
    let failed = match failure.as_db_error() {
        // Its transaction began with what the server does by default.
        Some(error) if *error.code() == READ_ONLY && writes => {
            refusal::read_only(what, says(error))
        }
        Some(error) => match of_proxy(error, writes).filter(|_| through_proxy) {
            // A proxy had no connection to the database. An error inside a function has a context.
            Some(proxy) if error.where_().is_none() && proxy.passes() => {
                return of_proxys(what, error, proxy);
            }
            proxy => {
                let passes = is_transient(error.code()) || proxy.is_some_and(ProxySays::passes);
                if passes && !statement.is_atomic() {
                    return refusal::failed_midway(what, says(error));
                }
                match proxy {
                    Some(proxy) => of_proxys(what, error, proxy),
                    None => answered(what, failure),
                }
            }
        },
        None => answered(what, failure),
    };
    refusal::of_statement(statement, failed).at_line(line)
}

/// The error of a statement that failed in an open transaction. One that began read-write stays so, unless
/// the work itself makes it read-only: the server does not.
pub(crate) fn in_transaction(
    statement: &Statement,
    failure: Failure,
    through_proxy: bool,
) -> Error {
    match failure.as_db_error() {
        Some(error) if *error.code() == READ_ONLY && statement.mode == Mode::Write => {
            refusal::read_only_transaction(statement, says(error))
        }
        _ => query(statement, failure, through_proxy),
    }
}

fn of_proxys(what: Loggable, error: &DbError, proxy: ProxySays) -> Error {
    refusal::not_carried_out(what, says(error), proxy).loses_connection()
}

/// The error of the COMMIT that ends a statement's own transaction.
pub(crate) fn ended(statement: &Statement, failure: Failure, through_proxy: bool) -> Error {
    unknown(loggable!("statement {:?}", statement.name), &failure, through_proxy)
        .unwrap_or_else(|| query(statement, failure, through_proxy))
}

/// The error of a COMMIT.
pub(crate) fn commit(failure: Failure, through_proxy: bool) -> Error {
    unknown("COMMIT".into(), &failure, through_proxy)
        .unwrap_or_else(|| command("COMMIT", failure, through_proxy))
}

/// The error of a COMMIT in a proxy's words. Its connection to the database had the transaction: what it
/// says of another one does not tell what became of it.
fn unknown(what: Loggable, failure: &Failure, through_proxy: bool) -> Option<Error> {
    let error = failure.as_db_error().filter(|_| through_proxy)?;
    let is_of_connection =
        *error.code() == SqlState::TOO_MANY_CONNECTIONS || of_proxy(error, true).is_some();
    is_of_connection.then(|| of_proxys(what, error, ProxySays::Unknown))
}

/// The line of the statement that the server's error is about.
fn line(statement: &Statement, error: &DbError) -> Option<usize> {
    let Some(ErrorPosition::Original(character)) = error.position() else { return None };
    let before = usize::try_from(*character).ok()?.checked_sub(1)?;
    Some(1 + statement.sql.chars().take(before).filter(|c| *c == '\n').count())
}

/// Whether a read-only transaction refused a write.
pub(crate) fn is_read_only(failure: &Failure) -> bool {
    failure.code() == Some(&READ_ONLY)
}

/// Whether the server refused a statement because it was in a transaction, or because it ended one:
/// VACUUM, or a procedure that commits.
pub(crate) fn runs_alone<T>(outcome: &Result<T, Failure>) -> bool {
    let alone = [SqlState::ACTIVE_SQL_TRANSACTION, SqlState::INVALID_TRANSACTION_TERMINATION];
    let code = outcome.as_ref().err().and_then(Failure::code);
    code.is_some_and(|code| alone.contains(code))
}

/// Whether the server no longer knows a prepared statement.
pub(crate) fn is_forgotten(failure: &Failure) -> bool {
    failure.code() == Some(&SqlState::INVALID_SQL_STATEMENT_NAME)
}

/// Whether a prepared statement may be out of date, and nothing was executed: the server says so,
/// or types have changed since it was prepared (class 42, and values that cannot be read). An error
/// inside a function has a context.
pub(crate) fn is_stale(failure: &Failure, atomic: bool) -> bool {
    let Some(error) = failure.as_db_error() else { return false };
    let code = error.code().code();
    let told = code == "26000" || error.routine() == Some("RevalidateCachedQuery");
    let types = code.starts_with("42") || matches!(code, "22P02" | "22P03");
    (told && (atomic || error.where_().is_none())) || (types && atomic)
}

/// Whether the error is transient:
///
/// | code | |
/// |---|---|
/// | 40001, 40P01 | serialization failure, deadlock |
/// | 55P03 | a lock is not available |
/// | 53… | out of memory, connections or other resources, except disk space |
fn is_transient(code: &SqlState) -> bool {
    let code = code.code();
    matches!(code, "40001" | "40P01" | "55P03") || (code.starts_with("53") && code != "53100")
}

/// The error of a transaction that cannot begin. A server in recovery refuses a read-write one as
/// an unsupported feature.
pub(crate) fn begin(mode: Mode, sql: &'static str, failure: Failure, through_proxy: bool) -> Error {
    match failure.as_db_error() {
        Some(error)
            if mode == Mode::Write
                && matches!(*error.code(), READ_ONLY | SqlState::FEATURE_NOT_SUPPORTED) =>
        {
            refusal::read_only("the transaction", says(error))
        }
        _ => command(sql, failure, through_proxy),
    }
}

/// The error of one of the function's own commands.
pub(crate) fn command(what: impl Into<Loggable>, failure: Failure, through_proxy: bool) -> Error {
    let what = what.into();
    if let Some(error) = failure.as_db_error()
        && let Some(proxy) = of_proxy(error, true).filter(|_| through_proxy)
    {
        return of_proxys(what, error, proxy);
    }
    answered(what, failure)
}

/// The error that is a server's own answer, or none.
fn answered(what: Loggable, failure: Failure) -> Error {
    match failure.as_db_error() {
        // The server closes the connection with it. It does not answer the command.
        Some(error)
            if matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic)) =>
        {
            refusal::connection_lost(what, says(error))
        }
        Some(error) if is_transient(error.code()) => {
            refusal::transient(what, says(error)).with_cause(Cause::StatementInvalid)
        }
        Some(error) if *error.code() == SqlState::QUERY_CANCELED => {
            refusal::canceled(what, says(error))
        }
        Some(error) => {
            let (cause, advice) = meaning(error.code());
            let failed = Error::new(Kind::Query, loggable!("{what} failed"));
            failed.with_cause(cause).says(says(error)).advice(advice).with_fate(Fate::NotRun)
        }
        None => refusal::connection_lost(what, broken(&failure)),
    }
}

/// A statement writes, but its mode is read.
pub(crate) fn undeclared_write(statement: &Statement) -> Error {
    let (cause, advice) = meaning(&READ_ONLY);
    Error::new(
        Kind::Query,
        loggable!("statement {:?} writes, but its mode is read", statement.name),
    )
    .with_cause(cause)
    .advice(advice)
    .with_fate(Fate::NotRun)
    .at_line(statement.verb_line())
}

/// The cause of the server's answer to a statement, and what to do.
fn meaning(code: &SqlState) -> (Cause, &'static str) {
    let correct = "correct the statement or its parameters: the server's message says where";
    match *code {
        READ_ONLY => (
            Cause::StatementMode,
            "a statement that writes needs the line \"-- mode: write\" at its top",
        ),
        SqlState::ACTIVE_SQL_TRANSACTION => (
            Cause::StatementMode,
            "it runs only outside transactions: send it in a separate event, with the line \
             \"-- mode: write\" at its top",
        ),
        SqlState::INSUFFICIENT_PRIVILEGE => {
            (Cause::RightsMissing, "GRANT the user the privileges that the statement needs")
        }
        SqlState::UNDEFINED_TABLE
        | SqlState::UNDEFINED_COLUMN
        | SqlState::UNDEFINED_FUNCTION
        | SqlState::INVALID_SCHEMA_NAME => (Cause::TableMissing, correct),
        _ => (Cause::StatementInvalid, correct),
    }
}

/// The I/O error among the sources of a driver's error.
fn io_cause(failure: &Failure) -> Option<&io::Error> {
    let mut source = std::error::Error::source(failure);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        source = error.source();
    }
    None
}

/// What the server said about a statement. Its message quotes values and rows. The separate names
/// do not, if the error comes from the server itself.
fn says(error: &DbError) -> Said {
    let told = loggable!("{} ({})", severity(error), error.code().code());
    Said::new(told, words(error)).apart(names(error))
}

/// What the server said about a login.
fn text(error: &DbError) -> String {
    format!("{} ({}): {}", severity(error), error.code().code(), words(error))
}

/// The severity in English, whatever the language of the server's messages.
fn severity(error: &DbError) -> String {
    error.parsed_severity().map_or_else(|| "ERROR".to_owned(), |severity| severity.to_string())
}

/// The source files of the server whose errors name a table or a constraint. A RAISE in a procedure
/// may name anything (`USING TABLE = …`); its errors come from `pl_exec.c`.
const NAMING: [&str; 9] = [
    "domains.c",
    "execExprInterp.c",
    "execIndexing.c",
    "execMain.c",
    "index.c",
    "nbtinsert.c",
    "ri_triggers.c",
    "tablecmds.c",
    "tuplesortvariants.c",
];

/// The names that the server sends separately from its message, and its function that failed:
/// <https://www.postgresql.org/docs/current/protocol-error-fields.html>.
fn names(error: &DbError) -> Loggable {
    let named = error.file().is_some_and(|file| NAMING.contains(&file));
    let fields = [
        ("schema", error.schema()),
        ("table", error.table()),
        ("column", error.column()),
        ("type", error.datatype()),
        ("constraint", error.constraint()),
    ];
    let mut names = format!("routine {}", error.routine().unwrap_or("unknown"));
    for (what, name) in fields.into_iter().filter(|_| named) {
        if let Some(name) = name {
            names += &format!(", {what} {name}");
        }
    }
    loggable!("{names}")
}

/// The server's message, detail and hint, each truncated.
fn words(error: &DbError) -> String {
    let mut says = truncate(error.message(), MAX_TEXT).into_owned();
    for more in [error.detail(), error.hint()].into_iter().flatten() {
        says += &format!(" ({})", truncate(more, MAX_TEXT));
    }
    if let Some(position) = error.where_().and_then(parameter) {
        says += &format!(" (the value of parameter {position})");
    }
    says
}

/// The parameter whose value the server could not read, from the context of the error: `unnamed
/// portal parameter $2 = '…'` (`bind_param_error_callback` in `postgres.c`), in any language.
fn parameter(context: &str) -> Option<u16> {
    let line = context.lines().next()?;
    let (_, position) = line.split_once('$')?;
    position.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// How a connection broke. The driver's message may quote what it could not read.
fn broken(failure: &Failure) -> Said {
    let text = truncate(&chain(failure), MAX_TEXT).into_owned();
    match io_cause(failure) {
        Some(error) => Said::new(Loggable::of_io(error), text),
        None if failure.is_closed() => "the server closed it".into(),
        None => text.into(),
    }
}

/// The driver's error with its sources, which contain the reason.
fn chain(failure: &Failure) -> String {
    let errors = std::iter::successors(Some(failure as &dyn std::error::Error), |e| e.source());
    errors.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_errors_are_known() {
        let transient = |code| is_transient(&SqlState::from_code(code));
        assert!(["40001", "40P01", "55P03", "53200", "53300"].into_iter().all(transient));
        assert!(!["53100", "57014", "23505", "55006", "40002"].into_iter().any(transient));
    }
}

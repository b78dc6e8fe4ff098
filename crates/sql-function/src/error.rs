//! What went wrong: a text for people, and a type for alarms.
//!
//! An [`Error`] has a stable [`error_type`](Error::error_type), a message, its cause as the source,
//! and advice. [`Error::report`] renders it for the caller, with everything that the server or the
//! event said; [`Error::log`] renders it for a log line, which quotes neither. Both are limited in
//! length.

use diagnosis::{Cause, Filled, Placeholders};
use std::error::Error as StdError;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::loggable;
use crate::said::{Loggable, Said, Told};
use crate::truncate::truncate;

/// How many bytes of JSON the message with its causes may take in a report, which is limited to 8
/// KB with its envelope.
const MAX_CHAIN: usize = 5 << 10;
/// How many bytes of JSON the advice may take in a report.
const MAX_ADVICE: usize = 5 << 9;
/// How many bytes of JSON an error may take in a log line, and so may its advice.
const MAX_LOG: usize = 2 << 10;

/// The step that failed. Lambda reports its [`name`](Kind::name) as `errorType`. Alarms filter on
/// it, so a name never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The function's environment variables, or the files they point to.
    Settings,
    /// The event.
    Event,
    /// The statement's file, or an event that does not fit it.
    Statement,
    /// AWS credentials: missing, expired, or about to expire.
    Credentials,
    /// The endpoint's name cannot be resolved.
    ConnectDns,
    /// No TCP connection.
    ConnectTcp,
    /// TLS is not available, or the server's certificate is not trusted.
    ConnectTls,
    /// The server rejected the token.
    LoginDenied,
    /// The server refused the login for a reason other than the token.
    LoginRefused,
    /// The server refused or failed the statement.
    Query,
    /// The server refused the statement for a transient reason, and nothing was changed.
    QueryTransient,
    /// A write was sent to a read-only server: a reader, or the old writer after a failover.
    ServerReadOnly,
    /// The connection broke, and nothing was changed.
    ConnectionLost,
    /// The invocation or the statement timed out, and nothing was changed.
    Timeout,
    /// The connection broke or timed out, and a write may have been executed.
    OutcomeUnknown,
    /// The result exceeds a limit of the statement or of Lambda.
    ResultTooLarge,
    /// A bug in the function.
    Internal,
    /// An error of a handler's own, with its name.
    Own(&'static str),
}

impl Kind {
    /// The `errorType` of a Lambda error response.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Settings => "Settings",
            Kind::Event => "Event",
            Kind::Statement => "Statement",
            Kind::Credentials => "Credentials",
            Kind::ConnectDns => "Connect.Dns",
            Kind::ConnectTcp => "Connect.Tcp",
            Kind::ConnectTls => "Connect.Tls",
            Kind::LoginDenied => "Login.Denied",
            Kind::LoginRefused => "Login.Refused",
            Kind::Query => "Query",
            Kind::QueryTransient => "Query.Transient",
            Kind::ServerReadOnly => "ServerReadOnly",
            Kind::ConnectionLost => "ConnectionLost",
            Kind::Timeout => "Timeout",
            Kind::OutcomeUnknown => "OutcomeUnknown",
            Kind::ResultTooLarge => "ResultTooLarge",
            Kind::Internal => "Internal",
            Kind::Own(name) => name,
        }
    }
}

impl Kind {
    /// Whether such an error occurs before any statement is sent.
    fn is_before_statements(self) -> bool {
        matches!(
            self,
            Kind::Settings
                | Kind::Event
                | Kind::Credentials
                | Kind::ConnectDns
                | Kind::ConnectTcp
                | Kind::ConnectTls
                | Kind::LoginDenied
                | Kind::LoginRefused
        )
    }
}

/// What is known about the outcome of work that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing of it was executed: it was not sent, or the server refused it.
    NotRun,
    /// The server canceled it, on request or because it took too long.
    Interrupted,
    /// It may have been executed, completely or in part.
    Unknown,
    /// It was executed, but its result cannot be returned.
    CarriedOut,
}

impl Fate {
    /// Its stable name in log lines.
    pub const fn name(self) -> &'static str {
        match self {
            Fate::NotRun => "not_run",
            Fate::Interrupted => "interrupted",
            Fate::Unknown => "unknown",
            Fate::CarriedOut => "carried_out",
        }
    }
}

/// A failed invocation, or a failed start.
#[derive(Clone)]
pub struct Error {
    kind: Kind,
    fate: Fate,
    transient: bool,
    keeps_connection: bool,
    stale: bool,
    message: Loggable,
    /// What follows a text of a handler's own.
    tail: Option<Box<Loggable>>,
    /// The part of the cause that may be logged.
    told: Option<Box<Told>>,
    /// The cause. Only the caller is shown it, unless it is an error of this type.
    source: Option<Arc<dyn StdError + Send + Sync>>,
    advice: Option<Box<Loggable>>,
    /// The line of the statement's file, from 1.
    line: Option<NonZeroU32>,
    /// What is behind it, with the texts of that cause unless the advice replaces them.
    cause: Option<(Cause, Option<Box<Filled>>)>,
}

impl Error {
    /// An error of `kind`. The message is lowercase, without a final period, and names the thing
    /// and the place. What an event or a server said is [added separately](Error::says). The fate
    /// is unknown unless it is [set](Error::with_fate), or such an error occurs before anything is
    /// sent.
    pub fn new(kind: Kind, message: impl Into<Loggable>) -> Error {
        let fate = if kind.is_before_statements() { Fate::NotRun } else { Fate::Unknown };
        Error {
            kind,
            fate,
            transient: false,
            keeps_connection: matches!(
                kind,
                Kind::Query | Kind::QueryTransient | Kind::Statement | Kind::ServerReadOnly
            ),
            stale: false,
            message: message.into(),
            tail: None,
            told: None,
            source: None,
            advice: None,
            line: None,
            cause: None,
        }
    }

    /// An error of a handler's own. Lambda reports `error_type` as its `errorType`. The message is
    /// the caller's `errorMessage`; a log line has it only if it is `'static` or was made by
    /// [`loggable!`](crate::loggable), because a `String` may quote anything.
    pub fn own(error_type: &'static str, message: impl Into<Said>) -> Error {
        let Said { told, quoted } = message.into();
        let words = told.map_or(Loggable::from(""), |told| told.words);
        let error = Error::new(Kind::Own(error_type), words).with_fate(Fate::NotRun);
        match quoted {
            Some(quoted) => error.caused_by(quoted),
            None => error,
        }
    }

    /// Sets the fate of what was sent.
    pub fn with_fate(mut self, fate: Fate) -> Error {
        self.fate = fate;
        self
    }

    /// Marks the error as transient: the failed login is worth a retry, or the statement that is
    /// certain not to have reached the database.
    pub fn transient(mut self) -> Error {
        self.transient = true;
        self
    }

    /// Marks the connection as unusable, although the server itself answered.
    pub fn loses_connection(mut self) -> Error {
        self.keeps_connection = false;
        self
    }

    /// Marks the prepared statement as out of date: nothing was run, and the server will parse it
    /// again the next time.
    pub fn stale(mut self) -> Error {
        self.stale = true;
        self
    }

    /// Whether the prepared statement was out of date.
    pub(crate) fn is_stale(&self) -> bool {
        self.stale
    }

    /// Appends to the message.
    pub fn with(mut self, more: impl Into<Loggable>) -> Error {
        match self.kind {
            Kind::Own(_) => self.tail.get_or_insert_with(|| Box::new("".into())).push(&more.into()),
            _ => self.message.push(&more.into()),
        }
        self
    }

    /// Adds which of the transaction's `all` statements failed.
    pub(crate) fn of_item(self, index: usize, all: usize) -> Error {
        self.with(loggable!(" (statement {} of {all} of the transaction)", index + 1))
    }

    /// Sets the cause, which only the caller is shown (see [`says`](Error::says) for text that may
    /// be logged). The message must not repeat it.
    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Adds what a peer or an event said.
    pub fn says(mut self, said: impl Into<Said>) -> Error {
        let Said { told, quoted } = said.into();
        self.told = told.map(Box::new);
        match quoted {
            Some(quoted) => self.caused_by(quoted),
            None => self,
        }
    }

    /// Sets what to do next.
    pub fn advice(mut self, advice: impl Into<Loggable>) -> Error {
        self.advice = Some(Box::new(advice.into()));
        self
    }

    /// Adds to what to do next.
    pub(crate) fn and_advice(mut self, more: &'static str) -> Error {
        self.advice.get_or_insert_with(|| Box::new("".into())).push(&more.into());
        self
    }

    /// Sets the line of the statement's file that it is about, from 1.
    pub fn at_line(mut self, line: Option<usize>) -> Error {
        self.line = line.and_then(|line| NonZeroU32::new(u32::try_from(line).ok()?));
        self
    }

    /// The line of the statement's file that it is about, from 1, if that is known.
    pub fn line(&self) -> Option<usize> {
        self.line.map(|line| line.get() as usize)
    }

    /// Names the cause. The advice already says how to fix it.
    pub fn with_cause(mut self, cause: Cause) -> Error {
        self.cause = Some((cause, None));
        self
    }

    /// Names the cause, with its fix as the advice; `placeholders` fills in the texts.
    pub fn certainly(mut self, cause: Cause, placeholders: &Placeholders) -> Error {
        let filled = placeholders.fill(cause);
        let advice = loggable!("{}: {}", filled.title, filled.fix);
        self.cause = Some((cause, Some(Box::new(filled))));
        self.advice(advice)
    }

    /// Names the likeliest of several causes that the server does not distinguish, and perhaps the
    /// next one, with their fixes as the advice.
    pub fn likely(self, cause: Cause, or: Option<Cause>, placeholders: &Placeholders) -> Error {
        let fix = |cause| {
            let filled = placeholders.fill(cause);
            loggable!("{}: {}", filled.title, filled.fix)
        };
        let or = or.map_or(Loggable::from(""), |or| loggable!(". Or {}", fix(or)));
        self.with_cause(cause).advice(loggable!(
            "most likely {}{or}. Send {{\"diagnose\": true}} to find out what else it can be",
            fix(cause)
        ))
    }

    /// The likeliest cause, if it is known.
    pub fn cause(&self) -> Option<Cause> {
        self.cause.as_ref().map(|(cause, _)| *cause)
    }

    /// The likeliest cause with its texts. The advice is the fix if they are not filled in.
    pub(crate) fn filled(&self) -> Option<(Cause, Filled)> {
        let (cause, filled) = self.cause.as_ref()?;
        let filled = match (filled, &self.advice) {
            (Some(filled), _) => filled.as_ref().clone(),
            (None, Some(advice)) => {
                Filled { fix: advice.to_string(), ..Placeholders::default().fill(*cause) }
            }
            (None, None) => Placeholders::default().fill(*cause),
        };
        Some((*cause, filled))
    }

    /// What is known about the outcome of the work that failed.
    pub fn fate(&self) -> Fate {
        self.fate
    }

    /// Whether the error is transient.
    pub(crate) fn is_transient(&self) -> bool {
        self.transient
    }

    /// Whether nothing was executed and an immediate retry may succeed: on another connection, if
    /// this one is broken or leads to a server that is no longer the writer, with the statement
    /// parsed again, or because a proxy had no connection to the database.
    pub(crate) fn is_retryable(&self) -> bool {
        let elsewhere = matches!(self.kind, Kind::ConnectionLost | Kind::ServerReadOnly);
        let not_sent = self.kind == Kind::QueryTransient && self.transient;
        self.stale || (self.fate == Fate::NotRun && (elsewhere || not_sent))
    }

    /// The step that failed.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The stable name for alarms: see [`Kind::name`].
    pub fn error_type(&self) -> &'static str {
        self.kind.name()
    }

    /// Whether the connection is still in sync with the server: the server itself answered, the
    /// whole answer was read, and no transaction is open.
    pub(crate) fn leaves_connection_usable(&self) -> bool {
        self.keeps_connection
    }

    /// The message, each cause once, and the advice, for the caller. Limited so that an error
    /// response has at most 8 KB.
    pub fn report(&self) -> String {
        let chain = self.chain();
        match &self.advice {
            Some(advice) => {
                let stop = if chain.ends_with('?') { "" } else { "." };
                format!("{chain}{stop} What to do: {}", truncate(advice.as_str(), MAX_ADVICE))
            }
            None => chain,
        }
    }

    /// The message and each cause once, for the caller.
    pub(crate) fn chain(&self) -> String {
        let mut chain = self.told();
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = match error.downcast_ref::<Error>() {
                Some(error) => error.told(),
                None => error.to_string(),
            };
            // Some drivers repeat their source in their own text.
            if !chain.ends_with(&text) {
                chain.push_str(if chain.is_empty() { "" } else { ": " });
                chain.push_str(&text);
            }
            cause = error.source();
        }
        match &self.tail {
            Some(tail) => {
                truncate(&chain, MAX_CHAIN - tail.as_str().len()).into_owned() + tail.as_str()
            }
            None => truncate(&chain, MAX_CHAIN).into_owned(),
        }
    }

    /// The message and the causes for a log line, without anything that a server or an event said.
    pub fn log(&self) -> String {
        let mut log = self.told_apart();
        if log.is_empty() {
            log.push_str("an error of the handler, which tells it to the caller alone");
        }
        let mut cause = self.source();
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<Error>() {
                log.push_str(": ");
                log.push_str(&error.told_apart());
            }
            cause = error.source();
        }
        log.push_str(self.tail.as_ref().map_or("", |tail| tail.as_str()));
        truncate(&log, MAX_LOG).into_owned()
    }

    /// The advice for a log line.
    pub(crate) fn log_advice(&self) -> Option<String> {
        let advice = self.advice.as_ref()?;
        Some(truncate(advice.as_str(), MAX_LOG).into_owned())
    }

    /// The message, and the part of the cause that may be logged.
    fn told(&self) -> String {
        match &self.told {
            Some(told) => format!("{}: {}", self.message, told.words),
            None => self.message.to_string(),
        }
    }

    fn told_apart(&self) -> String {
        let apart = self.told.as_ref().and_then(|told| told.apart.as_ref());
        self.told() + &apart.map(|apart| format!(" ({apart})")).unwrap_or_default()
    }
}

/// Whether the connection may be used again after a call with this result.
pub fn is_reusable<T>(outcome: &Result<T, Error>) -> bool {
    outcome.as_ref().map_or_else(Error::leaves_connection_usable, |_| true)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_str())
    }
}

/// As in a log line: `{:?}` quotes nothing.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, fate) = (self.kind, self.fate);
        f.debug_struct("Error")
            .field("kind", &kind)
            .field("fate", &fate)
            .field("log", &self.log())
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests;

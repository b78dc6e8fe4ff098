//! What went wrong, in words for the person who has to mend it and in a type for their alarms.
//!
//! An [`Error`] has a stable [`error_type`](Error::error_type), says what failed, keeps the cause as
//! its source, and carries advice. It has two renderings: [`Error::report`] for the caller, with all
//! that the server or the event said, and [`Error::log`] for a log line, which quotes neither. Both
//! are bounded.

use diagnosis::{Cause, Filled, Placeholders};
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::named;
use crate::said::{Loggable, Said, Told};
use crate::truncate::truncate;

/// How much JSON of a report, which has 8 KB with its envelope, the message with its causes may take.
const MOST_CHAIN: usize = 5 << 10;
/// And the advice.
const MOST_ADVICE: usize = 5 << 9;
/// How much JSON an error may take in a log line, beside its advice.
const MOST_LOG: usize = 2 << 10;

/// The step that failed. Its [`name`](Kind::name) is what Lambda reports as `errorType`: operators
/// filter and alarm on it, so a name never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The function's environment variables, or the files they point to.
    Settings,
    /// The event that was sent.
    Event,
    /// The statement's file, or what an event asks of it.
    Statement,
    /// AWS credentials: none, expired, or about to.
    Credentials,
    /// The endpoint's name has no address.
    ConnectDns,
    /// No TCP connection.
    ConnectTcp,
    /// No TLS, or a certificate that does not prove the server's identity.
    ConnectTls,
    /// The server did not accept the token.
    LoginDenied,
    /// The server turned the login away for a reason other than the token.
    LoginRefused,
    /// The server refused or failed the statement.
    Query,
    /// The server refused the statement for a reason that passes by itself, and nothing was changed.
    QueryTransient,
    /// A statement that writes met a server that accepts none: a reader, or a writer that was.
    ServerReadOnly,
    /// The connection broke, and nothing was changed.
    ConnectionLost,
    /// Time ran out, and nothing was changed.
    Timeout,
    /// The connection broke or time ran out, and a write may have been carried out.
    OutcomeUnknown,
    /// The result is larger than the statement or Lambda allows.
    ResultTooLarge,
    /// The function itself failed, which it never should.
    Internal,
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
        }
    }
}

impl Kind {
    /// Whether nothing of a statement is sent before such an error.
    fn comes_first(self) -> bool {
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

/// What is known of the work that an error ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing of it was carried out: it was not sent, or the server refused it.
    NotRun,
    /// The server ended it on the way, because it was told to or it took too long.
    Interrupted,
    /// It may have been carried out, in whole or in part.
    Unknown,
    /// It was carried out, and only its result is refused.
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
    /// What a log line may hold of the cause.
    told: Option<Box<Told>>,
    /// The cause in words that are not ours: for the caller alone, but for errors of this type.
    source: Option<Arc<dyn StdError + Send + Sync>>,
    advice: Option<Loggable>,
    /// What lies behind it, with that cause's texts unless the advice says it all.
    cause: Option<(Cause, Option<Box<Filled>>)>,
}

impl Error {
    /// An error of `kind`. The message names the thing and the place, in lower case, with no final
    /// dot; what an event or a server said is [kept apart](Error::says). The fate of what was sent is
    /// unknown unless it is [told](Error::fated), or the kind comes before anything is sent.
    pub fn new(kind: Kind, message: impl Into<Loggable>) -> Error {
        let fate = if kind.comes_first() { Fate::NotRun } else { Fate::Unknown };
        Error {
            kind,
            fate,
            transient: false,
            keeps_connection: matches!(kind, Kind::Query | Kind::QueryTransient | Kind::Statement),
            stale: false,
            message: message.into(),
            told: None,
            source: None,
            advice: None,
            cause: None,
        }
    }

    /// Tells the fate of what was sent.
    pub fn fated(mut self, fate: Fate) -> Error {
        self.fate = fate;
        self
    }

    /// Says that what caused this error passes by itself: a login that failed is worth another try.
    pub fn transient(mut self) -> Error {
        self.transient = true;
        self
    }

    /// Says that the connection on which this error came must not be used again, although the server
    /// itself answered.
    pub fn loses_connection(mut self) -> Error {
        self.keeps_connection = false;
        self
    }

    /// Says that what the server had parsed for the statement is out of date: it has run nothing, and
    /// parses it anew the next time.
    pub fn stale(mut self) -> Error {
        self.stale = true;
        self
    }

    /// Whether what the server had parsed was out of date.
    pub(crate) fn is_stale(&self) -> bool {
        self.stale
    }

    /// Adds to the message.
    pub(crate) fn with(mut self, more: impl Into<Loggable>) -> Error {
        self.message.push(&more.into());
        self
    }

    /// Says which of a transaction's statements it is about: the one at `index`, among `all`.
    pub(crate) fn of_item(self, index: usize, all: usize) -> Error {
        self.with(named!(" (statement {} of {all} of the transaction)", index + 1))
    }

    /// Keeps what caused this error, which only the caller is shown: see [`says`](Error::says) for
    /// what a log line may hold. The message must not repeat it.
    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Keeps what a peer or an event said.
    pub fn says(mut self, said: impl Into<Said>) -> Error {
        let Said { told, quoted } = said.into();
        self.told = told.map(Box::new);
        match quoted {
            Some(quoted) => self.caused_by(quoted),
            None => self,
        }
    }

    /// Says what to do next.
    pub fn advice(mut self, advice: impl Into<Loggable>) -> Error {
        self.advice = Some(advice.into());
        self
    }

    /// Names what lies behind it, which the advice already tells how to mend.
    pub fn named(mut self, cause: Cause) -> Error {
        self.cause = Some((cause, None));
        self
    }

    /// Names what lies behind it, and how to mend that: `placeholders` fills the text.
    pub fn certainly(mut self, cause: Cause, placeholders: &Placeholders) -> Error {
        let filled = placeholders.fill(cause);
        let advice = named!("{}: {}", filled.title, filled.fix);
        self.cause = Some((cause, Some(Box::new(filled))));
        self.advice(advice)
    }

    /// Says what most likely lies behind it, among several things that the server does not tell
    /// apart, and how to mend that.
    pub fn likely(self, cause: Cause, placeholders: &Placeholders) -> Error {
        let filled = placeholders.fill(cause);
        self.named(cause).advice(named!(
            "most likely {}: {}. Send {{\"diagnose\": true}} to find out what else it can be",
            filled.title,
            filled.fix
        ))
    }

    /// What most likely lies behind it, where that is known.
    pub fn cause(&self) -> Option<Cause> {
        self.cause.as_ref().map(|(cause, _)| *cause)
    }

    /// That cause's texts. Where nothing fills them, the advice is what mends it.
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

    /// What is known of the work that this error ended.
    pub fn fate(&self) -> Fate {
        self.fate
    }

    /// Whether what caused this error passes by itself.
    pub(crate) fn is_transient(&self) -> bool {
        self.transient
    }

    /// Whether nothing was carried out, and the same may go well at once: on another connection, when
    /// this one is broken or leads to a server that is no longer the writer; or as the server parses
    /// it now.
    pub(crate) fn calls_for_another_attempt(&self) -> bool {
        let elsewhere = matches!(self.kind, Kind::ConnectionLost | Kind::ServerReadOnly);
        self.stale || (self.fate == Fate::NotRun && elsewhere)
    }

    /// The step that failed.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The stable name for operators: see [`Kind::name`].
    pub fn error_type(&self) -> &'static str {
        self.kind.name()
    }

    /// Whether the connection on which this error came is still in step with the server: the server
    /// itself answered, nothing of the answer is left unread, and no transaction is open.
    pub(crate) fn leaves_connection_usable(&self) -> bool {
        self.keeps_connection
    }

    /// The message, every cause once, and the advice, in one text for the caller: the answer to an
    /// event has at most 8 KB of it.
    pub fn report(&self) -> String {
        let chain = self.chain();
        match &self.advice {
            Some(advice) => {
                format!("{chain}. What to do: {}", truncate(advice.as_str(), MOST_ADVICE))
            }
            None => chain,
        }
    }

    /// The message and every cause once, for the caller.
    pub(crate) fn chain(&self) -> String {
        let mut chain = self.told();
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = match error.downcast_ref::<Error>() {
                Some(error) => error.told(),
                None => error.to_string(),
            };
            // Some drivers repeat their source in their own Display.
            if !chain.ends_with(&text) {
                chain.push_str(": ");
                chain.push_str(&text);
            }
            cause = error.source();
        }
        truncate(&chain, MOST_CHAIN).into_owned()
    }

    /// The message and the causes for a log line: nothing that a server or an event said.
    pub fn log(&self) -> String {
        let mut log = self.told_apart();
        let mut cause = self.source();
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<Error>() {
                log.push_str(": ");
                log.push_str(&error.told_apart());
            }
            cause = error.source();
        }
        truncate(&log, MOST_LOG).into_owned()
    }

    /// The advice for a log line.
    pub(crate) fn log_advice(&self) -> Option<String> {
        let advice = self.advice.as_ref()?;
        Some(truncate(advice.as_str(), MOST_LOG).into_owned())
    }

    /// The message, and what a log line may hold of the cause.
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

/// Whether the connection may be used again after a step on it that ended so.
pub fn is_reusable<T>(outcome: &Result<T, Error>) -> bool {
    outcome.as_ref().map_or_else(Error::leaves_connection_usable, |_| true)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.as_str())
    }
}

/// As a log line has it: whoever prints an error with `{:?}` quotes nothing.
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

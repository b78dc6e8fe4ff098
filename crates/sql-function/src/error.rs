//! What went wrong, in words for the person who has to mend it and in a type for their alarms.
//!
//! An [`Error`] has a stable [`error_type`](Error::error_type), says what failed, keeps the cause as
//! its source, and carries advice. The chain is put into one text once, by [`Error::report`] at the
//! Lambda boundary.

use std::error::Error as StdError;
use std::fmt;

use crate::doctor::blanks::Filled;
use crate::doctor::{Blanks, Cause};

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
        }
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

/// A failed invocation, or a failed start.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    fate: Fate,
    transient: bool,
    keeps_connection: bool,
    stale: bool,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    advice: Option<String>,
    /// What lies behind it, with that cause's texts unless the advice says it all.
    cause: Option<(Cause, Option<Box<Filled>>)>,
}

impl Error {
    /// An error of `kind`. The message names the thing and the place, in lower case, with no final
    /// dot. The fate of what was sent is unknown unless it is [told](Error::fated).
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error {
            kind,
            fate: Fate::Unknown,
            transient: false,
            keeps_connection: matches!(kind, Kind::Query | Kind::QueryTransient | Kind::Statement),
            stale: false,
            message: message.into(),
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
    pub(crate) fn with(mut self, more: &str) -> Error {
        self.message.push_str(more);
        self
    }

    /// Keeps what caused this error. The message must not repeat it.
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        self.source = Some(source.into());
        self
    }

    /// Says what to do next.
    pub fn advice(mut self, advice: impl Into<String>) -> Error {
        self.advice = Some(advice.into());
        self
    }

    /// Names what lies behind it, which the advice already tells how to mend.
    pub fn named(mut self, cause: Cause) -> Error {
        self.cause = Some((cause, None));
        self
    }

    /// Names what lies behind it, and how to mend that: `blanks` fills the text.
    pub fn certainly(mut self, cause: Cause, blanks: &Blanks) -> Error {
        let filled = blanks.fill(cause);
        let advice = format!("{}: {}", filled.title, filled.fix);
        self.cause = Some((cause, Some(Box::new(filled))));
        self.advice(advice)
    }

    /// Says what most likely lies behind it, among several things that the server does not tell
    /// apart, and how to mend that.
    pub fn likely(self, cause: Cause, blanks: &Blanks) -> Error {
        let filled = blanks.fill(cause);
        self.named(cause).advice(format!(
            "most likely {}: {}. Send {{\"diagnose\": true}} to find out what else it can be",
            filled.title, filled.fix
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
                Filled { fix: advice.clone(), ..Blanks::default().fill(*cause) }
            }
            (None, None) => Blanks::default().fill(*cause),
        };
        Some((*cause, filled))
    }

    /// The same error for one more event: a function that could not start reports it each time.
    pub(crate) fn again(&self) -> Error {
        Error {
            kind: self.kind,
            fate: self.fate,
            transient: self.transient,
            keeps_connection: self.keeps_connection,
            stale: self.stale,
            message: self.chain(),
            source: None,
            advice: self.advice.clone(),
            cause: self.cause.clone(),
        }
    }

    /// What is known of the work that this error ended.
    pub fn fate(&self) -> Fate {
        self.fate
    }

    /// Whether what caused this error passes by itself.
    pub fn is_transient(&self) -> bool {
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
    pub fn leaves_connection_usable(&self) -> bool {
        self.keeps_connection
    }

    /// The message, every cause once, and the advice, in one text.
    pub fn report(&self) -> String {
        match &self.advice {
            Some(advice) => format!("{}. What to do: {advice}", self.chain()),
            None => self.chain(),
        }
    }

    /// The message and every cause once.
    pub(crate) fn chain(&self) -> String {
        let mut chain = self.message.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Some drivers repeat their source in their own Display.
            if !chain.ends_with(&text) {
                chain.push_str(": ");
                chain.push_str(&text);
            }
            cause = error.source();
        }
        chain
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_holds_each_cause_once_and_the_advice() {
        let inner = Error::new(Kind::ConnectTcp, "connection refused");
        let outer = Error::new(Kind::ConnectTls, "no TLS with db:3306")
            .caused_by(inner)
            .advice("check the security group");
        assert_eq!(
            outer.report(),
            "no TLS with db:3306: connection refused. What to do: check the security group"
        );
        assert_eq!(outer.to_string(), "no TLS with db:3306");
    }

    #[test]
    fn a_cause_that_the_message_ends_with_is_not_repeated() {
        let cause = std::io::Error::other("refused");
        let error = Error::new(Kind::ConnectTcp, "cannot dial: refused").caused_by(cause);
        assert_eq!(error.report(), "cannot dial: refused");
    }
}

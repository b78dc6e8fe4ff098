//! What an RDS Proxy says for itself, in place of the database behind it.
//!
//! It says the same under several codes, and its texts tell what the codes do not. They are matched
//! by their words alone: upper case, punctuation, a quoted name and what follows do not matter.
//!
//! Source: "Troubleshooting for RDS Proxy",
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.troubleshooting.html>.

use diagnosis::Cause;

/// The stable words of a proxy's own refusals.
const REFUSALS: [(&str, Cause); 20] = [
    ("this rds proxy has no credentials for the role", Cause::ProxySecretMissing),
    ("enable iam authentication for the client connection", Cause::ProxyWithoutIam),
    ("configure iam authentication as the defaultauthscheme", Cause::ProxyDefaultScheme),
    ("the password that was provided for the role", Cause::ProxySecretDiffers),
    ("iam authentication failed because of too many competing requests", Cause::ProxyBusy),
    ("maximum number of client connections to the proxy exceeded", Cause::ProxyBusy),
    ("maximum client connections to the proxy exceeded", Cause::ProxyBusy),
    ("rate of connection to proxy exceeded", Cause::ProxyBusy),
    ("connections rate limit exceeded", Cause::ProxyBusy),
    ("iam authentication rate limit exceeded", Cause::ProxyBusy),
    ("number simultaneous connections exceeded", Cause::ProxyBusy),
    (TIMED_OUT, Cause::ProxyBorrowTimeout),
    ("iam authentication failed for user", Cause::PolicyMissing),
    ("iam authentication failed for the role", Cause::PolicyMissing),
    ("rds proxy requires tls connections", Cause::TlsRemoved),
    ("iam authentication is allowed only with ssl connections", Cause::TlsRemoved),
    ("iam is allowed only with ssl connections", Cause::TlsRemoved),
    ("rds supports only iam md5 or scram authentication", Cause::ProxyOption),
    ("feature not supported rds proxy", Cause::ProxyOption),
    ("a user name is missing from the connection startup packet", Cause::ProxyOption),
];

/// It waited for a connection to the database for as long as its `ConnectionBorrowTimeout`.
const TIMED_OUT: &str = "timed out waiting to acquire database connection";

/// What begins the text of an error of the database behind the proxy.
const WRAPPED: &str = "request returned an error";

/// The words of a database's refusals of a proxy's login that tell their cause, on both engines.
const OF_DATABASE: [(&str, Cause); 14] = [
    ("pam authentication failed", Cause::ProxyDatabaseRefused),
    ("password authentication failed", Cause::ProxySecretDiffers),
    ("access denied for user", Cause::ProxySecretDiffers),
    ("is not permitted to log in", Cause::UserLocked),
    ("no pg hba conf entry", Cause::HostBlocked),
    ("too many connections", Cause::TooManyConnections),
    ("too many clients", Cause::TooManyConnections),
    ("remaining connection slots are reserved", Cause::TooManyConnections),
    ("the database system is", Cause::ServerNotReady),
    ("permission denied for database", Cause::DatabaseDenied),
    ("server shutdown in progress", Cause::ServerNotReady),
    ("unknown database", Cause::DatabaseUnknown),
    (TIMED_OUT, Cause::ProxyBorrowTimeout),
    ("could not connect", Cause::ServerNotReady),
];

/// An error that a proxy reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxySays {
    /// The proxy itself refuses, and has sent nothing to the database.
    Refused(Cause),
    /// The database behind it refuses.
    DatabaseRefused(Cause),
    /// Its connection to the database broke, or it does not know what happened.
    Unknown,
}

impl ProxySays {
    /// A proxy's answer to a login, if `message` has its words. Nothing was run before a login.
    #[must_use]
    pub fn at_login(message: &str) -> Option<ProxySays> {
        let words = words(message);
        if let Some((_, inner)) = words.split_once(WRAPPED) {
            let cause = of_database(inner).unwrap_or(Cause::ProxyDatabaseRefused);
            return Some(ProxySays::DatabaseRefused(cause));
        }
        of_proxy(&words)
    }

    /// A proxy's answer to a statement, if `message` has its words. Words that do not surely refuse
    /// the proxy's login may be those of a connection that broke after the statement was sent on it.
    /// So may those of a database that is starting or shutting down: it tells them to new
    /// connections after it has cut the old ones. A statement that `writes` is then not repeated.
    #[must_use]
    pub fn at_statement(message: &str, writes: bool) -> Option<ProxySays> {
        let words = words(message);
        if let Some((_, inner)) = words.split_once(WRAPPED) {
            return Some(match of_database(inner) {
                None => ProxySays::Unknown,
                Some(Cause::ServerNotReady) if writes => ProxySays::Unknown,
                Some(cause) => ProxySays::DatabaseRefused(cause),
            });
        }
        of_proxy(&words)
    }

    /// Whether it passes, and nothing was run.
    #[must_use]
    pub fn passes(self) -> bool {
        match self {
            ProxySays::Refused(cause) | ProxySays::DatabaseRefused(cause) => passes(cause),
            ProxySays::Unknown => false,
        }
    }
}

/// Whether a refused login may succeed a little later.
pub(crate) fn passes(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::TooManyConnections
            | Cause::ServerNotReady
            | Cause::ProxyBusy
            | Cause::ProxyBorrowTimeout
    )
}

/// What a proxy says for itself.
fn of_proxy(words: &str) -> Option<ProxySays> {
    if words.trim() == "unknown error" {
        return Some(ProxySays::Unknown);
    }
    find(&REFUSALS, words).map(ProxySays::Refused)
}

/// The cause of a database's refusal of a proxy's login, if its words tell.
fn of_database(words: &str) -> Option<Cause> {
    let unknown = || is_unknown_database(words).then_some(Cause::DatabaseUnknown);
    find(&OF_DATABASE, words).or_else(unknown)
}

fn find<const N: usize>(table: &[(&str, Cause); N], words: &str) -> Option<Cause> {
    table.iter().find(|(text, _)| words.contains(text)).map(|(_, cause)| *cause)
}

/// `database "x" does not exist`
fn is_unknown_database(words: &str) -> bool {
    words.split_once(" database ").is_some_and(|(_, rest)| rest.contains(" does not exist "))
}

/// The words of `text` in lower case, with a space before and after each.
fn words(text: &str) -> String {
    let mut words = String::from(" ");
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        words.extend(word.chars().flat_map(char::to_lowercase));
        words.push(' ');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProxySays::{DatabaseRefused, Refused, Unknown};

    #[test]
    fn what_a_proxy_says_is_told_apart() {
        for (message, says) in [
            (
                "This RDS proxy has no credentials for the role app. Check the credentials for this \
                 role and try again.",
                Refused(Cause::ProxySecretMissing),
            ),
            (
                "this rds Proxy has NO credentials for the role \"my app\"",
                Refused(Cause::ProxySecretMissing),
            ),
            (
                "Enable IAM authentication for the client connection to the proxy and try again.",
                Refused(Cause::ProxyWithoutIam),
            ),
            (
                "Configure IAM authentication as the DefaultAuthScheme in your proxy and try again.",
                Refused(Cause::ProxyDefaultScheme),
            ),
            (
                "The password that was provided for the role 'app' is wrong.",
                Refused(Cause::ProxySecretDiffers),
            ),
            (
                "IAM authentication failed for user app. Check the IAM token for this user and try \
                 again.",
                Refused(Cause::PolicyMissing),
            ),
            (
                "The IAM authentication failed for the role app. Check the IAM token for this role.",
                Refused(Cause::PolicyMissing),
            ),
            (
                "The IAM authentication failed because of too many competing requests.",
                Refused(Cause::ProxyBusy),
            ),
            (
                "The maximum number of client connections to the proxy exceeded 1000.",
                Refused(Cause::ProxyBusy),
            ),
            ("Rate of connection to proxy exceeded 200", Refused(Cause::ProxyBusy)),
            ("Connections rate limit exceeded (200)", Refused(Cause::ProxyBusy)),
            ("IAM authentication rate limit exceeded", Refused(Cause::ProxyBusy)),
            ("Number simultaneous connections exceeded (1000)", Refused(Cause::ProxyBusy)),
            (
                "Timed-out waiting to acquire database connection.",
                Refused(Cause::ProxyBorrowTimeout),
            ),
            (
                "TIMED OUT waiting to acquire database connection; try later",
                Refused(Cause::ProxyBorrowTimeout),
            ),
            ("This RDS Proxy requires TLS connections.", Refused(Cause::TlsRemoved)),
            ("IAM is allowed only with SSL connections.", Refused(Cause::TlsRemoved)),
            (
                "Feature not supported: RDS Proxy currently doesn't support the option jit.",
                Refused(Cause::ProxyOption),
            ),
            (
                "Request returned an error: database \"shop\" does not exist.",
                DatabaseRefused(Cause::DatabaseUnknown),
            ),
            (
                "Request returned an error: PAM authentication failed for user \"app\"",
                DatabaseRefused(Cause::ProxyDatabaseRefused),
            ),
            (
                "request returned an error: FATAL: password authentication failed for user \"app\".",
                DatabaseRefused(Cause::ProxySecretDiffers),
            ),
            (
                "Request returned an error: sorry, too many clients already.",
                DatabaseRefused(Cause::TooManyConnections),
            ),
            (
                "Request returned an error: the database system is starting up",
                DatabaseRefused(Cause::ServerNotReady),
            ),
            (
                "Request returned an error: something new",
                DatabaseRefused(Cause::ProxyDatabaseRefused),
            ),
            ("Unknown error.", Unknown),
        ] {
            assert_eq!(ProxySays::at_login(message), Some(says), "{message}");
        }
    }

    #[test]
    fn only_a_refused_login_of_the_proxy_says_that_a_write_was_not_run() {
        for (inner, read, write) in [
            ("SSL connection has been closed unexpectedly", Unknown, Unknown),
            ("SSL SYSCALL error: EOF detected", Unknown, Unknown),
            ("could not receive data from server: Connection timed out", Unknown, Unknown),
            ("connection to server was lost", Unknown, Unknown),
            ("the connection is closed", Unknown, Unknown),
            ("An I/O error occurred while sending to the backend.", Unknown, Unknown),
            ("terminating connection due to administrator command", Unknown, Unknown),
            ("something new", Unknown, Unknown),
            (
                "the database system is in recovery mode",
                DatabaseRefused(Cause::ServerNotReady),
                Unknown,
            ),
            ("Server shutdown in progress", DatabaseRefused(Cause::ServerNotReady), Unknown),
            (
                "could not connect to server: Connection refused",
                DatabaseRefused(Cause::ServerNotReady),
                Unknown,
            ),
            (
                "sorry, too many clients already",
                DatabaseRefused(Cause::TooManyConnections),
                DatabaseRefused(Cause::TooManyConnections),
            ),
            (
                "database \"shop\" does not exist",
                DatabaseRefused(Cause::DatabaseUnknown),
                DatabaseRefused(Cause::DatabaseUnknown),
            ),
            (
                "PAM authentication failed for user \"app\"",
                DatabaseRefused(Cause::ProxyDatabaseRefused),
                DatabaseRefused(Cause::ProxyDatabaseRefused),
            ),
        ] {
            let message = format!("Request returned an error: {inner}");
            assert_eq!(ProxySays::at_statement(&message, false), Some(read), "{inner}");
            assert_eq!(ProxySays::at_statement(&message, true), Some(write), "{inner}");
        }
        let borrow = "Timed-out waiting to acquire database connection";
        let says = ProxySays::at_statement(borrow, true);
        assert_eq!(says, Some(Refused(Cause::ProxyBorrowTimeout)));
    }

    #[test]
    fn what_a_database_says_is_not_a_proxys() {
        for message in [
            "PAM authentication failed for user \"app\"",
            "sorry, too many clients already",
            "canceling statement due to lock timeout",
            "Unknown error 1234 in procedure x",
            "database \"shop\" does not exist",
            "",
        ] {
            assert_eq!(ProxySays::at_login(message), None, "{message}");
            assert_eq!(ProxySays::at_statement(message, true), None, "{message}");
        }
    }
}

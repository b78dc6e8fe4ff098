//! The TLS handshake, with the certificates that the server presents; and how a server that denied a
//! login asks the user to authenticate.

use diagnosis::{Cause, Verdict};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use iam_auth::{Certificate, RecordingVerifier};

use super::examination::Examination;
use super::expiry::{SERVER_WARNING_DAYS, days_left};
use super::seen::Seen;
use super::spelling::spellings;
use super::startup::Startup;
use crate::deadline::Deadline;
use crate::driver::Connector;
use crate::error::{Error, Kind};
use crate::login::Login;
use crate::said::Loggable;
use crate::writer::Writer;
use crate::{dial, rds_ca, refusal};

/// How long an answer may take of a server that has answered a moment ago: a few round trips.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

impl<C: Connector> Examination<'_, C> {
    /// Has the server prove that it is the endpoint.
    pub(super) async fn tls(&mut self, stream: TcpStream) -> (Seen, Option<TlsStream<TcpStream>>) {
        let login = self.login();
        let Secured { outcome, presented, greeting } =
            secure::<C>(login, stream, self.deadline).await;
        self.evidence.presented = presented;
        self.evidence.greeting = greeting;
        self.evidence.root = self.root();
        match outcome {
            Ok(stream) => (self.proven(&stream), Some(stream)),
            Err(error) => {
                let seen = self.fail(error);
                (self.certificates(seen), None)
            }
        }
    }

    /// Finds out how a server that denied the user asks the user to authenticate, unless that is known;
    /// and if not by a token, whether it asks users of similar names for one.
    pub(super) async fn find_method(&mut self) {
        let login = self.login();
        let user = login.signer.user();
        if self.evidence.method.is_none() {
            self.evidence.method = method_for::<C>(login, user, self.deadline).await.ok();
        }
        if self.evidence.method.as_deref().is_none_or(|method| method == C::TOKEN_METHOD) {
            return;
        }
        for other in spellings(user) {
            let method = method_for::<C>(login, &other, self.deadline).await;
            if method.is_ok_and(|method| method == C::TOKEN_METHOD) {
                self.evidence.other_user = Some(other);
                return;
            }
        }
    }

    /// What a verified server presented.
    fn proven(&mut self, stream: &TlsStream<TcpStream>) -> Seen {
        let (_, connection) = stream.get_ref();
        let version = match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
            _ => "unknown",
        };
        let suite = connection.negotiated_cipher_suite();
        let cipher = suite.map(|suite| format!("{:?}", suite.suite())).unwrap_or_default();
        let root = self.evidence.root.clone().unwrap_or_default();
        let mut seen = Seen::ok(format!("{version}, the certificate chain ends at {root}"))
            .fact("version", version)
            .fact("cipher", cipher);
        if let Some(writer) = self.login().writer.as_ref().and_then(Writer::endpoint) {
            seen.text +=
                &format!("; tokens are signed for the writer's region, {}", writer.region());
            seen = seen.fact("writer_region", writer.region());
        }
        let now = (self.login().clock)();
        if let Some(own) = self.evidence.presented.first() {
            let days = days_left(own.not_after(), now);
            let what = format!("the certificate expires on {}, in {days} days", own.last_day());
            seen.text += &format!("; {what}");
            if days < SERVER_WARNING_DAYS {
                seen.verdict = Verdict::Warning;
                self.find(Cause::CertificateExpires, what);
            }
        }
        self.certificates(seen)
    }

    /// Adds the facts about the certificates that were presented.
    fn certificates(&self, mut seen: Seen) -> Seen {
        let presented = &self.evidence.presented;
        let Some(own) = presented.first() else { return seen };
        let issuers: Vec<_> = presented.iter().map(Certificate::issuer).collect();
        let now = (self.login().clock)();
        seen = seen
            .fact("names", json!(own.names()))
            .fact("issuers", json!(issuers))
            .fact("expires", own.last_day())
            .fact("days_left", days_left(own.not_after(), now));
        if let Some(root) = &self.evidence.root {
            seen = seen.fact("root", root.as_str());
        }
        let ca = issuers.iter().rev().find_map(|issuer| rds_ca::id(issuer));
        match ca {
            Some(ca) => seen.fact("ca", ca),
            None => seen,
        }
    }

    /// The root that the last certificate presented names as its issuer.
    fn root(&self) -> Option<String> {
        let last = self.evidence.presented.last()?;
        let mut anchors = self.login().trust.anchors();
        let root = anchors.find(|anchor| last.names_as_issuer(anchor));
        root.map(|root| root.subject().to_owned())
    }
}

/// The result of a handshake.
pub(crate) struct Secured {
    pub(crate) outcome: Result<TlsStream<TcpStream>, Error>,
    /// The certificates that the server presented, trusted or not.
    presented: Vec<Certificate>,
    greeting: String,
}

/// Requests TLS and performs the handshake. A server that is paused answers late: it has all of the
/// time. The login keeps the region of a global database's writer.
pub(crate) async fn secure<C: Startup>(
    login: &Login,
    mut stream: TcpStream,
    deadline: Deadline,
) -> Secured {
    let failed =
        |error| Secured { outcome: Err(error), presented: vec![], greeting: String::new() };
    let began = Instant::now();
    let greeting = match deadline.wait(C::start_tls(login, &mut stream)).await {
        Some(Ok(greeting)) => greeting,
        Some(Err(error)) => return failed(error),
        // It hangs, or it expects the client to speak first.
        None => return failed(refusal::silent(login, began.elapsed())),
    };
    let (config, verifier): (_, Arc<RecordingVerifier>) = match login.trust.recording_config() {
        Ok(both) => both,
        Err(error) => {
            let message = "no verifier can be made of the CA bundle";
            return failed(Error::new(Kind::Settings, message).says(Loggable::of_error(&error)));
        }
    };
    let handshake = async {
        let name = login.endpoint().tls_name();
        TlsConnector::from(config).connect(name, stream).await.map_err(|error| {
            match refusal::tls_cause(&error) {
                Some(cause) => refusal::untrusted(login, cause),
                None => refusal::broken_handshake(login, error),
            }
        })
    };
    let outcome = deadline.bound(|| "the TLS handshake".into(), handshake).await;
    if let Ok(stream) = &outcome {
        login.see(stream);
    }
    Secured { outcome, presented: verifier.presented(), greeting }
}

/// How the server asks `user` to authenticate, over a new connection.
async fn method_for<C: Connector>(
    login: &Login,
    user: &str,
    deadline: Deadline,
) -> Result<String, Error> {
    let stream = dial::dial(&login.connect_to, deadline).await?;
    let soon = || deadline.at_most(Some(ANSWER_TIMEOUT));
    let mut stream = secure::<C>(login, stream, soon()).await.outcome?;
    soon()
        .bound(
            || "the server's request for authentication".into(),
            C::method(login, user, &mut stream),
        )
        .await
}

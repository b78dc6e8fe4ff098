//! What the two roles of a function's connections meet: the server where it writes, and the reader.

use diagnosis::{Cause, Verdict};
use iam_auth::EndpointKind;
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::examination::Examination;
use super::seen::Seen;
use super::walk::CLOSE_TIMEOUT;
use crate::deadline::millis;
use crate::driver::{Connection as _, Connector, Examine as _};
use crate::error::Error;
use crate::loggable;
use crate::place::Finder;
use crate::statement::Mode;

impl<C: Connector> Examination<'_, C> {
    /// Warns of a server that takes no writes, if a statement writes: it is a reader, or the old writer
    /// after a failover.
    pub(super) async fn read_only(&mut self, mut seen: Seen) -> Seen {
        let mut statements = self.subject.catalogue.iter().filter_map(|(_, one)| one.ok());
        let Some(writing) = statements.find(|one| one.mode == Mode::Write) else { return seen };
        let because =
            format!("the server accepts no writes, but the statement {:?} writes", writing.name);
        seen.verdict = Verdict::Warning;
        seen.text += &format!("; {because}");
        let writer = self.named_writer().await;
        let mut causes = match self.login().endpoint().kind() {
            EndpointKind::ClusterWriter | EndpointKind::GlobalWriter => {
                vec![Cause::WriterMoved, Cause::ReadOnly]
            }
            EndpointKind::Instance => vec![Cause::ReadOnly, Cause::WriterMoved],
            _ => vec![Cause::ReadOnly],
        };
        let because = match &writer {
            None => because,
            Some(writer) => {
                // The cluster has one, elsewhere.
                causes.sort_by_key(|cause| *cause != Cause::WriterMoved);
                seen.text += &format!("; it names {writer} as the writer");
                seen = seen.fact("writer", writer.as_str());
                format!("{because}; it names {writer} as the writer")
            }
        };
        for cause in causes {
            self.find(cause, because.clone());
        }
        seen
    }

    /// The writer that the server names. It is asked on a connection of its own, because an error costs it.
    async fn named_writer(&self) -> Option<String> {
        if Finder::of(self.login()) != Finder::Search {
            return None;
        }
        let limit = self.deadline.for_a_reader();
        let asked = async {
            let mut connection = self.subject.connector.connect(limit).await.ok()?;
            let writer = connection.writer().await.ok()?;
            let _ = timeout(CLOSE_TIMEOUT, connection.close()).await;
            writer
        };
        limit.wait(asked).await.flatten()
    }

    /// Logs in at the reader, if the function has one, and tells which role each server has.
    pub(super) async fn reader(&mut self, mut seen: Seen) -> Seen {
        let Some(connector) = self.subject.reader else { return seen };
        let host = connector.login().endpoint().host();
        let limit = self.deadline.for_a_reader();
        let began = Instant::now();
        let asked = async {
            let mut connection = connector.connect(limit).await?;
            let info = connection.server_info().await;
            // A server logs clients that do not close cleanly.
            let _ = timeout(CLOSE_TIMEOUT, connection.close()).await;
            info
        };
        let asked = limit.bound(|| loggable!("the login at the reader"), asked).await;
        let ms = json!(millis(began.elapsed()));
        match asked {
            Ok(info) if info.read_only => {
                seen.text += &format!("; the reader {host} is one: it accepts no writes");
                seen.fact("reader", json!({"host": host, "ms": ms, "read_only": true}))
            }
            Ok(_) => {
                let because = format!("the reader {host} accepts writes");
                seen.text += &format!("; {because}, so it is a writer");
                self.find(Cause::ReaderIsWriter, because);
                seen.fact("reader", json!({"host": host, "ms": ms, "read_only": false}))
            }
            Err(error) => self.reader_away(seen, host, &error, ms),
        }
    }

    fn reader_away(
        &mut self,
        mut seen: Seen,
        host: &str,
        error: &Error,
        ms: serde_json::Value,
    ) -> Seen {
        let because = format!("the reader {host} does not let the function in: {}", error.chain());
        seen.verdict = Verdict::Warning;
        seen.text += &format!("; {because}; the writer answers in its place");
        let error_type = error.error_type();
        self.find(Cause::ReaderAway, because);
        seen.fact("reader", json!({"host": host, "ms": ms, "error_type": error_type}))
    }
}

//! Sends a statement with the commands before and after it in one round trip.

use futures_util::{TryStreamExt, pin_mut, try_join};
use sql_function::{Error, Fate, Mode, Param, Rows, Statement};
use tokio_postgres::{Client, Error as Failure, Statement as Prepared};

use crate::envelope::{CHANGED, Envelope};
use crate::failure;
use crate::param::AsText;
use crate::server_text::Questions;
use crate::session::{self, Sent};
use crate::value::{self, Raw};

/// What to send.
pub(crate) struct Pipeline<'a> {
    pub(crate) statement: &'a Statement,
    pub(crate) prepared: &'a Prepared,
    pub(crate) params: &'a [Param],
    pub(crate) envelope: &'a Envelope,
    /// What the server has answered to the commands before it, if they have been sent.
    pub(crate) begun: Option<Sent>,
    /// Whether all of it has been sent with the preparation.
    pub(crate) ahead: bool,
    /// Whether no other statement is in its transaction.
    pub(crate) single: bool,
    pub(crate) through_proxy: bool,
}

/// The responses.
pub(crate) struct Responses {
    /// To the commands before the statement.
    pub(crate) before: Result<(), Failure>,
    /// To the statement: how many rows it affected, or the server's error.
    pub(crate) affected: Result<u64, Failure>,
    /// Why its rows are refused, if they are. The server has sent all of them, and nothing that lasts is
    /// undone.
    pub(crate) refused: Option<Error>,
    /// How many rows it changed, if they were counted.
    pub(crate) changed: Option<u64>,
    /// To the commands after it.
    pub(crate) after: Sent,
    /// The texts of values that the server was asked for in the same transaction.
    pub(crate) texts: Option<Result<Vec<String>, Error>>,
    /// The values whose texts it has not been asked for yet.
    pub(crate) questions: Questions,
}

impl Pipeline<'_> {
    /// Sends everything, and writes the statement's rows into `rows`. If the statement fails, the
    /// COMMIT after it rolls back.
    ///
    /// # Errors
    /// A row is refused. The remaining responses are not read, and the connection must be dropped.
    pub(crate) async fn send(
        mut self,
        client: &Client,
        rows: &mut Rows,
    ) -> Result<Responses, Error> {
        let begun = self.begun.take();
        let Pipeline { statement, prepared, envelope, .. } = self;
        let (mut questions, mut refused) = (Questions::default(), None);
        // The texts are queried in the transaction of a read, which ends after that.
        let asks = statement.mode == Mode::Read && !self.ahead && value::asks(prepared.columns());
        let responses = try_join!(
            async {
                Ok(match begun {
                    Some(begun) => begun,
                    None => session::send(client, &envelope.before).await,
                })
            },
            self.read(client, rows, &mut questions, &mut refused),
            async { Ok(session::send(client, if envelope.counts { CHANGED } else { "" }).await) },
            async {
                Ok(if asks { None } else { Some(session::send(client, &envelope.after).await) })
            },
        );
        let (before, affected, count, after) = responses.map_err(Error::loses_connection)?;
        let counted = |sent: &Sent| sent.value(0).and_then(|count| count.parse::<u64>().ok());
        let changed = envelope.counts.then(|| {
            let changed = counted(&count).unwrap_or(0);
            changed.saturating_sub(counted(&before).unwrap_or(0))
        });
        let before = before.error.map_or(Ok(()), Err);
        if let Some(after) = after {
            return Ok(Responses {
                before,
                affected,
                refused,
                changed,
                after,
                texts: None,
                questions,
            });
        }
        let texts = match &affected {
            Ok(_) => Some(std::mem::take(&mut questions).ask(client, self.through_proxy).await),
            Err(_) => None,
        };
        let after = session::send(client, &envelope.after).await;
        Ok(Responses { before, affected, refused, changed, after, texts, questions })
    }

    /// Runs the statement and writes its rows into `rows`, except for the values that become
    /// `questions`. Returns the number of rows it affected, or the server's error.
    ///
    /// # Errors
    /// A row is refused, and the rows after it are not read. Those of a single write are read to the
    /// end, so that its fate is known: there are no more than it changed. The error is then `refused`.
    async fn read(
        &self,
        client: &Client,
        rows: &mut Rows,
        questions: &mut Questions,
        refused: &mut Option<Error>,
    ) -> Result<Result<u64, Failure>, Error> {
        let failed = |error| failure::query(self.statement, error, self.through_proxy);
        let params: Vec<_> = self.params.iter().map(AsText).collect();
        let stream = match client.query_raw(self.prepared, &params).await {
            Ok(stream) => stream,
            Err(failure) => return Ok(Err(failure)),
        };
        pin_mut!(stream);
        loop {
            let row = match stream.try_next().await {
                Ok(Some(row)) => row,
                Ok(None) => return Ok(Ok(stream.rows_affected().unwrap_or(0))),
                Err(failure) => return Ok(Err(failure)),
            };
            if refused.is_some() {
                continue;
            }
            let pushed = rows.push(|json| {
                for (index, column) in row.columns().iter().enumerate() {
                    let value: Option<Raw<'_>> = row.try_get(index).map_err(failed)?;
                    let value = value.map(|Raw(bytes)| bytes);
                    value::write(json.value(), column, value, questions)?;
                }
                Ok(())
            });
            let error = match pushed {
                Ok(()) if questions.are_too_many() => rows.too_large_at(rows.count()),
                Ok(()) => continue,
                Err(error) => error,
            };
            let is_write = self.statement.mode == Mode::Write && self.statement.changes_rows();
            if !(self.single && is_write) {
                return Err(error);
            }
            *refused = Some(error.with_fate(Fate::CarriedOut));
        }
    }
}

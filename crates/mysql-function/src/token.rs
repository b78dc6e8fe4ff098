//! Erases the token from the driver's memory. The driver keeps three copies as long as the
//! connection is open: in its options, in its write buffer, and in a pool of buffers.
//!
//! It has no call for that. This relies on how other calls work in version 0.37, and the test
//! `memory::tokens` checks that the copies are gone. The [allocator](zero_on_free) overwrites
//! copies when they are freed.

use mysql_async::consts::StatusFlags;
use mysql_async::prelude::Queryable;
use mysql_async::{ChangeUserOpts, Conn, Error, Row};
use mysql_common::packets::OkPacket;

use crate::session::{ASK, Session};

/// Disables the pool of buffers: each is freed after use.
/// Source: `BufferPool` in the driver's `buffer_pool.rs`.
pub(crate) const NO_BUFFER_POOL: (&str, &str) = ("MYSQL_ASYNC_BUFFER_SIZE_CAP", "0");

/// The size of the driver's write buffer, which is filled from front to end, repeatedly. A message
/// of nearly this size always begins at the front and overwrites what was there. Source:
/// `INITIAL_CAPACITY` in tokio-util's `framed_impl.rs`, `BytesMut::reserve`.
const BUFFER: usize = 8 << 10;
/// What precedes a command in the buffer.
const HEADER: usize = 16;

/// A statement that fails on every server (ER_BAD_FIELD_ERROR).
const UNKNOWN: &str = "DO rds_iam_lambda";
const UNKNOWN_CODE: u16 = 1054;

/// Asks about the session, sets it up with `startup` and erases the token, in one round trip.
/// Returns the answer and the server's status.
///
/// # Errors
/// The session could not be set up, or the token could not be erased. The connection must be
/// dropped.
pub(crate) async fn erase(
    conn: &mut Conn,
    startup: &[String],
) -> Result<(Session, StatusFlags), Error> {
    let sql = format!("{ASK}; {}; {UNKNOWN}", startup.join("; "));
    let padding = BUFFER.saturating_sub(HEADER + sql.len());
    let mut results = conn.query_iter(format!("{sql}{:padding$}", "")).await?;
    let answer = results.try_collect().await?.into_iter().next();
    let session = answer.and_then(Result::ok).map(Session::read);
    let session =
        session.ok_or_else(|| Error::Other("the server did not tell its connection id".into()))?;
    // The last result is left unread, with the error after it.
    for _ in 1..startup.len() {
        results.collect::<Row>().await?;
    }
    drop(results);
    let status = conn.last_ok_packet().map(OkPacket::status_flags).unwrap_or_default();
    // The driver replaces its options before it sends the command, which it does not send: reading
    // the result that was left fails first.
    let options = ChangeUserOpts::default().with_pass(None);
    match conn.change_user(options).await {
        Err(Error::Server(error)) if error.code == UNKNOWN_CODE => Ok((session, status)),
        Err(error) => Err(error),
        Ok(()) => Err(Error::Other("the driver did not erase the token".into())),
    }
}

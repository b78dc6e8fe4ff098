//! Takes the token out of the memory of the driver, which keeps three copies for as long as the
//! connection lives: in its options, in the buffer that it writes from, and in a pool of buffers.
//!
//! The driver has no call for it. What is done here is what its version 0.37 makes of calls that it
//! has, and the test `memory::tokens` looks whether the copies are gone. Copies that are freed on the
//! way are overwritten by the [allocator](zero_on_free).

use mysql_async::consts::StatusFlags;
use mysql_async::prelude::Queryable;
use mysql_async::{ChangeUserOpts, Conn, Error, Row};
use mysql_common::packets::OkPacket;

/// Has the pool of buffers keep none: each is freed when it has been used.
/// Source: `BufferPool` in the driver's `buffer_pool.rs`.
pub(crate) const NO_BUFFER_POOL: (&str, &str) = ("MYSQL_ASYNC_BUFFER_SIZE_CAP", "0");

/// The buffer that the driver writes from has 8 KB, used from the front to the end and over again.
/// What is nearly as long always begins at the front, and overwrites what was written before.
/// Source: `INITIAL_CAPACITY` in tokio-util's `framed_impl.rs`, `BytesMut::reserve`.
const BUFFER: usize = 8 << 10;
/// What is in front of a command in the buffer.
const HEADER: usize = 16;

/// What no server knows (ER_BAD_FIELD_ERROR).
const UNKNOWN: &str = "DO rds_iam_lambda";
const UNKNOWN_CODE: u16 = 1054;

/// Gives the session of a login its `startup`, and has the driver forget the token: both in one round
/// trip. Gives what the server said of the session by then.
///
/// # Errors
/// The session could not begin, or the token is still there. The connection must be dropped.
pub(crate) async fn forget(conn: &mut Conn, startup: &[String]) -> Result<StatusFlags, Error> {
    let sql = format!("{}; {UNKNOWN}", startup.join("; "));
    let padding = BUFFER.saturating_sub(HEADER + sql.len());
    let mut results = conn.query_iter(format!("{sql}{:padding$}", "")).await?;
    // The last of them is left to be read, with the error that comes after it.
    for _ in 1..startup.len() {
        results.collect::<Row>().await?;
    }
    drop(results);
    let status = conn.last_ok_packet().map(OkPacket::status_flags).unwrap_or_default();
    // New options are taken before the command for them is sent; and it is not sent, for the error of
    // what was left comes first.
    let options = ChangeUserOpts::default().with_pass(None);
    match conn.change_user(options).await {
        Err(Error::Server(error)) if error.code == UNKNOWN_CODE => Ok(status),
        Err(error) => Err(error),
        Ok(()) => Err(Error::Other("the driver did not forget the token".into())),
    }
}

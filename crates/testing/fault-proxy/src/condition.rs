//! What the network does to every connection.

use std::time::Duration;

use crate::framer::Direction;

/// The condition of the network, for all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Everything passes.
    Clear,
    /// Everything arrives this much later.
    Delay(Duration),
    /// At most this many bytes a second pass in each direction.
    Bandwidth(u32),
    /// Nothing passes until this changes, and nothing is lost.
    Freeze,
    /// Everything in this direction is lost.
    Swallow(Direction),
    /// New connections are reset. Open ones continue.
    Refuse,
    /// New connections are accepted and ignored. Open ones continue.
    BlackHole,
    /// Connections are not even established: nothing answers a SYN, as behind a security group, or at a
    /// database that is paused. Clients go on asking, and may be answered once this changes. Open ones
    /// continue.
    Unanswered,
    /// What the client sends once TLS is established is held back until this changes: its login is not
    /// answered.
    HoldLogins,
}

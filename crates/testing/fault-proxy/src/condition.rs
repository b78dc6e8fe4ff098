//! What the network does to every connection.

use std::time::Duration;

use crate::framer::Direction;

/// How the network is, for all connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Everything passes.
    Clear,
    /// What is sent arrives this much later.
    Delay(Duration),
    /// No more than so many bytes a second pass in each direction.
    Bandwidth(u32),
    /// Nothing passes until this changes, and nothing is lost.
    Freeze,
    /// What goes in this direction is lost.
    Swallow(Direction),
    /// New connections are reset. Open ones go on.
    Refuse,
    /// New connections are accepted, and nothing comes of them. Open ones go on.
    BlackHole,
}

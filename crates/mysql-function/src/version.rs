//! Prepares what the driver reads a server's version with.

use mysql_common::constants::{CapabilityFlags, StatusFlags};
use mysql_common::packets::HandshakePacket;

/// Has the driver compile the regular expression that it reads every greeting with, which takes a millisecond once in
/// a process, before the greeting is there.
pub(crate) fn expect() {
    let greeting = HandshakePacket::new(
        10,
        &b"8.0.0"[..],
        0,
        [0; 8],
        None::<&[u8]>,
        CapabilityFlags::empty(),
        0,
        StatusFlags::empty(),
        None::<&[u8]>,
    );
    let _ = greeting.maria_db_server_version_parsed();
}

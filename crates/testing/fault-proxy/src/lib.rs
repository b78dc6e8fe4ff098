//! A TCP proxy on loopback, between a function and its database, that simulates faults of networks.
//!
//! It delays, throttles, freezes and loses data, refuses or ignores new connections, and [cuts](Cut) a
//! connection at a chosen point: after a number of bytes, or at a message. The conversation is TLS, so
//! messages are what is visible from outside: plaintext messages before TLS, and TLS records. Every fault
//! can be changed while the proxy runs.
//!
//! ```no_run
//! use fault_proxy::{At, Cut, Direction, Ending, Place, Protocol, Proxy};
//!
//! # async fn run(server: std::net::SocketAddr) -> std::io::Result<()> {
//! let proxy = Proxy::start(server, Protocol::MySql).await?;
//! // The next connection is reset in the middle of the third message from the server.
//! proxy.cut_next(Cut {
//!     direction: Direction::ToClient,
//!     at: At::Message(2, Place::Middle),
//!     ending: Ending::Reset,
//! });
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod condition;
mod cut;
mod door;
mod framer;
mod link;
mod proxy;

pub use condition::Condition;
pub use cut::{At, Cut, Ending, Place};
pub use framer::{Direction, Kind, Message, Protocol};
pub use proxy::{Mark, Proxy};

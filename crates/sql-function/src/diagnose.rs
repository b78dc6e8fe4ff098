//! Why can't my function log in? The steps of a login, taken one by one, to find the first that fails,
//! its likely causes and their fixes.
//!
//! A diagnosis opens its own connections, because the pool's may be older than the problem. The first is
//! examined up to the point where a token would be sent (`handshake`); the second logs in like an
//! invocation. Neither counts as a failed login at the server. If the server denies the token, which it
//! does with the same message for a dozen reasons, `trial` finds out what the server asks for and what
//! it accepts instead. `rank` orders the causes by the `evidence`.

mod complete;
mod configured;
mod denied_schema;
mod evidence;
mod examination;
mod expiry;
mod handshake;
mod inside;
mod network;
mod pause;
mod rank;
mod reader;
mod resource_id;
mod seen;
mod server_info;
mod spelling;
mod startup;
mod subject;
mod trial;
mod walk;

pub(crate) use handshake::secure;
pub use server_info::ServerInfo;
pub use startup::{Concluded, Startup};
pub(crate) use subject::Subject;
pub(crate) use walk::{diagnose, of_failed_start};

//! Sends no named statement through an RDS Proxy, which gives each transaction any connection to the
//! database: the statement that the driver prepared may be unknown there, or that of another client.
//!
//! The driver names every statement that it prepares (`s0`, `s1`, …), its own questions about types
//! included, and binds it later. This filter, between the driver and TLS, sends each as the unnamed
//! statement. A bind becomes the statement's text and the bind, in one flight that is complete in
//! itself; the additional answers do not reach the driver. It also has the server describe the
//! statement each time: if its columns are no longer those that the driver was told, the driver gets an
//! error in place of rows that it would misread.
//!
//! Sources: "Message Flow" and "Message Formats" in the PostgreSQL documentation;
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html>.

mod filter;
#[cfg(test)]
mod properties;

pub(crate) use filter::{CHANGED, Filter as Unnamed};

//! What is known to go wrong on the way to a database, and the form in which it is reported.
//!
//! The functions make a [`Diagnosis`] and the doctor's command reads it. Both word causes from one
//! table, [`Cause`]: an ordinary error quotes the likeliest cause, a diagnosis ranks them, and
//! `docs/TROUBLESHOOTING.md` is the table written out.

#![forbid(unsafe_code)]

mod cause;
mod command;
mod diagnosis;
mod engine_texts;
mod placeholders;
mod quote;
mod rds_resource;
mod step;

pub use cause::{Cause, Entry};
pub use command::{Part, commands, parts};
pub use diagnosis::{Diagnosis, Suspect};
pub use engine_texts::EngineTexts;
pub use placeholders::{Filled, Placeholders};
pub use quote::shell;
pub use rds_resource::RdsResource;
pub use step::{Step, StepName, Verdict};

/// The argument that has a function's program diagnose itself instead of serving events.
pub const ARGUMENT: &str = "--diagnose";

/// The event that asks a function for its diagnosis.
pub const EVENT: &str = r#"{"diagnose":true}"#;

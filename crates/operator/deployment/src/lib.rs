//! `cargo xtask deploy`, `destroy` and `user`: from a database to functions that log in to it, and back.
//!
//! The template is that of the statements, with their schedules. The zips are uploaded to a bucket of the
//! account, a change set is created and shown, and exactly that change set is executed. Lambda must then
//! have the bytes that were built, or the stack is rolled back. Last, the function diagnoses its own login.

#![forbid(unsafe_code)]

// The database, the parameters, and what would fail.
mod behind_proxy;
mod boundary;
mod checks;
mod choice;
mod ipv6;
mod limits;
mod one_network;
mod options;
mod other_account;
mod parameters;
mod pause;
mod plan;
mod prepare;
mod readers;
mod resource_ids;
mod review;
mod together;
mod traits;

// From the zips to a stack.
mod artifacts;
mod bucket;
mod change_set;
mod events;
mod sam;
mod stack;
mod sum;

// The code that Lambda then has.
mod running;

mod deploy;
mod destroy;
mod interrupt;
mod report;

pub mod user;

pub use choice::Given;
pub use deploy::deploy;
pub use destroy::{Destroy, destroy};
pub use interrupt::listen;
pub use options::Deploy;
pub use plan::Statements;
pub use report::Report;

/// Why something was not done: a text that names the resource and what to do.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The account and the region, as options of the `aws` client.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The region of the command line.
    pub region: Option<String>,
    /// The region of the environment, the last resort.
    pub default_region: Option<String>,
    /// The profile of the user's AWS configuration.
    pub profile: Option<String>,
}

impl Account {
    /// The pinned `aws` client, with this region and this profile.
    fn client(&self, report: &Report) -> Result<aws_cli::Aws, Failure> {
        let program = pinned_tools::aws(&mut |line| report.note(line))?;
        let region = self.region.as_deref().or(self.default_region.as_deref());
        Ok(aws_cli::Aws::new(program).with(region, self.profile.as_deref()))
    }
}

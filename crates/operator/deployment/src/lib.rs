//! From a database to functions that reach it, and back: what `cargo xtask deploy`, `destroy` and
//! `user` do.
//!
//! The zips go to a bucket of the account's own, and a change set is made of deploy/template.yaml, which
//! is shown; the very one that was shown is carried out. Then Lambda must have the bytes that were
//! built, or all is put back. The function's own diagnosis ends a deployment.

#![forbid(unsafe_code)]

// What is deployed, and for which database.
mod boundary;
mod checks;
mod choice;
mod parameters;
mod schedule;

// How it gets to AWS.
mod artifacts;
mod bucket;
mod caller;
mod change_set;
mod events;
mod sam;
mod stack;
mod sum;

// And whether it is there, and works.
mod diagnose;
mod running;

mod deploy;
mod destroy;
mod interrupt;
mod report;

pub mod user;

pub use choice::Given;
pub use deploy::{Deploy, deploy};
pub use destroy::{Destroy, destroy};
pub use interrupt::listen;
pub use report::Report;

/// Why something was not done: a text that names the thing, the place and the way out.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Whom to ask, and where: what `aws` is told.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The region that is named.
    pub region: Option<String>,
    /// The region of the environment: where no other is known.
    pub default_region: Option<String>,
    /// The profile of the user's AWS configuration.
    pub profile: Option<String>,
}

impl Account {
    /// The pinned `aws` client, which asks in this region and as this profile.
    fn client(&self, report: &Report) -> Result<aws_cli::Aws, Failure> {
        let program = pinned_tools::aws(&mut |line| report.note(line))?;
        let mut aws = aws_cli::Aws::new(program);
        if let Some(region) = self.region.as_ref().or(self.default_region.as_ref()) {
            aws = aws.region(region);
        }
        if let Some(profile) = &self.profile {
            aws = aws.profile(profile);
        }
        Ok(aws)
    }
}

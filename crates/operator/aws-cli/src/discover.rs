//! Asking AWS about a database.

use crate::client::Aws;
use crate::database::Database;
use crate::error::Error;
use crate::target::Target;
use crate::{cluster, instance, nearby, proxy};

/// Asks AWS about a database.
///
/// # Errors
/// [`Error::is_not_found`] when there is no such database, with similar names; the `aws` client cannot
/// be run, has no credentials or no region, or was refused; RDS has no IAM authentication for the
/// engine; the database has no endpoint yet.
pub fn discover(aws: &Aws, target: &Target) -> Result<Database, Error> {
    let target = &target.in_lower_case();
    let found = match target {
        Target::Instance(name) => instance::discover(aws, name),
        Target::Cluster(name) => cluster::discover(aws, name),
        Target::Proxy(name) => proxy::discover(aws, name),
    };
    found.map_err(|error| if error.is_not_found() { nearby::explain(aws, target) } else { error })
}

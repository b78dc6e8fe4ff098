//! `user`: the SQL that makes a database user for IAM, to be run by whoever may make users.
//!
//! It can be run any number of times. Names are quoted so that no setting of a server reads them
//! otherwise, and privileges are those of a list: nothing is pasted.
//!
//! Source: "Creating a database account using IAM authentication",
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html>,
//! which is the same for MariaDB and MySQL.

mod grant;
mod master;
mod mysql;
mod name;
mod postgres;

use aws_cli::{Engine, Target, discover};

use crate::{Account, Failure, Report};

pub use grant::{Grants, parse_grants};
pub(crate) use master::refuse_master;

/// Whom to make, and what he may do.
#[derive(Clone, Debug)]
pub struct User {
    /// The engine; `None` asks AWS.
    pub engine: Option<Engine>,
    /// The database to ask AWS about.
    pub target: Option<Target>,
    /// The name, upper and lower case as in the IAM policy.
    pub name: String,
    /// The database.
    pub database: String,
    /// PostgreSQL's schema.
    pub schema: String,
    /// What he may do with the tables, as the person wrote it.
    pub grants: String,
}

/// The SQL. AWS is asked only about a database that is named, for its engine and its master user.
///
/// # Errors
/// It is the master user; a name or a privilege is not one; AWS cannot be asked.
pub fn sql(user: &User, account: &Account, report: &Report) -> Result<String, Failure> {
    let found = match &user.target {
        Some(target) => Some(discover(&account.client(report)?, target)?),
        None => None,
    };
    let engine = user.engine.or(found.as_ref().map(|it| it.engine)).ok_or(
        "name the engine: --engine mysql, mariadb or postgres; or the database, with --db-instance",
    )?;
    let master = found.as_ref().and_then(|found| found.master_user.as_deref());
    refuse_master(&user.name, master, engine.is_postgres())?;
    statements(engine, user)
}

/// The SQL for an engine.
///
/// # Errors
/// A name or a privilege is not one.
pub fn statements(engine: Engine, user: &User) -> Result<String, Failure> {
    let grants = parse_grants(engine, &user.grants)?;
    if engine.is_postgres() {
        postgres::statements(&user.name, &user.database, &user.schema, &grants)
    } else {
        mysql::statements(engine, &user.name, &user.database, &grants)
    }
}

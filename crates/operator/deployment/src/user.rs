//! `user`: the SQL that creates a database user for IAM authentication.
//!
//! It can be run any number of times. Names are quoted in a way that no setting of a server changes, and
//! privileges come from a list: no input becomes SQL.
//!
//! Source, the same for MariaDB and MySQL: "Creating a database account using IAM authentication",
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html>.

mod grant;
mod master;
mod mysql;
mod name;
mod postgres;

use aws_cli::{Target, discover};
use engine::Engine;

use crate::{Account, Failure, Report};
use grant::parse_grants;

pub(crate) use master::refuse_master;

/// The options of `user`.
#[derive(Clone, Debug)]
pub struct User {
    /// The engine; `None` asks AWS.
    pub engine: Option<Engine>,
    /// The database to ask AWS about.
    pub target: Option<Target>,
    /// The name. IAM distinguishes upper and lower case.
    pub name: String,
    /// The database.
    pub database: String,
    /// PostgreSQL's schema.
    pub schema: String,
    /// Privileges on the tables, with commas between.
    pub grants: String,
}

/// The SQL. Where a database is named, AWS is asked for its engine and its master user.
///
/// # Errors
/// The user is the master user; a name or a privilege is invalid; AWS cannot be asked.
pub fn sql(user: &User, account: &Account, report: &Report) -> Result<String, Failure> {
    let found = match &user.target {
        Some(target) => Some(discover(&account.client(report)?, target)?),
        None => None,
    };
    let engine = user.engine.or(found.as_ref().map(|it| it.engine)).ok_or(
        "--engine is missing: mysql, mariadb or postgres; or name the database with --db-instance",
    )?;
    let master = found.as_ref().and_then(|found| found.master_user.as_deref());
    refuse_master(&user.name, master, engine == Engine::Postgres)?;
    statements(engine, user)
}

/// The SQL for an engine.
///
/// # Errors
/// A name or a privilege is invalid.
pub fn statements(engine: Engine, user: &User) -> Result<String, Failure> {
    let grants = parse_grants(engine, &user.grants)?;
    match engine {
        Engine::MySql | Engine::MariaDb => {
            mysql::statements(engine, &user.name, &user.database, &grants)
        }
        Engine::Postgres => postgres::statements(&user.name, &user.database, &user.schema, &grants),
    }
}

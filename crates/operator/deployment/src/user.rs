//! `user`: the SQL that creates a database user for IAM authentication.
//!
//! It can be run any number of times. Names are quoted in a way that no setting of a server changes, and
//! privileges come from a list: no input becomes SQL.
//!
//! Source, the same for MariaDB and MySQL: "Creating a database account using IAM authentication",
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html>.

mod grant;
mod log_in;
mod master;
mod mysql;
mod name;
mod postgres;

use aws_cli::{Aws, Database, Target, behind, discover};
use engine::Engine;

use crate::{Account, Failure, Report};
use grant::parse_grants;

pub(crate) use master::{Master, refuse_master};

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

/// The SQL, and the line that runs it, as a comment. Where a database is named, AWS is asked for its engine
/// and its master user.
///
/// # Errors
/// The user is the master user; a name or a privilege is invalid; AWS cannot be asked; the database is a
/// proxy that logs in with passwords.
pub fn sql(user: &User, account: &Account, report: &Report) -> Result<String, Failure> {
    let found = match &user.target {
        Some(target) => {
            let aws = account.client(report)?;
            Some(with_users(&aws, discover(&aws, target)?, &user.name)?)
        }
        None => None,
    };
    let engine = user.engine.or(found.as_ref().map(|it| it.engine)).ok_or(
        "--engine is missing: mysql, mariadb or postgres; or name the database with --db-instance",
    )?;
    refuse_master(&user.name, Master::of(found.as_ref()), engine == Engine::Postgres)?;
    let sql = statements(engine, user)?;
    let Some(found) = found else { return Ok(sql) };
    let certs = pinned_tools::workspace()?.join("certs");
    let profile = account.profile.as_deref();
    Ok(sql + &log_in::comment(&found, engine, &user.database, &certs, profile))
}

/// The database whose users these are: that behind a proxy.
///
/// # Errors
/// The proxy logs in to it with the passwords of its secrets, which a user for IAM authentication does not
/// have.
fn with_users(aws: &Aws, found: Database, user: &str) -> Result<Database, Failure> {
    let (Target::Proxy(name), Some(auth)) = (&found.target, &found.proxy) else {
        return Ok(found);
    };
    if !auth.is_iam_by_default {
        // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-connecting.html
        return Err(format!(
            "the DB proxy {name} logs in to its database with the password of a secret \
             (DefaultAuthScheme is NONE), so {user} needs a password there and a secret of the proxy, and \
             must not use IAM authentication at the database. Or have the proxy log in with IAM: `aws rds \
             modify-db-proxy --region {} --db-proxy-name {name} --default-auth-scheme IAM_AUTH`",
            found.region
        )
        .into());
    }
    let mut databases = behind(aws, name)?.into_iter();
    Ok(databases.next().map_or(found, |behind| behind.database))
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

//! Which databases know IAM authentication, as far as AWS documents it.
//!
//! Sources: "IAM database authentication" and "Supported Regions and DB engines for IAM database
//! authentication" in the RDS and the Aurora user guides:
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html>,
//! <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html>.

use crate::database::{Database, Engine};

/// Something about a database that speaks against IAM authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// It cannot work.
    Unsupported(String),
    /// It works, and may not always.
    Risky(String),
}

/// What speaks against IAM authentication on this database, beside that it may be off.
#[must_use]
pub fn objections(database: &Database) -> Vec<Objection> {
    let mut found = Vec::new();
    // Once AWS says that it is on, no table of versions knows better.
    if !database.iam_auth {
        found.extend(version_too_old(database).map(Objection::Unsupported));
    }
    for class in &database.instance_classes {
        found.extend(class_too_small(database.engine, class));
    }
    if !matches!(database.status.as_str(), "available" | "backing-up" | "storage-optimization") {
        found.push(Objection::Risky(format!(
            "{} is {}; the function can log in once it is available",
            database.target, database.status
        )));
    }
    found
}

/// The oldest versions with IAM authentication, for each major version that has had one. A major
/// version that is newer than these has it from its start.
fn oldest(engine: Engine) -> &'static [(&'static [u32], &'static str)] {
    match engine {
        Engine::MySql => {
            &[(&[5, 6, 34], "5.6.34"), (&[5, 7, 16], "5.7.16"), (&[8, 0, 16], "8.0.16")]
        }
        Engine::MariaDb => &[(&[10, 6], "10.6")],
        Engine::Postgres => &[(&[9, 5, 15], "9.5.15"), (&[9, 6, 11], "9.6.11"), (&[10, 6], "10.6")],
        // Every version that Aurora still offers has it.
        Engine::AuroraMySql | Engine::AuroraPostgres => &[],
    }
}

fn version_too_old(database: &Database) -> Option<String> {
    let text = database.version.as_deref()?;
    let version: Vec<u32> = text.split(['.', '-']).map_while(|part| part.parse().ok()).collect();
    let all = oldest(database.engine);
    // PostgreSQL's major version is its first number since 10, MySQL's its first two.
    let major = if version.first().is_some_and(|&first| first >= 10) { 1 } else { 2 };
    let same_major =
        |oldest: &&(&[u32], &str)| oldest.0.iter().take(major).eq(version.iter().take(major));
    let (oldest, name) = all.iter().find(same_major).or_else(|| all.first())?;
    (version.as_slice() < *oldest).then(|| {
        format!(
            "{} runs {} {text}, which has no IAM authentication: it comes with {name}",
            database.target, database.engine
        )
    })
}

/// The memory of the smallest classes of each burstable family is 1 GiB or less.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html>
fn class_too_small(engine: Engine, class: &str) -> Option<Objection> {
    // "For Aurora MySQL, all supported DB instance classes support IAM database authentication,
    // except for db.t2.small and db.t3.small."
    if engine == Engine::AuroraMySql && matches!(class, "db.t2.small" | "db.t3.small") {
        return Some(Objection::Unsupported(format!(
            "Aurora MySQL on {class} has no IAM authentication; take db.t3.medium or a larger class"
        )));
    }
    // "You must have between 300 and 1000 MiB extra memory on your database for reliable
    // connectivity."
    let one_gib = class.starts_with("db.t") && class.ends_with(".micro");
    one_gib.then(|| {
        Objection::Risky(format!(
            "{class} has 1 GiB of memory, and IAM authentication takes 300 to 1000 MiB of it beside \
             the database's own: expect refused logins when it runs short"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Target;

    fn database(engine: Engine, version: &str, class: &str) -> Database {
        Database {
            target: Target::Instance("mydb".into()),
            engine,
            version: Some(version.into()),
            endpoint: String::new(),
            port: 1,
            resource_id: String::new(),
            cluster: None,
            region: String::new(),
            vpc: None,
            subnets: Vec::new(),
            security_groups: Vec::new(),
            ca: None,
            iam_auth: false,
            instance_classes: vec![class.into()],
            master_user: None,
            status: "available".into(),
            publicly_accessible: None,
            exports_auth_errors: None,
        }
    }

    #[test]
    fn versions() {
        use Engine::{AuroraMySql, AuroraPostgres, MariaDb, MySql, Postgres};
        for (engine, version, supported) in [
            (MySql, "5.5.62", false),
            (MySql, "5.6.33", false),
            (MySql, "5.6.34", true),
            (MySql, "5.7.15", false),
            (MySql, "5.7.44-rds.20240408", true),
            (MySql, "8.0.15", false),
            (MySql, "8.0.40", true),
            (MySql, "8.4.3", true),
            (MySql, "9.1.0", true),
            (MariaDb, "10.5.27", false),
            (MariaDb, "10.6.8", true),
            (MariaDb, "10.11.6", true),
            (MariaDb, "11.4.4", true),
            (Postgres, "9.4.26", false),
            (Postgres, "9.6.11", true),
            (Postgres, "10.5", false),
            (Postgres, "10.6", true),
            (Postgres, "11.1", true),
            (Postgres, "17.2", true),
            (AuroraMySql, "5.7.mysql_aurora.2.11.2", true),
            (AuroraMySql, "8.0.mysql_aurora.3.05.2", true),
            (AuroraPostgres, "11.9", true),
        ] {
            let database = database(engine, version, "db.r6g.large");
            assert_eq!(objections(&database).is_empty(), supported, "{engine} {version}");
            let on = Database { iam_auth: true, ..database };
            assert!(objections(&on).is_empty(), "{engine} {version}");
        }
    }

    #[test]
    fn classes() {
        let of = |engine, class| objections(&database(engine, "8.4.3", class));
        assert!(of(Engine::MySql, "db.t3.small").is_empty());
        assert!(matches!(of(Engine::MySql, "db.t4g.micro")[..], [Objection::Risky(_)]));
        for class in ["db.t2.small", "db.t3.small"] {
            assert!(matches!(of(Engine::AuroraMySql, class)[..], [Objection::Unsupported(_)]));
        }
        assert!(of(Engine::AuroraMySql, "db.t4g.medium").is_empty());
    }
}

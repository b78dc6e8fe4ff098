//! Which databases support IAM authentication, as AWS documents it.
//!
//! Sources: "IAM database authentication" and "Supported Regions and DB engines for IAM database
//! authentication" in the RDS and the Aurora user guides:
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html>,
//! <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html>.

use engine::Engine;

use crate::database::Database;

/// An objection to IAM authentication on a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// The database does not support it.
    Unsupported(String),
    /// It works, but logins may fail.
    Risky(String),
    /// The database is not available now.
    NotAvailable(String),
}

/// The objections to IAM authentication on this database. Whether it is enabled is not among them.
#[must_use]
pub fn objections(database: &Database) -> Vec<Objection> {
    let mut found = Vec::new();
    // Where it is enabled, it is supported, whatever this table says.
    if !database.iam_auth {
        found.extend(version_too_old(database).map(Objection::Unsupported));
    }
    for class in &database.instance_classes {
        found.extend(class_too_small(database, class));
    }
    if !matches!(database.status.as_str(), "available" | "backing-up" | "storage-optimization") {
        found.push(Objection::NotAvailable(format!(
            "{} is {}; the function can log in when it is available",
            database.target, database.status
        )));
    }
    found
}

/// The first version with IAM authentication in each major version that began without it. Newer
/// major versions have it from the start.
fn first_with_iam(database: &Database) -> &'static [(&'static [u32], &'static str)] {
    match database.engine {
        // Every version that Aurora still offers has it.
        _ if is_aurora(database) => &[],
        Engine::MySql => {
            &[(&[5, 6, 34], "5.6.34"), (&[5, 7, 16], "5.7.16"), (&[8, 0, 16], "8.0.16")]
        }
        Engine::MariaDb => &[(&[10, 6], "10.6")],
        Engine::Postgres => &[(&[9, 5, 15], "9.5.15"), (&[9, 6, 11], "9.6.11"), (&[10, 6], "10.6")],
    }
}

fn is_aurora(database: &Database) -> bool {
    database.engine_name.starts_with("aurora")
}

fn version_too_old(database: &Database) -> Option<String> {
    let text = database.version.as_deref()?;
    let version: Vec<u32> = text.split(['.', '-']).map_while(|part| part.parse().ok()).collect();
    let all = first_with_iam(database);
    // PostgreSQL's major version is its first number since 10, MySQL's its first two.
    let major = if version.first().is_some_and(|&first| first >= 10) { 1 } else { 2 };
    let same_major =
        |first: &&(&[u32], &str)| first.0.iter().take(major).eq(version.iter().take(major));
    let (first, name) = all.iter().find(same_major).or_else(|| all.first())?;
    (version.as_slice() < *first).then(|| {
        format!(
            "{} runs {} {text}, which does not support IAM authentication; upgrade to {name} or later",
            database.target, database.engine_name
        )
    })
}

/// The memory of the smallest classes of each burstable family is 1 GiB or less.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html>
fn class_too_small(database: &Database, class: &str) -> Option<Objection> {
    // "For Aurora MySQL, all supported DB instance classes support IAM database authentication,
    // except for db.t2.small and db.t3.small."
    let aurora_mysql = is_aurora(database) && database.engine == Engine::MySql;
    if aurora_mysql && matches!(class, "db.t2.small" | "db.t3.small") {
        return Some(Objection::Unsupported(format!(
            "Aurora MySQL on {class} does not support IAM authentication; use db.t3.medium or larger"
        )));
    }
    // "You must have between 300 and 1000 MiB extra memory on your database for reliable
    // connectivity."
    let one_gib = class.starts_with("db.t") && class.ends_with(".micro");
    one_gib.then(|| {
        Objection::Risky(format!(
            "{class} has 1 GiB of memory, and IAM authentication needs 300 to 1000 MiB of it beside \
             what the database uses; logins may be refused when memory runs short"
        ))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Target;

    pub(crate) fn database(engine_name: &str, version: &str, class: &str) -> Database {
        Database {
            target: Target::Instance("mydb".into()),
            arn: String::new(),
            engine: engine_name.parse().unwrap(),
            engine_name: engine_name.into(),
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
            proxy: None,
            internet_access_gateway: false,
            instance_classes: vec![class.into()],
            master_user: None,
            status: "available".into(),
            publicly_accessible: None,
            exports_auth_errors: None,
            reader: None,
            serverless: None,
            is_dual_stack: false,
        }
    }

    #[test]
    fn versions() {
        for (engine, version, supported) in [
            ("mysql", "5.5.62", false),
            ("mysql", "5.6.33", false),
            ("mysql", "5.6.34", true),
            ("mysql", "5.7.15", false),
            ("mysql", "5.7.44-rds.20240408", true),
            ("mysql", "8.0.15", false),
            ("mysql", "8.0.40", true),
            ("mysql", "8.4.3", true),
            ("mysql", "9.1.0", true),
            ("mariadb", "10.5.27", false),
            ("mariadb", "10.6.8", true),
            ("mariadb", "10.11.6", true),
            ("mariadb", "11.4.4", true),
            ("postgres", "9.4.26", false),
            ("postgres", "9.6.11", true),
            ("postgres", "10.5", false),
            ("postgres", "10.6", true),
            ("postgres", "11.1", true),
            ("postgres", "17.2", true),
            ("aurora-mysql", "5.7.mysql_aurora.2.11.2", true),
            ("aurora-mysql", "8.0.mysql_aurora.3.05.2", true),
            ("aurora-postgresql", "11.9", true),
        ] {
            let database = database(engine, version, "db.r6g.large");
            assert_eq!(objections(&database).is_empty(), supported, "{engine} {version}");
            let on = Database { iam_auth: true, ..database };
            assert!(objections(&on).is_empty(), "{engine} {version}");
        }
    }

    #[test]
    fn classes() {
        let of = |engine: &str, class| objections(&database(engine, "8.4.3", class));
        assert!(of("mysql", "db.t3.small").is_empty());
        assert!(matches!(of("mysql", "db.t4g.micro")[..], [Objection::Risky(_)]));
        for class in ["db.t2.small", "db.t3.small"] {
            assert!(matches!(of("aurora-mysql", class)[..], [Objection::Unsupported(_)]));
        }
        assert!(of("aurora-mysql", "db.t4g.medium").is_empty());
    }
}

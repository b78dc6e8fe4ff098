//! What the words in braces of the causes' texts stand for. What follows a colon, as in
//! `{user:mysql_string}`, is the form in which a command takes the value: see `quote.rs`.

use iam_auth::{Endpoint, EndpointKind};
use std::collections::BTreeMap;

use super::cause::Cause;
use super::quote::{command, quoted};

/// An engine's own words: each blank that they fill, and the text for it.
pub type Words = &'static [(&'static str, &'static str)];

/// For MySQL, MariaDB and Aurora MySQL.
pub const MYSQL: Words = &[
    ("engine", "MySQL"),
    ("client", "mysql"),
    ("starttls", "mysql"),
    (
        "create_user",
        "`CREATE USER IF NOT EXISTS {user:mysql_string}@'%' IDENTIFIED WITH \
         AWSAuthenticationPlugin AS 'RDS'; ALTER USER {user:mysql_string}@'%' IDENTIFIED WITH \
         AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL; GRANT SELECT, INSERT, UPDATE, DELETE ON \
         {database:mysql_pattern}.* TO {user:mysql_string}@'%'`",
    ),
    (
        "show_user",
        "`SELECT user, host, plugin FROM mysql.user WHERE INSTR(REPLACE(LOWER(user), '-', '_'), \
         REPLACE(LOWER({user:mysql_string}), '-', '_'))`: the plugin must be \
         AWSAuthenticationPlugin",
    ),
    ("unlock_user", "`ALTER USER {user:mysql_string}@'%' ACCOUNT UNLOCK`"),
    ("show_grants", "`SHOW GRANTS FOR {user:mysql_string}@'%'`"),
    ("show_databases", "`SHOW DATABASES`"),
    (
        "grant_database",
        "`GRANT SELECT, INSERT, UPDATE, DELETE ON {database:mysql_pattern}.* TO \
         {user:mysql_string}@'%'`",
    ),
    ("schema", "{database}"),
    (
        "grant_tables",
        "`GRANT SELECT, INSERT, UPDATE, DELETE ON {schema:mysql_pattern}.* TO \
         {user:mysql_string}@'%'`, with the database of the table in the place of {schema} when it \
         is another",
    ),
    (
        "show_connections",
        "`SHOW STATUS LIKE 'Threads_connected'; SHOW VARIABLES LIKE 'max%connections'; SHOW \
         CREATE USER {user:mysql_string}@'%'`",
    ),
    ("connections_setting", "max_connections or the user's MAX_USER_CONNECTIONS"),
    (
        "show_hosts",
        "`SELECT user, host FROM mysql.user; SELECT * FROM performance_schema.host_cache`",
    ),
    (
        "allow_host",
        "make the user for any host ({user:mysql_string}@'%'); when the host is blocked because of \
         many connection errors, run `FLUSH HOSTS` (`TRUNCATE TABLE performance_schema.host_cache`) \
         as the administrator",
    ),
    ("show_tls", "`SHOW VARIABLES LIKE 'tls_version'`: must name TLSv1.2 or TLSv1.3"),
    ("tls_setting", "tls_version"),
    ("show_read_only", "`SELECT @@global.read_only`"),
    ("unset_read_only", "on a server of your own, `SET GLOBAL read_only = OFF`"),
    ("show_time", "`SELECT UTC_TIMESTAMP()`"),
];

/// For PostgreSQL and Aurora PostgreSQL.
pub const POSTGRES: Words = &[
    ("engine", "PostgreSQL"),
    ("client", "psql"),
    ("starttls", "postgres"),
    (
        "create_user",
        "`CREATE ROLE {user:postgres_name} LOGIN` (unless it is there already), then `GRANT rds_iam \
         TO {user:postgres_name}; GRANT CONNECT ON DATABASE {database:postgres_name} TO \
         {user:postgres_name}`",
    ),
    (
        "show_user",
        "`SELECT rolname, rolcanlogin, pg_has_role(rolname, 'rds_iam', 'member') AS iam FROM \
         pg_roles WHERE strpos(translate(lower(rolname), '-', '_'), \
         translate(lower({user:postgres_string}), '-', '_')) > 0`: iam must be true",
    ),
    ("unlock_user", "`ALTER ROLE {user:postgres_name} LOGIN`"),
    ("show_grants", "`\\du {user:postgres_name}` and `\\dp *.*` in psql"),
    ("show_databases", "`SELECT datname FROM pg_database`"),
    (
        "grant_database",
        "`GRANT CONNECT ON DATABASE {database:postgres_name} TO {user:postgres_name}`",
    ),
    ("schema", "public"),
    (
        "grant_tables",
        "`GRANT USAGE ON SCHEMA {schema:postgres_name} TO {user:postgres_name}; GRANT SELECT, \
         INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema:postgres_name} TO \
         {user:postgres_name}`, with the schema of the table in the place of {schema} when it is \
         another",
    ),
    (
        "show_connections",
        "`SELECT count(*), current_setting('max_connections') FROM pg_stat_activity; SELECT \
         rolconnlimit FROM pg_roles WHERE rolname = {user:postgres_string}`",
    ),
    ("connections_setting", "max_connections or the role's CONNECTION LIMIT"),
    ("show_hosts", "`SELECT * FROM pg_hba_file_rules`"),
    (
        "allow_host",
        "on RDS, check DB_NAME, DB_USER and that TLS is on; on a server of your own, add a line to \
         pg_hba.conf",
    ),
    ("show_tls", "`SHOW ssl`: must be on"),
    ("tls_setting", "ssl_min_protocol_version"),
    (
        "show_read_only",
        "`SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')`",
    ),
    (
        "unset_read_only",
        "when default_transaction_read_only is on, ALTER DATABASE or ALTER ROLE … RESET \
         default_transaction_read_only",
    ),
    ("show_time", "`SELECT now()`"),
];

/// The words that fill the blanks of one function's texts.
#[derive(Clone, Debug, Default)]
pub struct Blanks {
    /// Texts of ours, which may hold blanks themselves.
    words: BTreeMap<&'static str, &'static str>,
    /// What settings and servers say, which is taken as it is.
    values: BTreeMap<&'static str, String>,
}

/// A cause's texts, filled in.
#[derive(Clone, Debug)]
pub struct Filled {
    /// What it is.
    pub title: String,
    /// How to be sure.
    pub confirm: String,
    /// How to mend it.
    pub fix: String,
}

impl Blanks {
    /// Those of an engine.
    pub fn of_engine(words: Words) -> Blanks {
        Blanks { words: words.iter().copied().collect(), values: BTreeMap::new() }
    }

    /// Fills a blank with a value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Blanks {
        self.values.insert(name, value.to_owned());
        self
    }

    /// Adds what an endpoint tells.
    #[must_use]
    pub fn with_endpoint(self, endpoint: &Endpoint) -> Blanks {
        let host = endpoint.host();
        self.with_kind(endpoint.kind())
            .with("host", host)
            .with("port", &endpoint.port().to_string())
            .with("region", endpoint.region())
            .with("partition", endpoint.partition().as_str())
            .with("identifier", host.split('.').next().unwrap_or(host))
    }

    /// Adds the commands for endpoints of this kind.
    #[must_use]
    pub fn with_kind(mut self, kind: EndpointKind) -> Blanks {
        let (show_resource, show_iam, turn_iam_on) = at_aws(kind);
        self.words.extend([
            ("show_resource", show_resource),
            ("show_iam", show_iam),
            ("turn_iam_on", turn_iam_on),
            ("arn", "arn:{partition}:rds-db:{region}:{account}:dbuser:{resource_id}/{user}"),
        ]);
        self.with("resource_id", resource(kind))
    }

    /// The texts of `cause`, with every blank filled. One that nothing fills stands there in
    /// capitals, for the reader to fill.
    pub fn fill(&self, cause: Cause) -> Filled {
        let entry = cause.entry();
        let [title, confirm, fix] = [entry.title, entry.confirm, entry.fix].map(|t| self.text(t));
        Filled { title, confirm, fix }
    }

    /// `text`, which is one of ours, with every blank filled, and its commands between as many
    /// backticks as their values allow.
    pub fn text(&self, text: &str) -> String {
        let parts = text.split('`').map(|part| self.filled(part)).enumerate();
        parts.map(|(at, part)| if at % 2 == 1 { command(&part) } else { part }).collect()
    }

    /// A part of a text, with every blank filled.
    fn filled(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let Some((blank, after)) = after.split_once('}') else {
                rest = &rest[before.len()..];
                break;
            };
            filled.push_str(&match blank.split_once(':') {
                None => self.value(blank),
                // Without such a form, the braces stay for the tests to find.
                Some((name, form)) => {
                    quoted(form, &self.value(name)).unwrap_or_else(|| format!("{{{blank}}}"))
                }
            });
            rest = after;
        }
        filled + rest
    }

    /// What stands for a blank.
    fn value(&self, name: &str) -> String {
        match (self.values.get(name), self.words.get(name)) {
            (Some(value), _) => value.clone(),
            (None, Some(word)) => self.text(word),
            // What a diagnosis may add to a sentence, and what only the reader knows.
            (None, None) if name.starts_with("real_") => String::new(),
            (None, None) => name.to_ascii_uppercase().replace('_', "-"),
        }
    }
}

/// The form of the resource id in a policy: see "Creating and using an IAM policy for IAM database
/// access" in the RDS and Aurora user guides.
fn resource(kind: EndpointKind) -> &'static str {
    match kind {
        kind if kind.is_proxy() => "prx-ID",
        EndpointKind::ClusterWriter
        | EndpointKind::ClusterReader
        | EndpointKind::ClusterCustom
        | EndpointKind::GlobalWriter => "cluster-ID",
        _ => "db-ID",
    }
}

/// The commands that show the resource id and IAM's flag, and the one that sets it.
fn at_aws(kind: EndpointKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        kind if kind.is_proxy() => (
            "`aws rds describe-db-proxies --region {region} --query \
             \"DBProxies[?Endpoint=='{host}'].DBProxyArn\"`",
            "`aws rds describe-db-proxies --region {region} --query \
             \"DBProxies[?Endpoint=='{host}'].Auth\"`",
            "`aws rds modify-db-proxy --db-proxy-name {identifier} --auth \
             AuthScheme=SECRETS,SecretArn=SECRET-OF-USER,IAMAuth=REQUIRED`",
        ),
        EndpointKind::ClusterWriter
        | EndpointKind::ClusterReader
        | EndpointKind::ClusterCustom
        | EndpointKind::GlobalWriter => (
            "`aws rds describe-db-clusters --region {region} --query \
             \"DBClusters[?Endpoint=='{host}' || ReaderEndpoint=='{host}'].DbClusterResourceId\"`",
            "`aws rds describe-db-clusters --region {region} --query \"DBClusters[?Endpoint=='{host}' || \
             ReaderEndpoint=='{host}'].IAMDatabaseAuthenticationEnabled\"`",
            "`aws rds modify-db-cluster --region {region} --db-cluster-identifier {identifier} \
             --enable-iam-database-authentication --apply-immediately`",
        ),
        _ => (
            "`aws rds describe-db-instances --region {region} --query \
             \"DBInstances[?Endpoint.Address=='{host}'].DbiResourceId\"`",
            "`aws rds describe-db-instances --region {region} --query \
             \"DBInstances[?Endpoint.Address=='{host}'].IAMDatabaseAuthenticationEnabled\"`",
            "`aws rds modify-db-instance --region {region} --db-instance-identifier {identifier} \
             --enable-iam-database-authentication --apply-immediately` (for an instance of Aurora: \
             modify-db-cluster, on its cluster)",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "shop.abc123def456.eu-west-1.rds.amazonaws.com";

    #[test]
    fn blanks_are_filled_and_the_others_stand_in_capitals() {
        let blanks = Blanks::of_engine(POSTGRES)
            .with("user", "lambda_user")
            .with_endpoint(&Endpoint::parse(HOST, 5432).unwrap());
        let filled = blanks.fill(Cause::PolicyMissing);
        let arn = "arn:aws:rds-db:eu-west-1:ACCOUNT:dbuser:db-ID/lambda_user";
        assert!(filled.fix.contains(arn), "{filled:?}");
        let filled = blanks.fill(Cause::UserNotForIam);
        assert!(filled.fix.contains("GRANT CONNECT ON DATABASE \"DATABASE\""), "{filled:?}");
        let filled = blanks.fill(Cause::SignedForCname);
        assert!(filled.fix.contains("RDS shows, and"), "{filled:?}");
    }

    #[test]
    fn names_are_quoted_in_commands() {
        let of = |words| {
            Blanks::of_engine(words)
                .with("user", "o'neil")
                .with("database", "my_app")
                .with("bundle", "/tmp/my ca.pem")
                .with_endpoint(&Endpoint::parse(HOST, 5432).unwrap())
        };
        let (mysql, postgres) = (of(MYSQL), of(POSTGRES));
        let grant = "``GRANT SELECT, INSERT, UPDATE, DELETE ON `my\\_app`.* TO 'o''neil'@'%'``";
        let fix = mysql.fill(Cause::DatabaseDenied).fix;
        assert!(fix.ends_with(&format!("as the administrator: {grant}")), "{fix}");
        let fix = mysql.fill(Cause::RightsMissing).fix;
        assert!(fix.contains(grant) && fix.ends_with("in the place of my_app when it is another"));
        let fix = postgres.fill(Cause::DatabaseDenied).fix;
        assert!(fix.ends_with("`GRANT CONNECT ON DATABASE \"my_app\" TO \"o'neil\"`"), "{fix}");
        let fix = postgres.clone().with("schema", "Reports").fill(Cause::RightsMissing).fix;
        assert!(fix.contains("`GRANT USAGE ON SCHEMA \"Reports\" TO \"o'neil\"; "), "{fix}");
        let confirm = postgres.fill(Cause::PolicyMissing).confirm;
        let arn = "'arn:aws:rds-db:eu-west-1:ACCOUNT:dbuser:db-ID/o'\\''neil'";
        assert!(confirm.ends_with(&format!("--resource-arns {arn}`")), "{confirm}");
        let confirm = mysql.fill(Cause::BundleUnusable).confirm;
        assert_eq!(confirm, "`openssl storeutl -noout -text -certs '/tmp/my ca.pem'`");
    }

    /// A value in a command has a form. Those without one are checked when they are read: they are
    /// of a host's or a region's characters.
    #[test]
    fn every_name_in_a_command_has_a_form() {
        let of_causes = Cause::ALL.iter().map(|cause| cause.entry());
        let texts = of_causes.flat_map(|entry| [entry.title, entry.confirm, entry.fix]);
        let words = [MYSQL, POSTGRES].concat();
        for text in texts.chain(words.iter().map(|(_, text)| *text)) {
            for command in text.split('`').skip(1).step_by(2) {
                for name in ["user", "database", "schema", "function", "bundle", "arn"] {
                    assert!(!command.contains(&format!("{{{name}}}")), "{command}");
                }
            }
        }
    }

    #[test]
    fn every_cause_is_filled_whole_for_both_engines() {
        for words in [MYSQL, POSTGRES] {
            let blanks =
                Blanks::of_engine(words).with_endpoint(&Endpoint::parse(HOST, 5432).unwrap());
            for cause in Cause::ALL {
                let Filled { title, confirm, fix } = blanks.fill(*cause);
                for text in [title, confirm, fix] {
                    assert!(!text.contains(['{', '}']), "{cause:?}: {text}");
                }
            }
        }
    }

    #[test]
    fn both_engines_fill_the_same_blanks() {
        let names = |words: Words| words.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        let (mut mysql, mut postgres) = (names(MYSQL), names(POSTGRES));
        mysql.sort_unstable();
        postgres.sort_unstable();
        assert_eq!(mysql, postgres);
    }
}

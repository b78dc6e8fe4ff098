//! The function's environment variables.
//!
//! They are read once, through a lookup function. The error for a missing or invalid one names it.

mod dialled;
mod reader;

use diagnosis::Cause;
use engine::Engine;
use iam_auth::{DialAddress, Endpoint, EndpointKind, Roots, TrustStore};
use std::path::PathBuf;

use crate::error::{Error, Kind};
use crate::said::Loggable;
use crate::{loggable, rds_ca};

pub(crate) use reader::Reader;

/// The settings of a function, checked.
#[derive(Debug)]
pub(crate) struct Settings {
    /// `DB_HOST`, `DB_PORT`, `DB_REGION`: what the token is signed for, and the certificate must
    /// name.
    pub endpoint: Endpoint,
    /// Whether `DB_REGION` is set.
    pub region_is_given: bool,
    /// `DB_CONNECT_TO`: what TCP connects to; by default the endpoint.
    pub connect_to: DialAddress,
    /// `DB_READER_HOST`: where statements that read go; by default to `DB_HOST`.
    pub reader: Option<Reader>,
    /// `DB_USER`.
    pub user: String,
    /// `DB_NAME`.
    pub database: String,
    /// `DB_TRUST`: which roots verify the server; by default those that fit the endpoint's kind.
    pub roots: Roots,
    /// `DB_CA_BUNDLE`: the trust anchors; by default the layer's file with the `roots`.
    pub ca_bundle: PathBuf,
    /// `STATEMENTS_DIR`: the folder of `.sql` files.
    pub statements: PathBuf,
    /// `SCHEDULED_STATEMENT`: what a schedule runs; by default `items`.
    pub scheduled_statement: Option<String>,
    /// `DB_RESOURCE_ID`: the ids in the role's policy, separated by commas. Only a diagnosis uses them.
    pub resource_ids: Vec<String>,
    /// `AWS_LAMBDA_FUNCTION_NAME`: the function's name, for a diagnosis.
    pub function: Option<String>,
}

/// The maximum length of a name. Servers truncate longer ones, and look up another name.
#[derive(Clone, Copy, Debug)]
pub enum NameLimit {
    /// In bytes of UTF-8.
    Bytes(usize),
    /// In characters.
    Characters(usize),
}

impl Settings {
    /// Reads the settings of a function for `engine` through `variable`, which looks up an
    /// environment variable.
    ///
    /// # Errors
    /// [`Kind::Settings`], naming the variable that is missing or invalid.
    pub(crate) fn read(
        variable: impl Fn(&str) -> Option<String>,
        engine: Engine,
        user_name_limit: NameLimit,
    ) -> Result<Settings, Error> {
        // CloudFormation renders an omitted parameter as an empty string.
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let required = |name: &str, what: &str| {
            given(name).ok_or_else(|| {
                invalid(loggable!("{name} is not set"))
                    .with_cause(Cause::SettingMissing)
                    .advice(loggable!("set the environment variable {name} to {what}"))
            })
        };

        let host = required("DB_HOST", "the endpoint of the database, as RDS shows it")?;
        let port = match given("DB_PORT") {
            None => engine.default_port(),
            Some(text) => match text.parse() {
                Ok(port) if port > 0 => port,
                _ => {
                    let advice = loggable!(
                        "use a number from 1 to 65535, or omit it for {}",
                        engine.default_port()
                    );
                    return Err(invalid(loggable!("DB_PORT is {text:?}, which is not a port"))
                        .with_cause(Cause::SettingMalformed)
                        .advice(advice));
                }
            },
        };
        let endpoint = endpoint(&host, port, given("DB_REGION"), given("AWS_REGION"))?;
        if let Some(why) = endpoint.kind().unsupported() {
            return Err(invalid(loggable!("DB_HOST is {host:?}: {why}"))
                .with_cause(Cause::EndpointUnsupported)
                .advice("set DB_HOST to the endpoint of the cluster"));
        }
        let connect_to = dialled::address("DB_CONNECT_TO", given("DB_CONNECT_TO"), &endpoint)?;
        let roots = match given("DB_TRUST") {
            None => Roots::of(&endpoint),
            Some(text) => text.parse().map_err(|error: iam_auth::Error| {
                invalid(loggable!("DB_TRUST is {text:?}"))
                    .with_cause(Cause::SettingMalformed)
                    .says(Loggable::of_error(&error))
                    .advice(
                        "set DB_TRUST to amazon for an Aurora cluster with express configuration, and \
                         omit it for any other database",
                    )
            })?,
        };
        let same_roots = given("DB_TRUST").or_else(|| given("DB_CA_BUNDLE")).is_some();
        let reader = Reader::read(&given, &endpoint, &connect_to, same_roots)?;
        let ca_bundle = match given("DB_CA_BUNDLE") {
            Some(file) => PathBuf::from(file),
            None => {
                check_roots(&endpoint, roots)?;
                TrustStore::default_path(&endpoint, roots)
            }
        };
        let user = required("DB_USER", "the database user that logs in with IAM")?;
        check_user(&user, user_name_limit)?;
        let statements = match given("STATEMENTS_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => PathBuf::from(required(
                "LAMBDA_TASK_ROOT",
                "the function's folder (Lambda sets it)",
            )?)
            .join("statements"),
        };
        Ok(Settings {
            user,
            database: required("DB_NAME", "the database to use")?,
            ca_bundle,
            roots,
            scheduled_statement: given("SCHEDULED_STATEMENT"),
            resource_ids: given("DB_RESOURCE_ID").as_deref().map(listed).unwrap_or_default(),
            function: given("AWS_LAMBDA_FUNCTION_NAME"),
            region_is_given: given("DB_REGION").is_some(),
            endpoint,
            connect_to,
            reader,
            statements,
        })
    }
}

/// The endpoint in the explicit region, the one in the host name, or the function's, in this order.
fn endpoint(
    host: &str,
    port: u16,
    explicit: Option<String>,
    function: Option<String>,
) -> Result<Endpoint, Error> {
    if let Some(region) = explicit {
        return Endpoint::with_region(host, port, &region).map_err(|error| {
            let cause = match () {
                () if error.is_other_service() => Cause::OtherService,
                () if error.is_region_mismatch() => Cause::RegionContradicts,
                () if Endpoint::parse(host, port).is_err_and(|own| own.is_endpoint()) => {
                    Cause::HostMalformed
                }
                () => Cause::SettingMalformed,
            };
            match cause {
                Cause::OtherService => other_service(host, &error),
                _ => invalid(loggable!("DB_HOST {host:?} and DB_REGION {region:?} do not match"))
                    .with_cause(cause)
                    .says(Loggable::of_error(&error)),
            }
        });
    }
    let of_host = Endpoint::parse(host, port);
    match (of_host, function) {
        (Err(error), Some(region)) if error.is_region_unknown() => {
            Endpoint::with_region(host, port, &region)
        }
        (endpoint, _) => endpoint,
    }
    .map_err(|error| {
        if error.is_other_service() {
            return other_service(host, &error);
        }
        let (cause, advice) = if error.is_region_unknown() {
            let advice = "set DB_REGION to the region of the database; for a global database, set \
                          AWS_REGION, and tokens are signed for the region of the writer";
            (Cause::RegionUnknown, advice)
        } else {
            let advice = "set DB_HOST to the endpoint that RDS shows, without scheme or port";
            (Cause::HostMalformed, advice)
        };
        invalid(loggable!("DB_HOST is {host:?}"))
            .with_cause(cause)
            .says(Loggable::of_error(&error))
            .advice(advice)
    })
}

/// The host belongs to another service than RDS, which the error names with its tokens.
fn other_service(host: &str, error: &iam_auth::Error) -> Error {
    invalid(loggable!("DB_HOST is {host:?}"))
        .with_cause(Cause::OtherService)
        .says(Loggable::of_error(error))
        .advice("set DB_HOST to the endpoint of an RDS or Aurora database, or of an RDS Proxy")
}

/// Whether the layer can have the roots that verify `endpoint`: those of a region that is not in `certs/`
/// were not known when this function was built.
fn check_roots(endpoint: &Endpoint, roots: Roots) -> Result<(), Error> {
    let (region, partition) = (endpoint.region(), endpoint.partition());
    let any_region = roots == Roots::Amazon || endpoint.kind() == EndpointKind::GlobalWriter;
    if partition.has_known_roots() && (any_region || rds_ca::has_roots(region)) {
        return Ok(());
    }
    let message =
        loggable!("no root certificates of {roots} are known for {region}, in {partition}");
    let advice = match partition.has_known_roots() {
        true => loggable!(
            "run `cargo xtask certs update --partition {partition}`, and deploy the function and its layer \
             again; or set DB_CA_BUNDLE to the bundle that AWS publishes for {region}"
        ),
        false => loggable!(
            "set DB_CA_BUNDLE to the bundle that AWS publishes for {region}: no address of it is known here, \
             and the roots of other partitions verify no server there"
        ),
    };
    Err(invalid(message).with_cause(Cause::RegionWithoutRoots).advice(advice))
}

/// The items of a list separated by commas, as CloudFormation renders one.
fn listed(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// The server would truncate a longer name, and deny the login of another user.
fn check_user(user: &str, longest: NameLimit) -> Result<(), Error> {
    let (length, most, unit) = match longest {
        NameLimit::Bytes(most) => (user.len(), most, "bytes"),
        NameLimit::Characters(most) => (user.chars().count(), most, "characters"),
    };
    if length <= most {
        return Ok(());
    }
    let message =
        loggable!("DB_USER has {length} {unit}, but the server keeps only {most}: {user:?}");
    Err(invalid(message)
        .with_cause(Cause::SettingMalformed)
        .advice("set DB_USER to the user's name in the database"))
}

fn invalid(message: Loggable) -> Error {
    Error::new(Kind::Settings, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const HOST: &str = "db.abc123def456.eu-west-1.rds.amazonaws.com";

    fn read(changes: &[(&str, &str)]) -> Result<Settings, Error> {
        read_for(NameLimit::Bytes(63), changes)
    }

    fn read_for(longest: NameLimit, changes: &[(&str, &str)]) -> Result<Settings, Error> {
        let mut variables = BTreeMap::from([
            ("DB_HOST", HOST),
            ("DB_USER", "lambda-user"),
            ("DB_NAME", "app"),
            ("LAMBDA_TASK_ROOT", "/var/task"),
            ("AWS_REGION", "us-east-1"),
        ]);
        variables.extend(changes.iter().copied());
        Settings::read(
            |name| variables.get(name).map(|value| (*value).to_owned()),
            Engine::MySql,
            longest,
        )
    }

    #[test]
    fn everything_but_host_user_and_database_has_a_default() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.endpoint.region(), "eu-west-1");
        assert_eq!(settings.endpoint.port(), 3306);
        assert_eq!(settings.connect_to.to_string(), format!("{HOST}:3306"));
        assert_eq!(settings.ca_bundle, PathBuf::from("/opt/rds-ca/eu-west-1-bundle.pem"));
        assert_eq!(settings.statements, PathBuf::from("/var/task/statements"));
        assert_eq!(settings.scheduled_statement, None);
        assert_eq!((settings.roots, settings.resource_ids), (Roots::Rds, vec![]));
    }

    #[test]
    fn each_can_be_set() {
        let settings = read(&[
            ("DB_PORT", "3307"),
            ("DB_CONNECT_TO", "127.0.0.1:13306"),
            ("DB_CA_BUNDLE", "/tmp/ca.pem"),
            ("STATEMENTS_DIR", "/srv/sql"),
            ("SCHEDULED_STATEMENT", "purge"),
        ])
        .unwrap();
        assert_eq!(settings.endpoint.port(), 3307);
        assert_eq!(settings.connect_to.to_string(), "127.0.0.1:13306");
        assert_eq!(settings.ca_bundle, PathBuf::from("/tmp/ca.pem"));
        assert_eq!(settings.statements, PathBuf::from("/srv/sql"));
        assert_eq!(settings.scheduled_statement.as_deref(), Some("purge"));
    }

    #[test]
    fn the_endpoint_in_another_spelling_is_no_tunnel() {
        let own = read(&[]).unwrap().endpoint.dial_address();
        let dialled = |text: &str| read(&[("DB_CONNECT_TO", text)]).unwrap().connect_to;
        for same in [HOST.to_owned(), HOST.to_uppercase(), format!("{HOST}.")] {
            assert_eq!(dialled(&format!("{same}:3306")), own, "{same}");
        }
        for other in [&*format!("{HOST}:3307"), "db.example.com:3306", "127.0.0.1:3306"] {
            assert_eq!(dialled(other).to_string(), other);
        }
    }

    #[test]
    fn the_roots_are_chosen_by_the_setting_or_else_by_the_endpoint() {
        let proxy = "db.proxy-abc123def456.eu-west-1.rds.amazonaws.com";
        let (rds, amazon) = ("eu-west-1-bundle.pem", "amazon-trust-roots.pem");
        for (host, trust, roots, file) in [
            (HOST, "", Roots::Rds, rds),
            (HOST, "rds", Roots::Rds, rds),
            (HOST, "amazon", Roots::Amazon, amazon),
            (proxy, "", Roots::Amazon, amazon),
            (proxy, "amazon", Roots::Amazon, amazon),
            (proxy, "rds", Roots::Rds, rds),
        ] {
            let settings = read(&[("DB_HOST", host), ("DB_TRUST", trust)]).unwrap();
            assert_eq!(settings.roots, roots, "{host} {trust}");
            assert_eq!(settings.ca_bundle, PathBuf::from("/opt/rds-ca").join(file));
            let own = [("DB_HOST", host), ("DB_TRUST", trust), ("DB_CA_BUNDLE", "/tmp/ca.pem")];
            assert_eq!(read(&own).unwrap().ca_bundle, PathBuf::from("/tmp/ca.pem"));
        }
        let report = read(&[("DB_TRUST", "acm")]).unwrap_err().report();
        assert!(report.contains(r#"DB_TRUST is "acm""#), "{report}");
        assert!(report.contains("rds (") && report.contains("amazon ("), "{report}");
    }

    #[test]
    fn a_region_without_roots_is_refused_unless_a_bundle_is_given() {
        let bundle = ("DB_CA_BUNDLE", "/tmp/ca.pem");
        for (host, names) in [
            ("db.abc1.eusc-de-east-1.rds.amazonaws.eu", "aws-eusc"),
            ("db.proxy-abc1.eusc-de-east-1.rds.amazonaws.eu", "aws-eusc"),
            ("db.abc1.rds.us-iso-east-1.c2s.ic.gov", "aws-iso"),
            ("db.abc1.xx-west-1.rds.amazonaws.com", "certs update --partition aws`"),
            ("db.abc1.rds.cn-north-1.amazonaws.com.cn", "certs update --partition aws-cn`"),
        ] {
            let error = read(&[("DB_HOST", host)]).unwrap_err();
            assert_eq!(error.cause(), Some(Cause::RegionWithoutRoots), "{host}");
            assert!(error.report().contains(names), "{}", error.report());
            read(&[("DB_HOST", host), bundle]).unwrap();
        }
        // A proxy's roots are those of all regions.
        read(&[("DB_HOST", "db.proxy-abc1.cn-north-1.rds.amazonaws.com.cn")]).unwrap();
        read(&[("DB_HOST", "db.global-abc1.global.rds.amazonaws.com")]).unwrap();
    }

    #[test]
    fn what_takes_other_tokens_or_none_is_refused() {
        for region in ["", "us-east-1"] {
            for (host, cause, names) in [
                ("foo4abc.dsql.us-east-1.on.aws", Cause::OtherService, "Aurora DSQL connector"),
                (
                    "docs.cluster-abc123.us-east-1.docdb.amazonaws.com",
                    Cause::OtherService,
                    "DocumentDB",
                ),
                (
                    "db.shardgrp-abc1.us-east-1.rds.amazonaws.com",
                    Cause::EndpointUnsupported,
                    "not supported",
                ),
            ] {
                let error = read(&[("DB_HOST", host), ("DB_REGION", region)]).unwrap_err();
                assert_eq!(
                    (error.error_type(), error.cause()),
                    ("Settings", Some(cause)),
                    "{host}"
                );
                assert!(error.report().contains(names), "{}", error.report());
            }
        }
    }

    #[test]
    fn resource_ids_are_a_list() {
        for (text, ids) in [
            ("db-A", &["db-A"][..]),
            ("db-A,db-B", &["db-A", "db-B"]),
            (" db-A, db-B,", &["db-A", "db-B"]),
        ] {
            assert_eq!(read(&[("DB_RESOURCE_ID", text)]).unwrap().resource_ids, ids);
        }
    }

    #[test]
    fn a_host_without_a_region_takes_the_functions() {
        let settings = read(&[("DB_HOST", "db.example.com")]).unwrap();
        assert_eq!(settings.endpoint.region(), "us-east-1");
        let settings = read(&[("DB_HOST", "db.example.com"), ("DB_REGION", "sa-east-1")]).unwrap();
        assert_eq!(settings.endpoint.region(), "sa-east-1");
    }

    #[test]
    fn a_user_that_the_server_would_cut_off_is_named() {
        let (fits, cut) = ("é".repeat(31) + "x", "é".repeat(32));
        assert_eq!(read(&[("DB_USER", &fits)]).unwrap().user, fits);
        let report = read(&[("DB_USER", &cut)]).unwrap_err().report();
        assert!(report.contains("DB_USER has 64 bytes, but the server keeps only 63"), "{report}");
        let characters = NameLimit::Characters(32);
        assert_eq!(read_for(characters, &[("DB_USER", &cut)]).unwrap().user, cut);
        read_for(characters, &[("DB_USER", &(cut + "x"))]).unwrap_err();
    }

    #[test]
    fn a_missing_or_wrong_variable_is_named() {
        for (change, names) in [
            (("DB_HOST", ""), "DB_HOST"),
            (("DB_HOST", "mysql://db:3306"), "DB_HOST"),
            (("DB_USER", ""), "DB_USER"),
            (("DB_NAME", ""), "DB_NAME"),
            (("DB_PORT", "0"), "DB_PORT"),
            (("DB_PORT", "mysql"), "DB_PORT"),
            (("DB_REGION", "us-east-1"), "DB_REGION"),
            (("DB_CONNECT_TO", "localhost"), "DB_CONNECT_TO"),
            (("DB_TRUST", "web"), "DB_TRUST"),
            (("LAMBDA_TASK_ROOT", ""), "LAMBDA_TASK_ROOT"),
        ] {
            let error = read(&[change]).expect_err(change.0);
            assert_eq!(error.error_type(), "Settings");
            assert!(error.report().contains(names), "{change:?}: {}", error.report());
            assert!(error.report().contains("What to do") || error.report().contains("eu-west-1"));
        }
        let error = read(&[("DB_HOST", "db.example.com"), ("AWS_REGION", "")]).unwrap_err();
        assert!(error.report().contains("set DB_REGION"), "{}", error.report());
    }
}

//! The settings of the readers.

use diagnosis::Cause;
use iam_auth::{DialAddress, Endpoint, EndpointKind, Roots};

use super::dialled;
use crate::error::{Error, Kind};
use crate::loggable;
use crate::said::Loggable;

const ADVICE: &str = "set DB_READER_HOST to the reader endpoint of the cluster in DB_HOST, or to a read \
                      replica in the same region, or omit it";

/// The endpoint of the readers, on the port of `DB_HOST` and in its region.
#[derive(Debug)]
pub(crate) struct Reader {
    /// What the token is signed for, and the certificate must name.
    pub endpoint: Endpoint,
    /// `DB_READER_CONNECT_TO`: what TCP connects to; by default the endpoint.
    pub connect_to: DialAddress,
}

impl Reader {
    /// The readers of the database at `writer`, which is dialled at `writer_at`, if there are any: another
    /// endpoint, or the same one at an address of its own. Unless the settings say what verifies both
    /// (`same_roots`), the roots that fit one of the two must fit the other.
    ///
    /// # Errors
    /// [`Kind::Settings`].
    pub(super) fn read(
        given: &impl Fn(&str) -> Option<String>,
        writer: &Endpoint,
        writer_at: &DialAddress,
        same_roots: bool,
    ) -> Result<Option<Reader>, Error> {
        let Some(host) = given("DB_READER_HOST") else {
            return match given("DB_READER_CONNECT_TO") {
                None => Ok(None),
                Some(_) => {
                    let message = "DB_READER_CONNECT_TO is set, but DB_READER_HOST is not";
                    Err(refused(message, Cause::SettingMissing))
                }
            };
        };
        let endpoint = Endpoint::with_region(&host, writer.port(), writer.region());
        let endpoint = endpoint.map_err(|error| unread(&host, writer, &error))?;
        if let Some(why) = unfit(&endpoint, writer, same_roots) {
            let message = loggable!("DB_READER_HOST is {host:?}: {why}");
            return Err(refused(message, Cause::EndpointUnsupported));
        }
        let given = given("DB_READER_CONNECT_TO");
        if given.is_none() && endpoint == *writer {
            tracing::warn!("DB_READER_HOST is DB_HOST: reads share the connection of the writes");
            return Ok(None);
        }
        if given.is_none() && *writer_at != writer.dial_address() {
            tracing::warn!(
                "DB_CONNECT_TO is for DB_HOST alone, and DB_READER_HOST is dialled by its own name: set \
                 DB_READER_CONNECT_TO too if that is not reached from here"
            );
        }
        let connect_to = dialled::address("DB_READER_CONNECT_TO", given, &endpoint)?;
        Ok(Some(Reader { endpoint, connect_to }))
    }
}

/// Why `reader` cannot serve the reads of the database at `writer`.
fn unfit(reader: &Endpoint, writer: &Endpoint, same_roots: bool) -> Option<&'static str> {
    if reader.kind() == EndpointKind::GlobalWriter {
        return Some("it is the endpoint of a global database's writer");
    }
    if !same_roots && Roots::of(reader) != Roots::of(writer) {
        return Some("only one of it and DB_HOST is an RDS Proxy, and other roots verify a proxy");
    }
    reader.kind().unsupported()
}

fn unread(host: &str, writer: &Endpoint, error: &iam_auth::Error) -> Error {
    let cause = match () {
        () if error.is_other_service() => Cause::OtherService,
        () if error.is_region_mismatch() => Cause::RegionContradicts,
        () => Cause::HostMalformed,
    };
    let writer = writer.host();
    refused(loggable!("DB_READER_HOST {host:?} does not fit DB_HOST {writer:?}"), cause)
        .says(Loggable::of_error(error))
}

fn refused(message: impl Into<Loggable>, cause: Cause) -> Error {
    Error::new(Kind::Settings, message).with_cause(cause).advice(ADVICE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::tests::written;

    fn read(
        writer: &str,
        variables: &[(&str, &str)],
        same_roots: bool,
    ) -> Result<Option<Reader>, Error> {
        let writer = Endpoint::with_region(writer, 3307, "eu-west-1").unwrap();
        let given = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let tunnel = given("DB_CONNECT_TO");
        let writer_at = dialled::address("DB_CONNECT_TO", tunnel, &writer).unwrap();
        Reader::read(&given, &writer, &writer_at, same_roots)
    }

    fn host(kind: &str) -> String {
        format!("db.{kind}abc123def456.eu-west-1.rds.amazonaws.com")
    }

    #[test]
    fn they_are_in_the_region_of_the_writer_and_on_its_port() {
        let writer = host("cluster-");
        assert!(read(&writer, &[], false).unwrap().is_none());
        for reader in [host("cluster-ro-"), host("cluster-custom-"), host("")] {
            let found = read(&writer, &[("DB_READER_HOST", &reader)], false).unwrap().unwrap();
            assert_eq!(found.endpoint, Endpoint::parse(&reader, 3307).unwrap());
            assert_eq!(found.connect_to.to_string(), format!("{reader}:3307"));
        }
        let tunnel = [("DB_READER_HOST", &*writer), ("DB_READER_CONNECT_TO", "127.0.0.1:13306")];
        let found = read(&writer, &tunnel, false).unwrap().unwrap();
        assert_eq!(found.connect_to.to_string(), "127.0.0.1:13306");
        // Those of a global database are in the function's region.
        let global = "db.global-abc1.global.rds.amazonaws.com";
        assert!(read(global, &[("DB_READER_HOST", &writer)], false).unwrap().is_some());
    }

    #[test]
    fn the_writer_is_no_reader_unless_it_is_dialled_elsewhere() {
        let writer = host("cluster-");
        for spelled in [writer.clone(), writer.to_uppercase(), format!("{writer}.")] {
            let mut variables = vec![("DB_READER_HOST", &*spelled)];
            assert!(read(&writer, &variables, false).unwrap().is_none(), "{spelled}");
            variables.push(("DB_READER_CONNECT_TO", "127.0.0.1:13306"));
            assert!(read(&writer, &variables, false).unwrap().is_some(), "{spelled}");
        }
    }

    #[test]
    fn a_reader_beside_a_tunnel_to_the_writer_alone_is_warned_of() {
        let (writer, reader) = (host("cluster-"), host("cluster-ro-"));
        let own = format!("{}.:3307", writer.to_uppercase());
        for (tunnel, to_reader, warns) in [
            (Some("127.0.0.1:1"), None, true),
            (Some("127.0.0.1:1"), Some("127.0.0.1:2"), false),
            (Some(&*own), None, false),
            (None, None, false),
        ] {
            let mut variables = vec![("DB_READER_HOST", &*reader)];
            variables.extend(tunnel.map(|tunnel| ("DB_CONNECT_TO", tunnel)));
            variables.extend(to_reader.map(|to| ("DB_READER_CONNECT_TO", to)));
            let mut found = None;
            let lines = written("Text", || {
                found = read(&writer, &variables, false).unwrap();
            });
            assert!(found.is_some(), "{tunnel:?}");
            assert_eq!(lines.contains("DB_READER_CONNECT_TO"), warns, "{tunnel:?}: {lines}");
        }
    }

    #[test]
    fn the_same_roots_verify_them() {
        let [writer, proxy, ro] = ["cluster-", "proxy-", "endpoint.proxy-"].map(host);
        for (one, other, same_roots, fits) in [
            (&proxy, &ro, false, true),
            (&writer, &ro, true, true),
            (&writer, &ro, false, false),
            (&proxy, &writer, false, false),
        ] {
            let read = read(one, &[("DB_READER_HOST", other)], same_roots);
            assert_eq!(read.is_ok(), fits, "{one} {other} {same_roots}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (reader, cause) in [
            ("db.cluster-ro-abc1.eu-west-2.rds.amazonaws.com", Cause::RegionContradicts),
            ("db.cluster-ro-abc1.rds.cn-north-1.amazonaws.com.cn", Cause::RegionContradicts),
            ("db.global-abc1.global.rds.amazonaws.com", Cause::EndpointUnsupported),
            ("db.shardgrp-abc1.eu-west-1.rds.amazonaws.com", Cause::EndpointUnsupported),
            ("foo4abc.dsql.eu-west-1.on.aws", Cause::OtherService),
            ("db:3306", Cause::HostMalformed),
        ] {
            let error = read(&host("cluster-"), &[("DB_READER_HOST", reader)], false).unwrap_err();
            assert_eq!((error.kind(), error.cause()), (Kind::Settings, Some(cause)), "{reader}");
            assert!(error.report().contains("DB_READER_HOST"), "{}", error.report());
        }
        let alone = [("DB_READER_CONNECT_TO", "127.0.0.1:3306")];
        let report = read(&host(""), &alone, false).unwrap_err().report();
        assert!(report.contains("DB_READER_HOST is not"), "{report}");
        let reader = host("cluster-ro-");
        let portless = [("DB_READER_HOST", &*reader), ("DB_READER_CONNECT_TO", "localhost")];
        let report = read(&host(""), &portless, false).unwrap_err().report();
        assert!(report.contains(r#"DB_READER_CONNECT_TO is "localhost""#), "{report}");
    }
}

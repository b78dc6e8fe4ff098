//! The function's reader, compared with the reader endpoint that RDS shows.

use aws_cli::Database;
use diagnosis::{Cause, Suspect};
use iam_auth::{Endpoint, EndpointKind};

use super::{Login, of_table};

/// In words, after the database's own.
pub(super) fn describe(database: &Database, login: &Login) -> String {
    match (&database.reader, &login.reader) {
        (Some(reader), Some(own)) if *own == reader.host && !reader.has_readers => {
            "; its reader endpoint, DB_READER_HOST, leads to the writer, because it has no reader"
                .to_owned()
        }
        (Some(reader), None) if reader.has_readers => {
            format!("; its readers are at {}, which the function does not use", reader.host)
        }
        _ => String::new(),
    }
}

/// The reader is that of another cluster, where the policy allows nothing.
pub(super) fn another(database: &Database, login: &Login) -> Option<Suspect> {
    let (own, reader) = (login.reader.as_ref()?, database.reader.as_ref()?);
    let kind = Endpoint::parse(own, database.port).map(|endpoint| endpoint.kind());
    let is_another = matches!(kind, Ok(EndpointKind::ClusterReader)) && *own != reader.host;
    is_another.then(|| {
        let because = format!(
            "DB_READER_HOST is {own}, but the reader endpoint of the {} is {}",
            database.target, reader.host
        );
        of_table(Cause::ReaderAway, because, database, login)
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use aws_cli::{Reader, Target};

    #[test]
    fn a_reader_is_that_of_the_cluster() {
        let host = |name: &str| format!("{name}.cluster-ro-abc.eu-west-1.rds.amazonaws.com");
        for (own, has_readers, says, wrong) in [
            (Some("orders"), true, "", false),
            (Some("orders"), false, "leads to the writer", false),
            (Some("others"), true, "", true),
            (None, true, "which the function does not use", false),
            (None, false, "", false),
        ] {
            let reader = Some(Reader { host: host("orders"), has_readers });
            let target = Target::Cluster("orders".into());
            let database = Database { target, reader, ..sample::database() };
            let login = Login { reader: own.map(host), ..sample::login(true) };
            let text = describe(&database, &login);
            assert!(text.contains(says) && text.is_empty() == says.is_empty(), "{own:?}: {text}");
            assert_eq!(another(&database, &login).is_some(), wrong, "{own:?}");
        }
    }
}

//! The steps before the network: the settings, what tokens are signed with and for, and the trusted
//! roots.

use diagnosis::{Cause, Verdict};
use iam_auth::EndpointKind;
use serde_json::json;

use super::examination::Examination;
use super::expiry::{ROOT_WARNING_DAYS, days_left};
use super::resource_id;
use super::seen::Seen;
use crate::driver::Connector;
use crate::error::Error;

impl<C: Connector> Examination<'_, C> {
    /// The settings, as they were read when the function started.
    pub(super) fn settings(&mut self) -> Seen {
        let login = self.login();
        let (user, database) = (login.signer.user(), &login.database);
        let names: Vec<_> = self.subject.catalogue.names().collect();
        let host = login.endpoint().host();
        let mut seen = Seen::ok(format!(
            "{} as {user:?} at {host}, database {database:?}, {} statements",
            C::ENGINE.title(),
            names.len()
        ))
        .fact("engine", C::ENGINE.title())
        .fact("db_host", host)
        .fact("db_port", login.endpoint().port())
        .fact("db_user", user)
        .fact("db_name", database.as_str())
        .fact("connect_to", login.connect_to.to_string())
        .fact("ca_bundle", login.trust.source())
        .fact("statements", json!(names));
        if let Some(reader) = self.subject.reader {
            seen = seen.fact("db_reader_host", reader.login().endpoint().host());
        }
        if let Some(scheduled) = self.subject.scheduled_statement {
            seen = seen.fact("scheduled_statement", scheduled);
        }
        if let Some(function) = self.subject.function {
            seen = seen.fact("function", function);
        }
        let ids = self.subject.resource_ids;
        if !ids.is_empty() {
            seen = seen.fact("db_resource_id", ids.join(","));
        }
        for id in ids {
            if let Some(why) = resource_id::invalid(id, login.endpoint().kind()) {
                seen.verdict = Verdict::Warning;
                seen.text = format!("{}; {why}", seen.text);
                self.find(Cause::PolicyWrongResource, why);
            }
        }
        // An invalid file affects only its own statement, and the step `statements` names it again.
        for (_, statement) in self.subject.catalogue.iter() {
            let Err(error) = statement else { continue };
            seen.verdict = Verdict::Warning;
            seen.text = format!("{}; {}", seen.text, error.chain());
        }
        // Without the setting a function needs no statement for a plain scheduled event.
        let scheduled = self.subject.scheduled_statement;
        if let Some(Err(error)) = scheduled.map(|name| self.subject.catalogue.scheduled(name)) {
            seen.verdict = Verdict::Warning;
            seen.text = format!("{}; {}", seen.text, error.chain());
            self.find(Cause::ScheduledUnknown, error.chain());
        }
        seen
    }

    /// The credentials that sign tokens.
    pub(super) async fn credentials(&mut self) -> Seen {
        let login = self.login();
        let now = (login.clock)();
        // Their errors are those of every login.
        if let Err(error) = login.token().await {
            return self.fail(error);
        }
        let described = login.signer.credentials().describe(now).await;
        let Ok(described) = described else {
            return Seen::failed("the credentials are no longer available");
        };
        let seen = Seen::ok(format!(
            "{} from the {}{}",
            described.access_key_id,
            described.source,
            if described.has_session_token { ", with a session token" } else { "" }
        ))
        .fact("source", described.source)
        .fact("access_key_id", described.access_key_id.as_str())
        .fact("session_token", described.has_session_token)
        // What is deployed has no HTTPS client.
        .fact("caller", "not asked");
        let left = described.expiry.and_then(|expiry| expiry.duration_since(now).ok());
        let seen = match left {
            Some(left) => seen.fact("expires_in_s", left.as_secs()),
            None => seen,
        };
        self.evidence.credentials = Some(described);
        seen
    }

    /// The endpoint that tokens are signed for.
    pub(super) fn endpoint(&mut self) -> Seen {
        let login = self.login();
        let endpoint = login.endpoint();
        let kind = kind_name(endpoint.kind());
        let dialled = if login.connect_to == endpoint.dial_address() {
            String::new()
        } else {
            format!("; the function connects to {}", login.connect_to)
        };
        let region = match &login.writer {
            Some(_) => "the region of the writer's certificate".to_owned(),
            None => format!("{} ({})", endpoint.region(), endpoint.partition()),
        };
        let reader = self.subject.reader.map(|reader| {
            let (host, dialled) = (reader.login().endpoint().host(), &reader.login().connect_to);
            format!("; statements that read go to {host}, at {dialled}")
        });
        Seen::ok(format!(
            "{}; tokens are signed for {endpoint} in {region}{dialled}{}",
            kind.replace('_', " "),
            reader.unwrap_or_default()
        ))
        .fact("kind", kind)
        .fact("host", endpoint.host())
        .fact("port", endpoint.port())
        .fact("region", endpoint.region())
        .fact("partition", endpoint.partition().as_str())
        .fact("signed_for", endpoint.to_string())
        .fact("connect_to", login.connect_to.to_string())
    }

    /// The roots that verify the server's certificate.
    pub(super) fn trust(&mut self) -> Seen {
        let trust = &self.login().trust;
        let now = (self.login().clock)();
        let anchors: Vec<_> = trust.anchors().collect();
        let Some(first) = anchors.iter().min_by_key(|anchor| anchor.not_after()) else {
            return self.fail(Error::new(
                crate::Kind::Settings,
                crate::loggable!("no roots in {trust:?}"),
            ));
        };
        let days = days_left(first.not_after(), now);
        let what = format!("{} expires on {}, in {days} days", first.subject(), first.last_day());
        let mut seen = Seen::ok(format!("{trust:?}; {what}"))
            .fact("file", trust.source())
            .fact("sha256", trust.fingerprint())
            .fact("roots", json!(anchors.iter().map(|one| one.subject()).collect::<Vec<_>>()))
            .fact("nearest_expiry", first.last_day())
            .fact("days_left", days);
        if days < ROOT_WARNING_DAYS {
            seen.verdict = Verdict::Warning;
            self.find(Cause::BundleExpires, what);
        }
        seen
    }
}

fn kind_name(kind: EndpointKind) -> &'static str {
    match kind {
        EndpointKind::Instance => "instance",
        EndpointKind::ClusterWriter => "cluster_writer",
        EndpointKind::ClusterReader => "cluster_reader",
        EndpointKind::ClusterCustom => "cluster_custom",
        EndpointKind::GlobalWriter => "global_writer",
        EndpointKind::Proxy => "proxy",
        EndpointKind::ProxyEndpoint => "proxy_endpoint",
        EndpointKind::ShardGroup => "shard_group",
        _ => "unknown",
    }
}

//! A login as IAM sees it: `rds-db:connect` on a resource, with the condition keys that it carries.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::calendar::iso_8601;
use crate::condition_key::is_never_present;
use crate::principal::Principal;
use crate::resource::Resource;

/// The action of a login.
pub(crate) const CONNECT: &str = "rds-db:connect";

/// What the resource ids of RDS Proxies begin with.
const PROXY: &str = "prx-";

/// A request for a login.
#[derive(Debug)]
pub(crate) struct Request {
    /// The resource: user and database.
    pub(crate) arn: String,
    /// Whether an RDS Proxy decides, which supports no global condition keys: "Overview of RDS Proxy
    /// terminology", Amazon RDS User Guide.
    is_proxy: bool,
    /// The values of each key, whose name is in lower case.
    keys: BTreeMap<String, Vec<String>>,
}

impl Request {
    /// The login of `principal` as `user` at `now`. `issued` is when its credentials were, if they are
    /// temporary.
    pub(crate) fn new(
        resource: &Resource,
        user: &str,
        principal: &Principal,
        issued: Option<SystemTime>,
        now: SystemTime,
    ) -> Self {
        let is_proxy = resource.resource_id.starts_with(PROXY);
        let mut request = Self { arn: resource.arn(user), is_proxy, keys: BTreeMap::new() };
        if is_proxy {
            return request;
        }
        let epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        for (key, value) in [
            ("aws:CurrentTime", Some(iso_8601(now))),
            ("aws:EpochTime", Some(epoch.to_string())),
            ("aws:PrincipalArn", Some(principal.arn())),
            ("aws:PrincipalAccount", Some(principal.account().to_owned())),
            ("aws:PrincipalType", Some(principal.type_name().to_owned())),
            ("aws:userid", Some(principal.user_id())),
            ("aws:username", principal.user_name().map(str::to_owned)),
            // A token comes from the principal itself, and only inside TLS.
            ("aws:PrincipalIsAWSService", Some("false".to_owned())),
            ("aws:SecureTransport", Some("true".to_owned())),
            ("aws:ViaAWSService", Some("false".to_owned())),
            ("aws:RequestedRegion", Some(resource.region.clone())),
            ("aws:TokenIssueTime", issued.map(iso_8601)),
            ("aws:PrincipalOrgID", principal.organization.as_ref().map(|it| it.id.clone())),
            ("aws:PrincipalOrgPaths", principal.organization.as_ref().map(|it| it.path.clone())),
        ] {
            request.keys.extend(value.map(|value| (key.to_ascii_lowercase(), vec![value])));
        }
        for (tag, value) in &principal.tags {
            let key = format!("aws:principaltag/{}", tag.to_lowercase());
            request.keys.insert(key, vec![value.clone()]);
        }
        request
    }

    /// A request with nothing but the given key, or not even that.
    pub(crate) fn with_only(key: Option<(&str, &[&str])>) -> Self {
        let keys = key.map(|(key, values)| {
            (key.to_lowercase(), values.iter().map(|&value| value.to_owned()).collect())
        });
        Self { arn: String::new(), is_proxy: false, keys: keys.into_iter().collect() }
    }

    /// The values of `key`; none if the login does not have it.
    pub(crate) fn values(&self, key: &str) -> Option<&[String]> {
        self.keys.get(&key.to_lowercase()).map(Vec::as_slice)
    }

    /// What a person needs to know of `key` to understand a decision.
    pub(crate) fn describe(&self, key: &str) -> String {
        match self.values(key) {
            Some(values) => format!("key {key} is {:?}", values.join(", ")),
            None if is_never_present(key) => {
                format!("key {key} is never present at a database login")
            }
            None if self.is_proxy => {
                format!("key {key} is absent, because RDS Proxy supports no global condition keys")
            }
            None => format!("key {key} is absent from this login"),
        }
    }
}

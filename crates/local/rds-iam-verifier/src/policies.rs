//! IAM's decision about a login, from all policies that apply to a principal ("Policy evaluation logic",
//! IAM User Guide).

use crate::policy::{Policy, Verdict};
use crate::refusal::{Refusal, SERVICE_CONTROL};
use crate::request::Request;

/// The policies that apply to a principal.
///
/// An explicit deny in any of them denies. Otherwise each kind that is there must allow: the identity's
/// policies, the permissions boundary, the session policies, and each level of service control policies.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    /// The policies of the user or role, inline and managed. One of them must allow.
    pub identity: Vec<Policy>,
    /// The permissions boundary of the user or role.
    pub boundary: Option<Policy>,
    /// The policies that were passed when the session began, one of which must allow; empty if none
    /// were.
    pub session: Vec<Policy>,
    /// The service control policies of the organization: those attached to the root, to each unit on the
    /// way to the account, and to the account. At each of these levels one must allow. AWS attaches
    /// `FullAWSAccess` to each, until it is detached. Leave them out for a management account, to which
    /// they do not apply.
    pub service_control: Vec<Vec<Policy>>,
}

/// Policies of which one must allow.
struct Layer<'a> {
    kind: &'static str,
    policies: Vec<&'a Policy>,
}

impl Policies {
    /// Decides about `request`.
    pub(crate) fn decide(&self, request: &Request) -> Result<(), Refusal> {
        if !self.has_any() {
            return Err(Refusal::NoPolicy { arn: request.arn.clone() });
        }
        let mut silent = None;
        for layer in self.layers() {
            let mut allows = false;
            let mut unmet = Vec::new();
            for policy in &layer.policies {
                match policy.decide(request) {
                    Verdict::Allows => allows = true,
                    Verdict::Silent { reasons } => unmet.extend(reasons),
                    Verdict::Denies { statement, reasons } => {
                        return Err(Refusal::Denied {
                            arn: request.arn.clone(),
                            policy: layer.called(policy),
                            statement,
                            reasons,
                        });
                    }
                }
            }
            if !allows && silent.is_none() {
                silent = Some((layer.name(), unmet));
            }
        }
        match silent {
            Some((policy, reasons)) => {
                Err(Refusal::NotAllowed { arn: request.arn.clone(), policy, reasons })
            }
            None => Ok(()),
        }
    }

    fn has_any(&self) -> bool {
        let Self { identity, boundary, session, service_control } = self;
        let is_empty = identity.is_empty() && session.is_empty() && service_control.is_empty();
        !is_empty || boundary.is_some()
    }

    /// In the order in which AWS asks them.
    fn layers(&self) -> impl Iterator<Item = Layer<'_>> {
        let levels = self
            .service_control
            .iter()
            .map(|level| Layer { kind: SERVICE_CONTROL, policies: level.iter().collect() });
        let identity = Layer { kind: "policy", policies: self.identity.iter().collect() };
        let boundary = self.boundary.iter();
        let boundary =
            boundary.map(|it| Layer { kind: "permissions boundary", policies: vec![it] });
        let session =
            Some(Layer { kind: "session policy", policies: self.session.iter().collect() });
        let session = session.filter(|layer| !layer.policies.is_empty());
        levels.chain([identity]).chain(boundary).chain(session)
    }
}

impl Layer<'_> {
    /// `permissions boundary boundary.json`
    fn called(&self, policy: &Policy) -> String {
        match policy.name() {
            Some(name) => format!("{} {name}", self.kind),
            None => self.kind.to_owned(),
        }
    }

    /// All of its policies.
    fn name(&self) -> String {
        let names: Vec<_> = self.policies.iter().filter_map(|policy| policy.name()).collect();
        match names[..] {
            [] => self.kind.to_owned(),
            _ => format!("{} {}", self.kind, names.join(", ")),
        }
    }
}

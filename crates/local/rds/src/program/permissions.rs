//! The policies and the principal that the command line gives to the access key.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use local_rds::Server;
use local_rds::iam::{Policies, Policy, Principal};

use super::Failure;
use super::organization::{Membership, unanswered};

/// AWS's managed policy that allows everything, by the name that stands for it.
const FULL_ACCESS: &str = "FullAWSAccess";
const FULL_ACCESS_JSON: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

/// What the command line says about them.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) policies: Vec<PathBuf>,
    pub(crate) boundary: Option<PathBuf>,
    pub(crate) session: Vec<PathBuf>,
    /// Each is a level of the organization: files, separated by commas.
    pub(crate) service_control: Vec<PathBuf>,
    pub(crate) principal: Option<Principal>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) organization: Option<Membership>,
}

/// The same, with the documents read.
pub(crate) struct Permissions<'a> {
    policies: Policies,
    given: &'a Given,
}

impl Given {
    /// Reads the documents.
    ///
    /// # Errors
    /// One cannot be read, is no policy, or asks for an organization that was not given: the error names
    /// option, file, line and column.
    pub(crate) fn read(&self) -> Result<Permissions<'_>, Failure> {
        let read_all = |option, paths: &[PathBuf]| {
            paths.iter().map(|path| self.policy(option, path)).collect::<Result<Vec<_>, _>>()
        };
        let boundary = self.boundary.as_deref();
        let boundary = boundary.map(|path| self.policy("boundary", path)).transpose()?;
        let levels = self.service_control.iter().map(|files| self.level(files));
        let policies = Policies {
            identity: read_all("policy", &self.policies)?,
            boundary,
            session: read_all("session-policy", &self.session)?,
            service_control: levels.collect::<Result<_, _>>()?,
        };
        Ok(Permissions { policies, given: self })
    }

    /// The policies of one level. A file's name may have the comma too.
    fn level(&self, files: &Path) -> Result<Vec<Policy>, Failure> {
        let names = match files.exists() {
            true => vec![files.as_os_str()],
            false => files
                .as_os_str()
                .as_bytes()
                .split(|&it| it == b',')
                .map(OsStr::from_bytes)
                .collect(),
        };
        let read = |name: &OsStr| match name == FULL_ACCESS {
            true => Ok(Policy::parse(FULL_ACCESS_JSON)?.named(FULL_ACCESS)),
            false => self.policy("service-control-policy", Path::new(name)),
        };
        names.into_iter().map(read).collect()
    }

    fn policy(&self, option: &str, path: &Path) -> Result<Policy, Failure> {
        let file = path.display();
        let json = fs::read_to_string(path)
            .map_err(|error| format!("--{option}: cannot read {file}: {error}"))?;
        let unknown = |key: &str| unanswered(self.organization.as_ref(), key);
        let policy = Policy::parse_knowing(&json, &unknown).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("--{option}: {file}:{line}:{column}: {}", error.message())
        })?;
        Ok(policy.named(file.to_string()))
    }
}

impl Permissions<'_> {
    /// Has the server's verifier go by them. Without a policy of the identity, the server's own stays.
    pub(crate) fn enforce(&self, server: &Server) -> Result<(), Failure> {
        let (iam, resource) = (server.iam(), server.iam().resource());
        iam.change_policies(|own| {
            let identity = match self.policies.identity.is_empty() {
                true => std::mem::take(&mut own.identity),
                false => self.policies.identity.clone(),
            };
            *own = Policies { identity, ..self.policies.clone() };
        });
        let Given { principal, tags, organization, .. } = self.given;
        let mut principal = match principal {
            Some(principal) => principal.clone(),
            None => format!("arn:{}:iam::{}:role/local", resource.partition, resource.account)
                .parse()?,
        };
        principal.tags.clone_from(tags);
        principal.organization = organization.as_ref().and_then(Membership::organization);
        iam.set_principal(principal);
        Ok(())
    }
}

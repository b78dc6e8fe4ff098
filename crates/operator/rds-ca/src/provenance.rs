//! The sources of the certificates: `PROVENANCE.json`, which is in the layer too.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Provenance {
    /// By the name of the file.
    pub(crate) files: BTreeMap<String, File>,
    /// Regions whose roots are pinned but missing.
    pub(crate) lacking: Vec<String>,
}

/// One bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) sha256: String,
    pub(crate) certificates: usize,
    /// By the partition of the regions, such as `aws-cn`.
    pub(crate) sources: BTreeMap<String, Origin>,
}

/// A download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Origin {
    pub(crate) url: String,
    /// Of the whole download.
    pub(crate) sha256: String,
    /// The day, in UTC.
    pub(crate) retrieved: String,
}

//! The function that a diagnosis examines.

use crate::catalogue::Catalogue;

/// A function under examination.
pub(crate) struct Subject<'a, C> {
    /// Its connector.
    pub(crate) connector: &'a C,
    /// The connector to its reader, if it has one.
    pub(crate) reader: Option<&'a C>,
    /// Its statements.
    pub(crate) catalogue: &'a Catalogue,
    /// The statement of its schedule, if the settings name one.
    pub(crate) scheduled_statement: Option<&'a str>,
    /// The resource ids in its role's policy, if the settings give them: two while a blue/green deployment
    /// is in progress.
    pub(crate) resource_ids: &'a [String],
    /// Its name.
    pub(crate) function: Option<&'a str>,
}

//! Which database: an instance, a cluster or a proxy, and its name.

use std::fmt;

/// A database in RDS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A DB instance, by its identifier.
    Instance(String),
    /// An Aurora or Multi-AZ DB cluster, by its identifier.
    Cluster(String),
    /// An RDS Proxy, by its name.
    Proxy(String),
}

impl Target {
    /// The database that an option names, given without its dashes. `None` for another option.
    fn of_option(option: &str, name: &str) -> Option<Self> {
        let name = name.to_owned();
        [Self::Instance(name.clone()), Self::Cluster(name.clone()), Self::Proxy(name)]
            .into_iter()
            .find(|target| target.option() == option)
    }

    /// Sets `target` to the database that an option of a command line names: `option` without its
    /// dashes, and its value. False if it is another option.
    ///
    /// # Errors
    /// An option before has named a database: the message.
    pub fn set(target: &mut Option<Self>, option: &str, name: &str) -> Result<bool, &'static str> {
        let Some(named) = Self::of_option(option, name) else { return Ok(false) };
        match target.replace(named) {
            None => Ok(true),
            Some(_) => Err("name one database: --db-instance, --db-cluster or --db-proxy"),
        }
    }

    /// The option that names such a database on the command line, without its dashes.
    pub(crate) fn option(&self) -> &'static str {
        match self {
            Self::Instance(_) => "db-instance",
            Self::Cluster(_) => "db-cluster",
            Self::Proxy(_) => "db-proxy",
        }
    }

    /// The identifier or name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Instance(name) | Self::Cluster(name) | Self::Proxy(name) => name,
        }
    }

    /// The same target as RDS stores it. RDS accepts names in any case and stores them in lower
    /// case, the only form that the names of metrics and log groups have.
    pub(crate) fn in_lower_case(&self) -> Self {
        match self {
            Self::Instance(name) => Self::Instance(name.to_lowercase()),
            Self::Cluster(name) => Self::Cluster(name.to_lowercase()),
            Self::Proxy(name) => Self::Proxy(name.to_lowercase()),
        }
    }
}

/// `DB instance mydb`
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Instance(_) => "DB instance",
            Self::Cluster(_) => "DB cluster",
            Self::Proxy(_) => "DB proxy",
        };
        write!(f, "{kind} {}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn an_option_names_a_database() {
        for option in ["db-instance", "db-cluster", "db-proxy"] {
            let target = Target::of_option(option, "x").unwrap();
            assert_eq!((target.option(), target.name()), (option, "x"));
        }
        assert_eq!(Target::of_option("region", "x"), None);
    }
}

//! The functions that were created, found by any of the names that Lambda accepts.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use crate::{
    error::{Error, Kind},
    function::Function,
    observer::Observer,
    pool::Pool,
    process::Processes,
};

/// All functions of one local Lambda, and the processes that run for them.
#[derive(Debug, Default)]
pub(crate) struct Functions {
    pools: RwLock<BTreeMap<String, Arc<Pool>>>,
    processes: Arc<Processes>,
    observer: Option<Observer>,
}

impl Functions {
    /// None yet.
    pub(crate) fn new(observer: Option<Observer>) -> Self {
        Self { observer, ..Self::default() }
    }

    /// Who wants to know of invocations.
    pub(crate) fn observer(&self) -> Option<&Observer> {
        self.observer.as_ref()
    }

    /// Adds a function whose settings are valid and whose name is free.
    pub(crate) fn create(&self, function: Function) -> Result<(), Error> {
        let function = function.validated()?;
        let name = function.name.clone();
        // No code panics while it holds the lock.
        let mut pools = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        if pools.contains_key(&name) {
            return Err(Kind::FunctionExists(name).into());
        }
        pools.insert(name, Arc::new(Pool::new(function, self.processes.clone())));
        Ok(())
    }

    /// Puts a function whose settings are valid in the place of the one of its name, which is returned.
    pub(crate) fn replace(&self, function: Function) -> Result<Option<Arc<Pool>>, Error> {
        let function = function.validated()?;
        let pool = Arc::new(Pool::new(function, self.processes.clone()));
        // No code panics while it holds the lock.
        let mut pools = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        Ok(pools.insert(pool.function().name.clone(), pool))
    }

    /// Finds a function by its name, its ARN or a part of it, with or without a qualifier. There
    /// is one version, `$LATEST`.
    pub(crate) fn find(&self, name: &str, qualifier: Option<&str>) -> Result<Arc<Pool>, Error> {
        let (scope, bare_name, inline_qualifier) = split_name(name);
        let version = qualifier.or(inline_qualifier).unwrap_or("$LATEST");
        let pools = self.pools.read().unwrap_or_else(PoisonError::into_inner);
        let is_meant = |pool: &&Arc<Pool>| {
            let arn = format!(":{}", pool.function().arn());
            version == "$LATEST" && arn.ends_with(&format!(":{scope}{bare_name}"))
        };
        pools.get(bare_name).filter(is_meant).cloned().ok_or_else(|| {
            let suffix = qualifier.map_or_else(String::new, |qualifier| format!(":{qualifier}"));
            Kind::FunctionNotFound(format!("{name}{suffix}")).into()
        })
    }

    /// Every function.
    pub(crate) fn all(&self) -> Vec<Arc<Pool>> {
        self.pools.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Kills every process, and lets no other start.
    pub(crate) fn close(&self) {
        self.processes.close();
    }
}

/// Splits `[arn:partition:lambda:region:][account:]function:name[:qualifier]`, or
/// `name[:qualifier]`, into what comes before the name, the name, and the qualifier.
fn split_name(text: &str) -> (&str, &str, Option<&str>) {
    let name_start = match text.strip_prefix("function:") {
        Some(_) => "function:".len(),
        None => text.find(":function:").map_or(0, |at| at + ":function:".len()),
    };
    let (scope, name) = text.split_at(name_start);
    match name.split_once(':') {
        Some((name, qualifier)) => (scope, name, Some(qualifier)),
        None => (scope, name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::split_name;

    #[test]
    fn names_come_in_four_forms() {
        for (text, scope, name, qualifier) in [
            ("items", "", "items", None),
            ("items:$LATEST", "", "items", Some("$LATEST")),
            ("function:items", "function:", "items", None),
            ("123456789012:function:items:7", "123456789012:function:", "items", Some("7")),
            (
                "arn:aws:lambda:eu-west-1:123456789012:function:items",
                "arn:aws:lambda:eu-west-1:123456789012:function:",
                "items",
                None,
            ),
        ] {
            assert_eq!(split_name(text), (scope, name, qualifier));
        }
    }
}

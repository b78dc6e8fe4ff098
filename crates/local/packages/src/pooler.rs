//! PgBouncer, for tests behind a transaction pooler.

use engine::Engine;

use crate::private_copy::{self, libraries_in, loader_in};
use crate::{Error, Installation};

/// Fetches a private copy of PgBouncer, a pooler for PostgreSQL.
///
/// # Errors
/// The system is neither Debian nor Ubuntu, or the download failed.
pub fn fetch_pooler(progress: &mut dyn FnMut(&str)) -> Result<Installation, Error> {
    let folder = private_copy::beside(Engine::Postgres, "poolers", "pgbouncer", progress)?;
    let program = folder.join("usr/sbin/pgbouncer");
    let (loader, libraries) = (loader_in(&folder), libraries_in(&folder));
    let mut pooler = Installation {
        engine: Engine::Postgres,
        version: String::new(),
        program: program.clone(),
        loader,
        libraries,
    };
    let output = pooler.command().arg("--version").output();
    let output = output.map_err(Error::io("run", &program))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.lines().next().and_then(|line| line.strip_prefix("PgBouncer "));
    let broken =
        || Error::new(format!("{} does not start: remove {}", program.display(), folder.display()));
    pooler.version = version.ok_or_else(broken)?.to_owned();
    Ok(pooler)
}

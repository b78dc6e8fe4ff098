//! How a function is pointed at a local server, for the program `local-stack` and the integration
//! tests.

#![forbid(unsafe_code)]

use local_lambda::Function;
use local_rds::iam::AccessKey;
use local_rds::{Engine, Server};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// SQL for the table of the example statements, for every engine.
pub const ITEMS: &str = include_str!("../../../../examples/schema.sql");

/// The files of the example statements, for every engine.
const EXAMPLES: [&str; 3] = ["add-item.sql", "items.sql", "purge-items.sql"];

/// The folder of the statements that are deployed for `engine`.
///
/// # Errors
/// This program runs outside the workspace.
pub fn statements(engine: Engine) -> Result<PathBuf, pinned_tools::Error> {
    Ok(pinned_tools::workspace()?.join("deploy/statements").join(engine.statements()))
}

/// Copies the statements of `examples` for `engine` into `folder`: what tests deploy, whatever a user
/// deploys.
///
/// # Errors
/// This program runs outside the workspace, or a file cannot be copied.
pub fn copy_examples(engine: Engine, folder: &Path) -> Result<(), Box<dyn Error>> {
    let examples = pinned_tools::workspace()?.join("examples/statements");
    let statements = examples.join(engine.statements());
    for name in EXAMPLES {
        fs::copy(statements.join(name), folder.join(name))?;
    }
    Ok(())
}

/// The environment variables that point a function at `server`.
pub fn settings(server: &Server) -> [(&'static str, String); 5] {
    [
        ("DB_HOST", server.host().to_owned()),
        ("DB_USER", server.user().to_owned()),
        ("DB_NAME", server.database().to_owned()),
        ("DB_CONNECT_TO", server.address().to_string()),
        ("DB_CA_BUNDLE", server.ca_bundle().display().to_string()),
    ]
}

/// The function `name`, whose code is the folder `task_root`, pointed at `server`, without a role.
pub fn function(server: &Server, name: &str, task_root: PathBuf) -> Function {
    let function = Function::new(name, task_root).region(server.region());
    settings(server).into_iter().fold(function, |function, (name, value)| function.env(name, value))
}

/// Gives `function` a role whose credentials are `key`.
pub fn with_role(function: Function, key: AccessKey) -> Function {
    function.credentials(key.id, key.secret, key.session_token.unwrap_or_default())
}

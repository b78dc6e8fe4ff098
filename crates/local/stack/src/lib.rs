//! How a function is pointed at a local server: what the program `local-stack` and the integration
//! tests deploy alike.

#![forbid(unsafe_code)]

use local_lambda::Function;
use local_rds::iam::AccessKey;
use local_rds::{Engine, Server};
use std::path::PathBuf;

/// SQL for the table that the example statements use. All engines read it.
pub const ITEMS: &str = include_str!("../sql/items.sql");

/// The folder of the statements that are deployed for `engine`.
///
/// # Errors
/// This program is not in a workspace.
pub fn statements(engine: Engine) -> Result<PathBuf, pinned_tools::Error> {
    Ok(pinned_tools::workspace()?.join("deploy/statements").join(engine.statements()))
}

/// The settings that lead a function to `server`: environment variables, by name.
pub fn settings(server: &Server) -> [(&'static str, String); 5] {
    [
        ("DB_HOST", server.host().to_owned()),
        ("DB_USER", server.user().to_owned()),
        ("DB_NAME", server.database().to_owned()),
        ("DB_CONNECT_TO", server.address().to_string()),
        ("DB_CA_BUNDLE", server.ca_bundle().display().to_string()),
    ]
}

/// The function called `name`, whose code is the folder `task_root`, with the settings that lead it
/// to `server`, and without a role.
pub fn function(server: &Server, name: &str, task_root: PathBuf) -> Function {
    let function = Function::new(name, task_root).region(server.region());
    settings(server).into_iter().fold(function, |function, (name, value)| function.env(name, value))
}

/// Gives `function` a role whose credentials are `key`.
pub fn with_role(function: Function, key: AccessKey) -> Function {
    function.credentials(key.id, key.secret, key.session_token.unwrap_or_default())
}

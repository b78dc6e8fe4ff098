//! How a function is pointed at a server.

use local_lambda::Function;
use local_rds::Server;
use local_rds::iam::AccessKey;
use std::path::PathBuf;

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

//! How a function is pointed at a local server: what the program `local-stack` and the integration
//! tests deploy alike.

#![forbid(unsafe_code)]

use local_lambda::Function;
use local_rds::iam::AccessKey;
use local_rds::{Engine, Server};
use std::path::{Path, PathBuf};

/// SQL for the table that the example statements use. All engines read it.
pub const ITEMS: &str = include_str!("../sql/items.sql");

/// The name of the function's program for `engine`.
pub fn program(engine: Engine) -> &'static str {
    match engine {
        Engine::MySql | Engine::MariaDb => "mysql-function",
        Engine::Postgres => "postgres-function",
    }
}

/// The folder of the statements that are deployed for `engine`.
pub fn statements(engine: Engine) -> PathBuf {
    let folder = match engine {
        Engine::MySql | Engine::MariaDb => "mysql",
        Engine::Postgres => "postgres",
    };
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/statements").join(folder)
}

/// The function called `name`, whose code is the folder `task_root`, with the settings that lead it
/// to `server`, and without a role.
pub fn function(server: &Server, name: &str, task_root: PathBuf) -> Function {
    Function::new(name, task_root)
        .region(server.region())
        .env("DB_HOST", server.host())
        .env("DB_USER", server.user())
        .env("DB_NAME", server.database())
        .env("DB_CONNECT_TO", server.address().to_string())
        .env("DB_CA_BUNDLE", server.ca_bundle().display().to_string())
}

/// Gives `function` a role whose credentials are `key`.
pub fn with_role(function: Function, key: AccessKey) -> Function {
    function.credentials(key.id, key.secret, key.session_token.unwrap_or_default())
}

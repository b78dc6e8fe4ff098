//! What a person reads: where a server is, and how to log in.

use std::env;
use std::ffi::OsStr;
use std::fs;

use local_rds::Server;

/// How to log in to a server, in lines of at most 80 columns.
pub(crate) fn server(server: &Server, token: &str) -> String {
    let title = server.engine().title();
    let text = format!(
        "{title} {} is listening on {}\n\
         \x20 endpoint  {}:{}\n\
         \x20 user      {}, whose password is a token; database {}\n\
         \x20 roots     {}\n\
         \x20 logins    {}\n\n\
         \x20 . {}\n",
        server.version(),
        server.address(),
        server.host(),
        server.port(),
        server.user(),
        server.database(),
        server.ca_bundle().display(),
        server.iam().log_path().display(),
        server.environment_file().display(),
    );
    let line = server.client_line(token);
    text + &line.lines().map(|line| format!("  {line}\n")).collect::<String>()
}

/// The last lines, once all servers are ready.
pub(crate) const END: &str = "\
The file env sets the variables that programs need, and credentials with which
they sign tokens: `local-rds --help` lists them. A log of logins says why one
was refused.

Ctrl-C stops the servers.";

/// A command that prints a token: this program, by its name if the shell would find it on `path`.
pub(crate) fn token_command(path: Option<&OsStr>) -> String {
    const NAME: &str = "local-rds";
    let this = env::current_exe().unwrap_or_else(|_| NAME.into());
    let found = env::split_paths(path.unwrap_or_default())
        .map(|folder| folder.join(NAME))
        .find(|program| program.is_file());
    let is_this = found.and_then(|found| fs::canonicalize(found).ok()).as_ref() == Some(&this);
    match is_this {
        true => format!("{NAME} token"),
        false => format!("{} token", this.display()),
    }
}

//! The command lines that people are shown, in the clients that people have.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::{env, fs};

use local_packages::{Installation, fetch_client};
use local_rds::{Engine, Server};
use tempfile::TempDir;

use crate::program::PROGRAM;

/// Pipes a query into `lines` in a shell, whose `mysql` or `psql` is the client of `client`'s makers.
pub(crate) fn run(lines: &str, client: Engine) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let name = if client == Engine::Postgres { "psql" } else { "mysql" };
    wrap(&fetch_client(client, &mut |_| ()).unwrap(), &folder, name);
    let path = env::join_paths([folder.path(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    // The person's own settings must not help.
    let variables = [("PATH", path), ("HOME", folder.path().into())];
    let mut shell = Command::new("sh");
    shell.args(["-c", lines]).env_clear().envs(variables);
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut shell = shell.spawn().unwrap();
    // A client that is refused may not read it.
    let _ = shell.stdin.take().unwrap().write_all(b"SELECT name FROM items WHERE id = 2;\n");
    shell.wait_with_output().unwrap()
}

/// A script for a client that a package would have installed.
fn wrap(client: &Installation, folder: &TempDir, name: &str) {
    let display = |path: &Path| path.display().to_string();
    let libraries: Vec<_> = client.libraries.iter().map(|path| display(path)).collect();
    let plugins = client.libraries.iter().map(|path| path.join("libmariadb3/plugin"));
    let plugins = plugins.into_iter().find(|path| path.is_dir()).unwrap_or_default();
    let (libraries, program) = (libraries.join(":"), display(&client.program));
    let program = match &client.loader {
        Some(loader) => format!("{} --library-path {libraries} {program}", loader.display()),
        None => format!("env LD_LIBRARY_PATH={libraries} {program}"),
    };
    let script =
        format!("#!/bin/sh\nMARIADB_PLUGIN_DIR={} exec {program} \"$@\"\n", plugins.display());
    let path = folder.path().join(name);
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn a_line_opens_a_session_in_every_client(engine: Engine) {
    let items =
        "CREATE TABLE items (id INT, name VARCHAR(9)); INSERT INTO items VALUES (2, 'two');";
    let server = Server::builder(engine).setup(items).start().unwrap();
    let line = server.client_line(&format!("{PROGRAM} token"));
    let line = format!(". {}\n{line}", server.environment_file().display());
    let other = Server::builder(engine).start().unwrap();
    let bundle = |server: &Server| server.ca_bundle().display().to_string();
    let other_roots = line.replace(&bundle(&server), &bundle(&other));
    let clients = match engine {
        Engine::MySql | Engine::MariaDb => vec![Engine::MySql, Engine::MariaDb],
        Engine::Postgres => vec![Engine::Postgres],
    };
    for client in clients {
        let output = run(&line, client);
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{client}: {line}\n{errors}");
        assert!(said.lines().any(|line| line.trim() == "two"), "{client}: {said}{errors}");

        // It verifies the server before it sends the token.
        let logins = || fs::read_to_string(server.iam().log_path()).unwrap();
        let before = logins();
        let output = run(&other_roots, client);
        let errors = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert!(!output.status.success(), "{client} accepts another root");
        assert!(errors.contains("certificate"), "{client}: {errors}");
        assert_eq!(logins(), before, "{client} sent its token");
    }
}

crate::for_each_engine!(a_line_opens_a_session_in_every_client);

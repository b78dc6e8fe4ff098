//! What the program prints and writes, for people and for other programs.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use local_rds::Engine;

use crate::program::{PROGRAM, Program, eventually, program};

#[test]
fn what_people_read_fits_80_columns_and_holds_no_secret() {
    let mut command = Command::new(PROGRAM);
    // By its own name, as after an installation.
    let path = Path::new(PROGRAM).parent().unwrap();
    let path = std::env::join_paths([path, Path::new("/usr/bin")]).unwrap();
    command.args(["postgres", "mariadb"]).env("PATH", path).env("TMPDIR", "/tmp");
    let program = Program::start(command);
    let long: Vec<_> = program.said.lines().filter(|line| line.chars().count() > 80).collect();
    assert_eq!(long, [""; 0]);
    for shown in ["psql", "mysql ", "\"$(local-rds token)\"", "/env\n", "MariaDB 1"] {
        assert!(program.said.contains(shown), "no {shown}: {}", program.said);
    }
    assert!(!program.said.contains("X-Amz"), "{}", program.said);
    assert!(!program.said.contains("AWS_SECRET"), "{}", program.said);
}

#[test]
fn the_document_is_one_line_with_everything_that_the_help_names() {
    let mut command = Command::new(PROGRAM);
    command.args(["postgres", "mariadb", "--json"]).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let document: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(document["pid"], child.id());
    let servers = document["servers"].as_array().unwrap();
    let engines: Vec<_> = servers.iter().map(|server| &server["engine"]).collect();
    assert_eq!(engines, ["postgres", "mariadb"]);

    let help = include_str!("../../src/program/help.txt");
    let form = help.split("The JSON document:\n").nth(1).unwrap();
    let form = form.split_once("\n  The names").unwrap().0;
    let form: serde_json::Value = serde_json::from_str(form).unwrap();
    let names = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(names(&document), names(&form));
    for server in servers {
        assert_eq!(names(server), names(&form["servers"][0]));
        for file in ["ca_bundle", "login_log", "server_log", "env_file"] {
            assert!(Path::new(server[file].as_str().unwrap()).is_file(), "{file}");
        }
        assert!(
            std::net::TcpStream::connect(format!(
                "{}:{}",
                server["connect_host"].as_str().unwrap(),
                server["connect_port"]
            ))
            .is_ok()
        );
    }
    let kill = format!("kill {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    line.clear();
    assert_eq!(stdout.read_line(&mut line).unwrap(), 0, "more than a document: {line}");
}

#[test]
fn the_file_of_the_environment_comes_when_all_are_ready_and_goes_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("env");
    let mut command = Command::new(PROGRAM);
    command.args(["postgres", "mariadb", "--env"]).arg(&file);
    let mut program = Program::start(command);
    eventually("the file is there", || file.exists());
    let script = format!(
        ". {}; \"$0\" token mariadb; echo \"$POSTGRES_DB_USER $DB_USER $AWS_REGION\"",
        file.display()
    );
    let output = Command::new("sh").args(["-c", &script, PROGRAM]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("local-mariadb.abc123def456.eu-west-1"), "{said}");
    assert!(said.ends_with("lambda_user  eu-west-1\n"), "{said}");
    program.signal("-TERM");
    program.wait();
    assert!(!file.exists());
}

#[test]
fn a_mistake_in_a_file_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("schema.sql");
    let body = "CREATE TABLE a (id int primary key);\n\nINSERT INTO a VALUES (1);\n\
                INSERT INTO a\nVALUES (1);\nSELEC;";
    for (engines, sql, says) in [
        ("postgres", "SELECT 1;\nSELEC;", "2: postgres: 42601 syntax error at or near \"SELEC\"\n"),
        ("mysql", "SELECT 1;\nSELEC;", "2: mysql: 1064 (42000) You have an error"),
        ("mysql", body, "4: mysql: 1062 (23000) Duplicate entry '1'"),
        ("mariadb", body, "4: mariadb: 1062 (23000) Duplicate entry '1'"),
        ("postgres", &body[..body.len() - 6], "4: postgres: 23505 duplicate key"),
        (
            "mysql postgres",
            "CREATE TABLE a (id int4 DEFAULT 1::int4);",
            "of its own: --setup mysql=FILE\n",
        ),
    ] {
        fs::write(&file, sql).unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(engines.split(' ')).arg("--setup").arg(&file);
        let output = command.args(["--exec", "true"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        let start = format!("local-rds: {}:", file.display());
        assert!(said.starts_with(&start) && said.contains(says), "{says}: {said}");
    }
}

/// A file that a killed program has left, which would be read before the servers are ready.
#[test]
fn a_file_of_a_killed_program_goes_before_the_servers_come() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("env");
    fs::write(&file, "# written by local-rds; removed when it ends\nexport DB_PORT=1\n").unwrap();
    let mut command = program(Engine::Postgres);
    let output = command.env("LOCAL_RDS_POSTGRES", "/bin/true").arg("--env").arg(&file);
    assert_eq!(output.output().unwrap().status.code(), Some(1));
    assert!(!file.exists());
}

#[test]
fn a_file_of_anothers_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("env");
    fs::write(&file, "MINE=1\n").unwrap();
    let missing = folder.path().join("no/env");
    for (path, says) in [
        (&file, "local-rds has not written it: name another file, or remove this one".to_owned()),
        (&folder.path().to_owned(), "local-rds has not written it".to_owned()),
        (&missing, format!("there is no folder {}/no\n", folder.path().display())),
    ] {
        let output = program(Engine::Postgres).arg("--env").arg(path).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        let named = format!("local-rds: --env {}: ", path.display());
        assert!(said.starts_with(&named) && said.contains(&says), "{said}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "MINE=1\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "more than the file is there");
}

#[test]
fn a_token_without_a_server_says_where_to_find_one() {
    let output = Command::new(PROGRAM).arg("token").env_remove("DB_PORT").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("local-rds: DB_PORT is not set: read a server's file"), "{said}");
}

#[test]
fn what_cannot_be_read_or_is_no_policy_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.json");
    fs::write(&policy, "{").unwrap();
    let unclear = folder.path().join("unclear.json");
    let condition = r#"{"StringEquals": {"aws:ResourceOrgID": "o-1"}}"#;
    let deny = r#"{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition":"#;
    fs::write(&unclear, format!("{deny}\n{condition}}}}}")).unwrap();
    let members = folder.path().join("members.json");
    let condition = r#"{"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}"#;
    fs::write(&members, format!("{deny}\n{condition}}}}}")).unwrap();
    for (option, file, says) in [
        ("--setup", "/nowhere.sql", "--setup: cannot read /nowhere.sql"),
        ("--policy", "/nowhere.json", "--policy: cannot read /nowhere.json"),
        ("--policy", policy.to_str().unwrap(), &format!("--policy: {}:1:1: EOF", policy.display())),
        ("--boundary", "/nowhere.json", "--boundary: cannot read /nowhere.json"),
        ("--session-policy", "/nowhere.json", "--session-policy: cannot read /nowhere.json"),
        (
            "--service-control-policy",
            unclear.to_str().unwrap(),
            &format!(
                "--service-control-policy: {}:2:45: it is not known whether a database login has the \
                 condition key aws:ResourceOrgID, which decides here; remove it, or test this policy \
                 on AWS",
                unclear.display()
            ),
        ),
        (
            "--service-control-policy",
            members.to_str().unwrap(),
            &format!(
                "--service-control-policy: {}:2:49: the condition key aws:PrincipalOrgID asks for the \
                 organization of the account, which is not known here; say it with --organization",
                members.display()
            ),
        ),
        ("--service-control-policy", "FullAWSAccess,/nowhere.json", "cannot read /nowhere.json"),
    ] {
        let output = program(Engine::Postgres).args([option, file]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(says), "{said}");
    }
}

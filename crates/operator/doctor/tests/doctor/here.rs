//! A function that runs on this machine.

use diagnosis::Cause;
use local_rds::Engine;
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::proc::{children, is_running, listening};
use crate::run::{Doctor, first_cause, server};

const ENGINES: [Engine; 3] = [Engine::MySql, Engine::MariaDb, Engine::Postgres];

#[test]
fn a_healthy_set_up_has_no_warnings() {
    for engine in ENGINES {
        let server = server(engine);
        let doctor = Doctor::for_server(&server);
        let said = doctor.run();
        assert_eq!(said.code, Some(0), "{engine}: {}", said.all());
        assert!(said.out.contains("no problems found"), "{engine}: {}", said.out);
        assert!(!said.out.contains('\u{1b}'), "colours in a pipe: {:?}", said.out);

        let (code, diagnosis) = doctor.diagnosis();
        assert_eq!((code, &diagnosis["ok"]), (Some(0), &json!(true)), "{engine}: {diagnosis:#}");
        let steps = diagnosis["steps"].as_array().unwrap();
        assert!(steps.iter().all(|step| step["verdict"] == "ok"), "{engine}: {diagnosis:#}");
        assert_eq!(diagnosis["causes"], json!([]), "{engine}");
    }
}

#[test]
fn options_stand_for_variables_and_win_over_them() {
    let server = server(Engine::Postgres);
    let mut doctor = Doctor::for_server(&server);
    let options = format!(
        "--engine postgres --host {} --port 5432 --user {} --database {} --region {} --connect-to {} \
         --ca-bundle {}",
        server.host(),
        server.user(),
        server.database(),
        server.region(),
        server.address(),
        server.ca_bundle().display()
    );
    for name in ["DB_HOST", "DB_USER", "DB_NAME", "DB_CONNECT_TO", "DB_CA_BUNDLE"] {
        doctor.set(name, "wrong");
    }
    let said = doctor.with(&options).run();
    assert_eq!(said.code, Some(0), "{}", said.all());
}

#[test]
fn what_is_wrong_is_named_first_and_told_by_the_exit_code() {
    for engine in ENGINES {
        let server = server(engine);
        let mut doctor = Doctor::for_server(&server);
        doctor.set("DB_NAME", "no_such_database");
        let said = doctor.run();
        assert_eq!(said.code, Some(1), "{engine}: {}", said.all());
        assert!(said.out.contains("✗ login"), "{engine}: {}", said.out);
        assert!(said.out.contains("· statements"), "{engine}: {}", said.out);
        assert!(said.out.contains("\n1.  "), "{engine}: {}", said.out);
        let (code, diagnosis) = doctor.diagnosis();
        assert_eq!(code, Some(1));
        assert!(first_cause(&diagnosis).starts_with("database-"), "{engine}: {diagnosis:#}");
    }
}

#[test]
fn without_settings_they_are_what_is_wrong() {
    let (code, diagnosis) = Doctor::new().with("--engine mysql").diagnosis();
    assert_eq!(code, Some(1), "{diagnosis:#}");
    assert_eq!(diagnosis["steps"][0]["verdict"], "failed", "{diagnosis:#}");
    assert_eq!(first_cause(&diagnosis), Cause::SettingMissing.id());
}

#[test]
fn a_wrong_call_is_explained_and_is_no_diagnosis() {
    for (arguments, says) in [
        ("", "--engine is missing: mysql, mariadb or postgres; see `cargo xtask doctor --help`"),
        ("--engine oracle", "oracle"),
        ("--engine mysql --host db.example.com", "set --region"),
        ("--hots db", "--hots"),
        ("--function f --user me", "omit --user"),
    ] {
        let said = Doctor::new().with(arguments).run();
        assert_eq!(said.code, Some(2), "{arguments}: {}", said.all());
        assert!(said.err.starts_with("error: "), "{arguments}: {}", said.err);
        assert!(said.err.contains(says), "{arguments}: {}", said.err);
    }
    let help = Doctor::new().with("--help").run();
    assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
    assert!(help.out.contains("Usage: cargo xtask doctor"), "{}", help.out);
}

#[test]
fn a_terminal_gets_colours_unless_it_wants_none() {
    let server = server(Engine::Postgres);
    for (no_color, coloured) in [("", true), ("1", false)] {
        let mut doctor = Doctor::for_server(&server);
        doctor.set("NO_COLOR", no_color);
        let program = doctor.command().get_program().to_owned();
        // `script` provides a terminal; it is in Debian's essential packages.
        let mut script = Command::new("script");
        script.args(["-qec", program.to_str().unwrap(), "/dev/null"]);
        script.envs(doctor.command().get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = script.stdin(Stdio::null()).output().expect("`script` is installed");
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(out.contains("no problems found"), "{out}");
        assert_eq!(out.contains("\u{1b}[32m✓"), coloured, "{out:?}");
    }
}

/// A doctor that waits for a server that accepts its connection and sends nothing.
struct Waiting {
    doctor: Doctor,
    child: Child,
    _server: (TcpListener, TcpStream),
}

impl Waiting {
    fn start() -> Waiting {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut doctor = Doctor::new();
        doctor.set("DB_HOST", "db.abc123def456.eu-west-1.rds.amazonaws.com");
        doctor.set("DB_USER", "lambda-user");
        doctor.set("DB_NAME", "app");
        doctor.set("DB_CONNECT_TO", &silent.local_addr().unwrap().to_string());
        doctor.set("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE");
        doctor.set("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let doctor = doctor.with("--engine mysql");
        let mut command = doctor.command();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("running mysql-function")));
        // The function runs, for it has connected.
        let (connection, _) = silent.accept().unwrap();
        Waiting { doctor, child, _server: (silent, connection) }
    }
}

#[test]
fn an_interrupt_ends_the_function_and_removes_its_files() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let Waiting { doctor, mut child, _server } = Waiting::start();
        let functions = children(child.id());
        assert_eq!(functions.len(), 1, "{functions:?}");
        let kill = format!("kill -{signal} {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        doctor.assert_nothing_left();
        // It was killed; otherwise it would have waited 3 s for the server.
        let start = Instant::now();
        while is_running(functions[0]) {
            assert!(start.elapsed() < Duration::from_millis(1500), "the function still runs");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn nothing_listens_while_it_runs() {
    let own = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!(":{:04X} ", own.local_addr().unwrap().port());
    let seen = listening(std::process::id());
    assert!(seen.iter().any(|line| line.contains(&port)), "the test sees what listens: {seen:?}");

    let Waiting { doctor, mut child, _server } = Waiting::start();
    let functions = children(child.id());
    assert_eq!(functions.len(), 1, "{functions:?}");
    for process in [child.id(), functions[0]] {
        assert_eq!(listening(process), Vec::<String>::new(), "of process {process}");
    }
    // The function has the environment that Lambda would give it, and none of the user's variables.
    let environment = fs::read(format!("/proc/{}/environ", functions[0])).unwrap();
    let environment = String::from_utf8_lossy(&environment).into_owned();
    assert!(environment.contains("AWS_REGION=eu-west-1\0"), "{environment}");
    assert!(!environment.contains(doctor.variable("HOME")), "{environment}");
    child.kill().unwrap();
    child.wait().unwrap();
}

//! `--exec`: a command with servers around it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output};

use local_rds::Engine;

use crate::lifecycle::processes_in;
use crate::program::{PROGRAM, eventually, program};

/// Runs `script` in a shell between a server's start and its end.
fn exec(engine: Engine, options: &[&str], script: &str) -> Output {
    let mut command = program(engine);
    command.args(options).args(["--exec", "sh", "-c", script, PROGRAM]);
    command.env("AWS_PROFILE", "own").env_remove("DB_HOST").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn a_command_finds_the_server_and_ends_it(engine: Engine) {
    let script = "\"$0\" token; echo \"$AWS_PROFILE$DB_ENGINE $DB_CA_BUNDLE\"; exit 7";
    let output = exec(engine, &[], script);
    assert_eq!(output.status.code(), Some(7));
    let said = text(&output.stdout);
    let (token, rest) = said.split_once('\n').unwrap();
    assert!(token.starts_with(&format!("local-{engine}.abc123def456.")), "{said}");
    let (name, bundle) = rest.trim().split_once(' ').unwrap();
    assert_eq!(name, engine.name());
    let folder = Path::new(bundle).parent().unwrap();
    assert!(!folder.exists(), "{} is left", folder.display());
    assert_eq!(processes_in(folder), [0; 0]);
}

#[test]
fn a_command_that_does_not_exist_ends_as_in_a_shell() {
    let mut command = program(Engine::Postgres);
    // No server starts before.
    command.env("LOCAL_RDS_POSTGRES", "/bin/true");
    let output = command.args(["--exec", "no-such-command"]).output().unwrap();
    assert_eq!(output.status.code(), Some(127));
    assert!(text(&output.stderr).contains("cannot run no-such-command"));
}

#[test]
fn an_engine_that_stands_after_exec_is_a_command() {
    let mut command = Command::new(PROGRAM);
    let output = command.args(["--exec", "mariadb", "true"]).env("PATH", "/nowhere").output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(127));
    let said = text(&output.stderr);
    assert!(said.contains("hint: mariadb is the command here; engines stand before"), "{said}");
}

#[test]
fn a_command_that_a_signal_ended_ends_as_in_a_shell() {
    let output = exec(Engine::Postgres, &[], "kill -KILL $$");
    assert_eq!(output.status.code(), Some(128 + 9));
}

/// A program and its command, which end with this value.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        if self.0.try_wait().unwrap().is_none() {
            kill("KILL", &format!("-{}", self.0.id()));
            self.0.wait().unwrap();
        }
    }
}

/// The shell's own `kill`: not every system has the program.
fn kill(signal: &str, process: &str) {
    let kill = format!("kill -s {signal} -- {process}");
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// Without a terminal, nobody else sends the command a signal.
#[test]
fn signals_are_passed_on() {
    for (signal, code) in [("INT", 31), ("TERM", 32), ("HUP", 33), ("USR1", 34)] {
        let folder = tempfile::tempdir().unwrap();
        let ready = folder.path().join("ready");
        let script = "trap 'exit '$2 $1; : > \"$3\"; while :; do sleep 0.05; done";
        let mut command = program(Engine::Postgres);
        command.args(["--exec", "sh", "-c", script, "sh", signal, &code.to_string()]).arg(&ready);
        // Away from the terminal that the tests may run in.
        command.process_group(0);
        let mut group = Group(command.spawn().unwrap());
        eventually("the command runs", || ready.exists());
        kill(signal, &group.0.id().to_string());
        eventually("the command ends", || group.0.try_wait().unwrap().is_some());
        assert_eq!(group.0.wait().unwrap().code(), Some(code), "{signal}");
    }
}

/// Logs in with `psql`, and fails as it does.
const LOG_IN: &str = "PGPASSWORD=$(\"$0\" token) psql --no-psqlrc --tuples-only --no-align \
                      \"host=$DB_HOST hostaddr=${DB_CONNECT_TO%:*} port=${DB_CONNECT_TO#*:} \
                      user=$DB_USER dbname=$DB_NAME sslmode=verify-full \
                      sslrootcert=$DB_CA_BUNDLE\" --command 'SELECT count(*) FROM items'";

/// Runs [`LOG_IN`] with a private copy of `psql`, which verifies the server's name as `name`.
fn log_in(options: &[&str], name: &str) -> Output {
    exec(Engine::Postgres, options, &log_in_script(name))
}

fn log_in_script(name: &str) -> String {
    let client = local_packages::fetch_client(Engine::Postgres, &mut |_| ()).unwrap();
    let libraries: Vec<_> = client.libraries.iter().map(|path| path.to_str().unwrap()).collect();
    let psql = format!("env LD_LIBRARY_PATH={} {}", libraries.join(":"), client.program.display());
    LOG_IN.replace("psql ", &format!("{psql} ")).replace("$DB_HOST", name)
}

#[test]
fn a_failed_command_learns_why_its_login_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.json");
    let other = r#"{"Statement": {"Effect": "Allow", "Action": "rds-db:connect",
                    "Resource": "arn:aws:rds-db:eu-west-1:123456789012:dbuser:*/other"}}"#;
    fs::write(&policy, other).unwrap();
    // A data perimeter, as organizations write it.
    let perimeter = folder.path().join("perimeter.json");
    let deny = r#"{"Version": "2012-10-17", "Statement": {"Sid": "Perimeter", "Effect": "Deny",
        "Action": "*", "Resource": "*", "Condition": {
          "StringNotEquals": {"aws:SourceVpce": "vpce-1"},
          "StringNotLike": {"aws:PrincipalTag/perimeter": "exempt-${aws:PrincipalAccount}"}}}}"#;
    fs::write(&perimeter, deny).unwrap();
    let level = format!("FullAWSAccess,{}", perimeter.display());
    let perimeter_says = format!(
        "statement \"Perimeter\" of the service control policy {} denies rds-db:connect on \
         arn:aws:rds-db:eu-west-1:123456789012:dbuser:",
        perimeter.display()
    );
    let boundary_says = format!("no statement of the permissions boundary {}", policy.display());
    for (options, reason) in [
        (&["--clock-offset", "1000"][..], "for 900 seconds, and it is now"),
        (&["--clock-offset=-60"], "is not valid before"),
        (&["--policy", policy.to_str().unwrap()], "dbuser:db-LOCALPOSTGRES"),
        (&["--boundary", policy.to_str().unwrap()], &boundary_says),
        (&["--service-control-policy", &level], &perimeter_says),
        (
            &["--principal", "arn:aws:iam::999999999999:role/app"],
            "arn:aws:iam::999999999999:role/app is not of the account of arn:aws:rds-db:",
        ),
    ] {
        let output = log_in(options, "$DB_HOST");
        assert_eq!(output.status.code(), Some(2), "psql's code");
        let errors = text(&output.stderr);
        assert!(errors.contains("PAM authentication failed"), "{errors}");
        let line = errors.lines().find(|line| line.starts_with("local-rds: postgres: "));
        assert!(line.is_some_and(|line| line.contains(reason)), "{reason}: {errors}");
    }
    let tag = "perimeter=exempt-123456789012";
    let exempt = ["--service-control-policy", &level, "--principal-tag", tag];
    // Only this organization's principals, which a principal of none would not be.
    let members = folder.path().join("members.json");
    let deny = deny.replace("aws:SourceVpce", "aws:PrincipalOrgID").replace("vpce-1", "o-abc");
    fs::write(&members, deny).unwrap();
    let level = format!("FullAWSAccess,{}", members.display());
    let member = ["--service-control-policy", &level, "--organization", "o-abc"];
    for options in [&[][..], &exempt, &member] {
        let output = log_in(options, "$DB_HOST");
        assert_eq!(text(&output.stdout), "3\n", "{}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "");
    }
}

#[test]
fn logins_of_one_second_are_too_many() {
    let script = log_in_script("$DB_HOST");
    let script = format!("while {script} > /dev/null; do :; done; exit 2");
    let output = exec(Engine::Postgres, &["--logins-per-second", "1"], &script);
    assert!(text(&output.stderr).contains("1 new connections"), "{}", text(&output.stderr));
}

#[test]
fn a_command_that_fails_without_a_login_is_told_where_to_dial() {
    let output = exec(Engine::Postgres, &[], "exit 3");
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr);
    assert!(said.starts_with("local-rds: hint: no login reached a server: does"), "{said}");
    assert!(said.ends_with("start with --endpoint localhost\n"), "{said}");
    assert_eq!(text(&exec(Engine::Postgres, &[], "exit 0").stderr), "");
}

/// The token is still signed for the endpoint.
#[test]
fn a_client_that_dials_another_name_may_verify_it() {
    let output = log_in(&["--also-named", "localhost"], "localhost");
    assert_eq!(text(&output.stdout), "3\n", "{}", text(&output.stderr));
    let output = log_in(&[], "localhost");
    assert!(text(&output.stderr).contains("does not match host name"), "{}", text(&output.stderr));
}

crate::for_each_engine!(a_command_finds_the_server_and_ends_it);

//! Servers of the version that is asked for, and what is said where there is none.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use local_packages::find_or_fetch;
use local_rds::{Engine, Server, Version};

use crate::client::log_in;
use crate::program::PROGRAM;
use crate::token::good;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn run(arguments: &[&str], environment: &[(&str, &Path)]) -> Output {
    Command::new(PROGRAM)
        .args(arguments)
        .args(["--exec", "true"])
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

/// What a program that failed has said.
fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The oldest and the newest: each with its own C library, programs and data.
fn two_versions_run_side_by_side(engine: Engine) {
    let started = Version::ends(engine).map(|version| {
        let server = Server::builder(version.clone()).start().unwrap();
        assert!(version.is_of(server.version()), "{version}: {}", server.version());
        server
    });
    let servers: Vec<_> = started.collect();
    assert_ne!(servers[0].version(), servers[1].version());
    for server in &servers {
        log_in(server, &good(server)).unwrap();
        log_in(server, "no token").unwrap_err();
    }
    // A longer version is that one or none.
    let newest = servers[1].version();
    let numbers = newest.split('-').next().unwrap();
    let again = Server::builder(version(&format!("{engine}@{numbers}"))).start().unwrap();
    assert_eq!(again.version(), newest);
}

fn a_version_that_is_nowhere_is_refused_with_the_list(engine: Engine) {
    let list = Version::list(engine);
    let newest = Version::ends(engine).last().unwrap();
    for (wrong, hint) in [
        (format!("{engine}@1"), format!(", as in {newest}")),
        (format!("{newest}.999"), format!(": use {newest}")),
    ] {
        let said = refusal(&run(&[&wrong], &[]));
        let expected = format!(
            "{wrong}: there is no such server on this machine, and none can be fetched: the versions of \
             {engine} are {list}{hint}; "
        );
        // What is before it tells of a server that had to be fetched.
        assert!(said.lines().last().unwrap().contains(&expected), "{said}");
    }
    let output = run(&[&format!("{engine}@new")], &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("\"new\" is no version; the versions of {engine} are {list}")));
}

/// The variable of an engine names a version, or a server that is passed over where another is asked for.
#[test]
fn the_environment_names_a_version() {
    let variable = "LOCAL_RDS_POSTGRES";
    let program = |environment: &Path, engine: &str| {
        let output = Command::new(PROGRAM)
            .args([engine, "--exec", "sh", "-c"])
            .arg("cat \"${DB_CA_BUNDLE%/*}/data/PG_VERSION\"")
            .env(variable, environment)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(program(Path::new("14"), "postgres"), "14");
    assert_eq!(program(Path::new("14"), "postgres@18"), "18");
    let other = find_or_fetch(&Engine::Postgres.into(), &mut |_| ()).unwrap();
    let asked = if other.version.starts_with("18") { "14" } else { "18" };
    assert_eq!(program(&other.program, &format!("postgres@{asked}")), asked);
}

/// A mirror whose lists nobody has signed is no source of programs.
#[test]
fn packages_that_nobody_has_signed_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let system = fs::read_to_string("/etc/os-release").unwrap();
    // The family whose keys this system has.
    let (asked, variable, archive, suites) = match system.contains("ubuntu") {
        true => ("postgres@16", "LOCAL_RDS_UBUNTU_MIRROR", "ubuntu", ["noble", "noble-updates"]),
        false => ("postgres@17", "LOCAL_RDS_DEBIAN_MIRROR", "debian", ["trixie", "trixie-updates"]),
    };
    for suite in suites {
        let suite = folder.path().join(archive).join("dists").join(suite);
        let lists = suite.join("main/binary-amd64");
        fs::create_dir_all(&lists).unwrap();
        fs::write(lists.join("Packages"), "").unwrap();
        fs::write(suite.join("Release"), "Suite: trixie\nDate: Sat, 01 Aug 2026 00:00:00 UTC\n")
            .unwrap();
    }
    let mirror = format!("file://{}", folder.path().join(archive).display());
    let cache = folder.path().join("cache");
    fs::create_dir(&cache).unwrap();
    let environment = [(variable, Path::new(&mirror)), ("XDG_CACHE_HOME", &cache)];
    let said = refusal(&run(&[asked], &environment));
    let last = said.lines().last().unwrap();
    assert!(last.contains(&format!("cannot fetch {asked}: ")), "{said}");
    assert!(last.contains("is not signed") && last.contains(variable), "{said}");
    assert!(!cache.join("rds-iam-lambda/servers/postgres-17-x86_64").exists());
}

crate::for_each_engine! {
    two_versions_run_side_by_side,
    a_version_that_is_nowhere_is_refused_with_the_list,
}

//! Servers of the version that is asked for, and what is said where there is none.

use std::env::consts::ARCH;
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

/// A version of the distribution whose keys this system has, but of another release than the system's.
struct Fetched {
    version: &'static str,
    release: &'static str,
    archive: &'static str,
    variable: &'static str,
    /// The makers' archives.
    makers: [&'static str; 2],
}

fn fetched() -> Fetched {
    let system = fs::read_to_string("/etc/os-release").unwrap();
    let (releases, archive, variable, makers) = match system.contains("ubuntu") {
        true => (
            [("postgres@14", "jammy"), ("postgres@16", "noble")],
            if cfg!(target_arch = "x86_64") { "ubuntu" } else { "ubuntu-ports" },
            "LOCAL_RDS_UBUNTU_MIRROR",
            ["ubuntu.com", "old-releases.ubuntu.com"],
        ),
        false => (
            [("postgres@15", "bookworm"), ("postgres@17", "trixie")],
            "debian",
            "LOCAL_RDS_DEBIAN_MIRROR",
            ["deb.debian.org", "archive.debian.org"],
        ),
    };
    let (version, release) = releases.into_iter().find(|(_, r)| !system.contains(r)).unwrap();
    Fetched { version, release, archive, variable, makers }
}

/// Fails to fetch the version with these settings of apt, from a mirror if one is named, and gives the reason.
fn unfetched(fetched: &Fetched, settings: &str, mirror: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (settings_path, cache) = (folder.path().join("apt.conf"), folder.path().join("cache"));
    fs::write(&settings_path, settings).unwrap();
    if !mirror.is_empty() {
        // Lists that were just read are of the mirrors that were used without this one.
        let lists = format!("rds-iam-lambda/archives/{}-{ARCH}", fetched.release);
        fs::create_dir_all(cache.join(&lists)).unwrap();
        fs::write(cache.join(&lists).join("updated"), "").unwrap();
    }
    // A server of the version that is installed is no way round.
    let environment: [(&str, &Path); 4] = [
        (fetched.variable, Path::new(mirror)),
        ("LOCAL_RDS_POSTGRES", Path::new("private")),
        ("XDG_CACHE_HOME", &cache),
        ("APT_CONFIG", &settings_path),
    ];
    let said = refusal(&run(&[fetched.version], &environment));
    let servers = fs::read_dir(cache.join("rds-iam-lambda/servers")).unwrap();
    let names = servers.map(|entry| entry.unwrap().path());
    let copies: Vec<_> = names.filter(|path| path.extension().is_none()).collect();
    assert!(copies.is_empty(), "{copies:?}: {said}");
    let last = said.lines().last().unwrap();
    assert!(last.contains(&format!("cannot fetch {}: ", fetched.version)), "{said}");
    assert!(last.contains(fetched.variable), "{said}");
    last.to_owned()
}

/// The lists of a mirror, signed with a key that nobody has any more.
const SIGNED_BY_A_STRANGER: &str = "-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Codename: nobodys
Date: Sun, 01 Nov 2026 00:00:00 UTC
SHA256:
-----BEGIN PGP SIGNATURE-----

iHUEARYIAB0WIQTq8xtwP/OP+pbVunG7Y5hmvf/99gUCaw0tJwAKCRC7Y5hmvf/9
9hsCAP4xbm0z0o8DQakmp3rMVYoYL3hWlDB37w7MrccaO6SjnAD+LT6xlQCX9BBD
88hjmke7bhzITVDugidLTsSlV2fnWwo=
=z6M9
-----END PGP SIGNATURE-----
";

/// A mirror whose lists nobody has signed, or nobody that is known, is no source of programs.
#[test]
fn packages_that_nobody_has_signed_are_refused() {
    let fetched = fetched();
    let folder = tempfile::tempdir().unwrap();
    let mirror = folder.path().join(fetched.archive);
    let suites = [fetched.release.to_owned(), format!("{}-updates", fetched.release)];
    for suite in &suites {
        let suite = mirror.join("dists").join(suite);
        let lists = suite.join("main/binary-amd64");
        fs::create_dir_all(&lists).unwrap();
        fs::write(lists.join("Packages"), "").unwrap();
        fs::write(suite.join("Release"), "Suite: any\nDate: Sat, 01 Aug 2026 00:00:00 UTC\n")
            .unwrap();
    }
    let address = format!("file://{}", mirror.display());
    let lax = "APT::Get::AllowUnauthenticated \"true\";\nAcquire::AllowInsecureRepositories \"true\";\n\
               Acquire::AllowWeakRepositories \"true\";\n\
               Acquire::AllowDowngradeToInsecureRepositories \"true\";\n";
    for settings in ["", lax] {
        let said = unfetched(&fetched, settings, &address);
        assert!(said.contains("is not signed"), "{settings}{said}");
        assert!(!said.contains("http://"), "the mirror that is named is the only one: {said}");
    }
    for suite in &suites {
        fs::write(mirror.join("dists").join(suite).join("InRelease"), SIGNED_BY_A_STRANGER)
            .unwrap();
    }
    let said = unfetched(&fetched, lax, &address);
    let family = fetched.archive.split('-').next().unwrap();
    let keyring = format!("{family}-archive-keyring");
    assert!(
        said.contains(&format!("is signed with a key that /usr/share/keyrings/{keyring}")),
        "{said}"
    );
    assert!(said.contains("install the newest "), "{said}");
}

/// Addresses of other people's archives end as the distribution's do.
#[test]
fn every_mirror_of_the_system_is_tried_and_then_the_makers() {
    let fetched = fetched();
    let Fetched { release, archive, makers: [makers, ended], .. } = fetched;
    let folder = tempfile::tempdir().unwrap();
    let sources = folder.path().join("sources");
    fs::create_dir(&sources).unwrap();
    let address = |name: &str| format!("file:{}", folder.path().join(name).join(archive).display());
    let [one_line, deb822] = ["download", "ppa"].map(address);
    let text = format!("deb [arch=amd64 signed-by=/k.gpg] {one_line} {release} stable\n");
    fs::write(sources.join("1.list"), text).unwrap();
    let off = address("off");
    let text = format!(
        "Types: deb deb-src\nURIs: {deb822}\nSuites: {release}\nComponents: main\n\n\
         Enabled: no\nTypes: deb\nURIs: {off}\nSuites: {release}\nComponents: main\n"
    );
    fs::write(sources.join("2.sources"), text).unwrap();
    // Nothing listens there: the makers' archives do not answer.
    let settings = format!(
        "Dir::Etc::main \"/dev/null\";\nDir::Etc::parts \"/dev/null\";\n\
         Dir::Etc::sourcelist \"/dev/null\";\nDir::Etc::sourceparts \"{}\";\n\
         Acquire::http::Proxy \"http://127.0.0.1:1\";\n",
        sources.display()
    );
    let said = unfetched(&fetched, &settings, "");
    let tried = [&*one_line, &*deb822, makers, ended].map(|part| said.find(part));
    assert!(tried.iter().all(Option::is_some) && tried.is_sorted(), "{tried:?}: {said}");
    assert!(!said.contains(&off), "{said}");
}

crate::for_each_engine! {
    two_versions_run_side_by_side,
    a_version_that_is_nowhere_is_refused_with_the_list,
}

//! The resolver, asked by a program of the system: getent(1), which prints what `getaddrinfo(3)` says.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use function_harness::names::{Answer, ENDPOINT, Family, Names, without};
use std::net::IpAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const V4: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

/// Asks for both families (`ahosts`) or one (`ahostsv4`, `ahostsv6`).
fn ask(names: &Names, database: &str, host: &str) -> Child {
    let mut getent = Command::new("getent");
    getent.args([database, host]).envs(names.environment()).stdout(Stdio::piped());
    getent.spawn().unwrap()
}

/// The addresses of the answer, in its order; empty if it is an error.
async fn addresses(names: &Names, database: &str) -> Vec<IpAddr> {
    let child = ask(names, database, ENDPOINT);
    let output = tokio::task::spawn_blocking(move || child.wait_with_output());
    let output = output.await.unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.success(), !text.is_empty(), "{}", output.status);
    text.lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_told_what_the_test_says() {
    let names = Names::start();
    names.set(ENDPOINT, [V4, V6]);
    for (database, expected) in
        [("ahosts", &[V4, V6][..]), ("ahostsv4", &[V4]), ("ahostsv6", &[V6])]
    {
        assert_eq!(addresses(&names, database).await, expected, "{database}");
    }
    assert_eq!(names.asked(ENDPOINT), 3);
    for error in [Answer::NotFound, Answer::NoAddress, Answer::TryAgain, Answer::Fail] {
        names.next(ENDPOINT, [error.clone()]);
        assert_eq!(addresses(&names, "ahosts").await, [] as [IpAddr; 0], "{error:?}");
        assert_eq!(addresses(&names, "ahosts").await, [V4, V6], "after {error:?}");
    }

    // One family has no address, and then cannot be told.
    for answer in [Answer::NoAddress, Answer::TryAgain] {
        names.set_family(ENDPOINT, Family::V4, answer);
        assert_eq!(addresses(&names, "ahosts").await, [V6]);
    }
    names.set_family(ENDPOINT, Family::V4, V4);
    assert_eq!(addresses(&names, "ahosts").await, [V6, V4], "IPv6 comes first");
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_silence_and_other_names_are_the_systems() {
    let names = Names::start();
    names.set(ENDPOINT, V4);
    names.set_family(ENDPOINT, Family::V6, Answer::Silent);
    let mut silent = ask(&names, "ahosts", ENDPOINT);
    assert_eq!(addresses(&names, "ahostsv4").await, [V4]);
    names.set(ENDPOINT, Answer::After(Duration::from_millis(300), Box::new(V6.into())));
    assert_eq!(addresses(&names, "ahosts").await, [V6]);
    assert!(silent.try_wait().unwrap().is_none(), "a silent resolver has answered");
    silent.kill().unwrap();
    silent.wait().unwrap();

    let own = ask(&names, "ahostsv4", "localhost").wait_with_output().unwrap();
    assert!(own.stdout.starts_with(b"127.0.0.1"), "{own:?}");
    assert_eq!(names.asked("localhost"), 0);
}

/// A kernel without IPv6: what needs such a socket fails.
#[test]
fn a_family_can_be_missing() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _entered = runtime.enter();
    let names = Names::start();
    let listener = std::net::TcpListener::bind("[::1]:0").unwrap();
    let connect = |missing: Option<Family>| {
        let port = listener.local_addr().unwrap().port();
        let mut bash = Command::new("bash");
        bash.args(["-c", &format!("exec 3<>/dev/tcp/::1/{port}")]).envs(names.environment());
        bash.envs(missing.map(without)).output().unwrap()
    };
    for missing in [None, Some(Family::V4)] {
        assert!(connect(missing).status.success(), "{missing:?}: {:?}", connect(missing));
    }
    let refused = connect(Some(Family::V6));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("not supported"), "{said}");
}

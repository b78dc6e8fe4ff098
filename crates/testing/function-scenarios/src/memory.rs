//! What of its secrets a function's process has in its memory once it is logged in: all that its owner,
//! a core dump or a statement that reads memory could find.

use iam_auth::Endpoint;
use local_rds::Engine;
use local_rds::iam::AccessKey;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::{Deployed, Rig};

const ITEMS: &str = r#"{"statement":"items"}"#;
/// As much is read of a mapping at a time.
const PIECE: usize = 1 << 20;

/// No part of a token is left once a login is over, however it ended.
pub async fn tokens(engine: Engine, bootstrap: &str) {
    let rig = Rig::start(engine, bootstrap).await;
    let begun = now();
    let sleep = match engine {
        Engine::Postgres => "SELECT pg_sleep(60)::text AS s",
        Engine::MySql | Engine::MariaDb => "SELECT SLEEP(60) AS s",
    };
    let limit = Duration::from_secs(5);
    let function = rig.deploy_limited(limit, &[], &[("slow", sleep)]).await;
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    holds_no_token(&function, &rig, begun);

    // Session tokens have no set length: STS's guidance is 4096 bytes at most.
    let long = AccessKey { session_token: Some("IQoJ".repeat(1024)), ..AccessKey::random() };
    rig.server.iam().set_keys(vec![rig.server.access_key(), long.clone()]);
    let other = rig.deploy_signed_by(long.clone(), &[]).await;
    assert_eq!(other.ok(ITEMS).await["row_count"], 3);
    holds_no_token_of(&other, &rig, long, begun);

    // A statement is ended from a connection of its own, and a diagnosis logs in for itself.
    function.fails(r#"{"statement":"slow"}"#, "Timeout").await;
    function.ok(diagnosis::EVENT).await;
    holds_no_token(&function, &rig, begun);

    // Tokens that are denied are good elsewhere.
    rig.server.iam().set_keys(vec![]);
    let function = rig.deploy(&[]).await;
    function.fails(ITEMS, "Login.Denied").await;
    assert_eq!(function.ok(diagnosis::EVENT).await["diagnose"]["ok"], false);
    holds_no_token(&function, &rig, begun);
}

/// Of the credentials there is what logins need, and what Lambda put into the environment.
pub async fn credentials(engine: Engine, bootstrap: &str) {
    let rig = Rig::start(engine, bootstrap).await;
    let function = rig.deploy(&[]).await;
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    let key = rig.server.access_key();
    let session_token = key.session_token.unwrap();
    for (what, secret) in [("secret access key", key.secret), ("session token", session_token)] {
        let found = function.search(&[(what, secret.into_bytes())]);
        let (of_lambda, own): (Vec<_>, Vec<_>) =
            found.iter().partition(|at| at.contains("[stack]"));
        assert_eq!((of_lambda.len(), own.len()), (1, 1), "{found:#?}");
    }
}

fn holds_no_token(function: &Deployed<'_>, rig: &Rig, begun: SystemTime) {
    holds_no_token_of(function, rig, rig.server.access_key(), begun);
}

/// Fails when a part of a token that was signed with `key` since `begun` is in the function's memory.
fn holds_no_token_of(function: &Deployed<'_>, rig: &Rig, key: AccessKey, begun: SystemTime) {
    let credential = format!("X-Amz-Credential={}", key.id).into_bytes();
    let mut needles = signatures(rig, key, begun);
    let signed = |digit| ("token", format!("X-Amz-Signature={digit}").into_bytes());
    needles.extend("0123456789abcdef".chars().map(signed));
    needles.push(("token", credential));
    let found = function.search(&needles);
    assert!(found.is_empty(), "parts of a token are left: {found:#?}");
}

#[allow(clippy::disallowed_methods, reason = "tokens are dated by it")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// The secret part of every token that `key` can have signed since `begun`: of its signature each half
/// of each half, and each half as the bytes that it is written from.
fn signatures(rig: &Rig, key: AccessKey, begun: SystemTime) -> Vec<Needle> {
    let resource = rig.server.iam().resource();
    let endpoint = Endpoint::with_region(&resource.host, resource.port, &resource.region).unwrap();
    let AccessKey { id, secret, session_token, .. } = key;
    let credentials =
        aws_credential_types::Credentials::new(id, secret, session_token, None, "the test");
    let seconds = now().duration_since(begun).unwrap().as_secs();
    let mut needles = vec![];
    for second in 0..=seconds + 1 {
        let at = begun + Duration::from_secs(second);
        let token = iam_auth::sign(&endpoint, rig.server.user(), &credentials, at).unwrap();
        let signature = token.expose().rsplit_once('=').unwrap().1.as_bytes();
        let digit = |digit: u8| (digit as char).to_digit(16).unwrap() as u8;
        let raw: Vec<_> =
            signature.chunks(2).map(|two| digit(two[0]) << 4 | digit(two[1])).collect();
        needles.extend(signature.chunks(16).map(|part| ("signature", part.to_vec())));
        needles.extend(raw.chunks(16).map(|part| ("signature in bytes", part.to_vec())));
    }
    needles
}

/// What it is, and its bytes: two at least.
type Needle = (&'static str, Vec<u8>);

impl Deployed<'_> {
    /// Where in the function's memory each of `needles` is.
    fn search(&self, needles: &[Needle]) -> Vec<String> {
        let mut by_start: BTreeMap<[u8; 2], Vec<&Needle>> = BTreeMap::new();
        for needle in needles {
            by_start.entry([needle.1[0], needle.1[1]]).or_default().push(needle);
        }
        let mut is_start = vec![false; 1 << 16];
        for start in by_start.keys() {
            is_start[usize::from(u16::from_be_bytes(*start))] = true;
        }
        let longest = needles.iter().map(|(_, bytes)| bytes.len()).max().unwrap();
        let mut found = vec![];
        let processes = self.processes();
        assert_eq!(processes.len(), 1);
        each_piece(&processes[0], longest, |place, bytes, own| {
            for (at, start) in bytes[..own].windows(2).enumerate() {
                if !is_start[usize::from(u16::from_be_bytes([start[0], start[1]]))] {
                    continue;
                }
                let here = by_start[&[start[0], start[1]]].iter();
                for (what, _) in here.filter(|(_, needle)| bytes[at..].starts_with(needle)) {
                    found.push(format!("{what} in {place} + {at:#x}"));
                }
            }
        });
        found
    }
}

/// Reads every mapping of a process that can be read, and that it can have written to: `look` is given the line of proc(5)'s `maps`,
/// some bytes, and how many of them the next call does not begin with.
fn each_piece(process: &Path, overlap: usize, mut look: impl FnMut(&str, &[u8], usize)) {
    let memory = File::open(process.join("mem")).unwrap();
    let maps = fs::read_to_string(process.join("maps")).unwrap();
    let mut read = 0;
    let mut buffer = vec![0; PIECE + overlap];
    for map in maps.lines() {
        let of_kernel = map.contains("[vvar") || map.contains("[vsyscall]");
        let of_program = map.contains('/') && !map.contains(" rw");
        if !map.contains(" r") || of_kernel || of_program {
            continue;
        }
        let (start, end) = map.split_once(' ').unwrap().0.split_once('-').unwrap();
        let address = |text| u64::from_str_radix(text, 16).unwrap();
        let (mut at, end) = (address(start), address(end));
        while at < end {
            let length = (end - at).min(buffer.len() as u64) as usize;
            memory
                .read_exact_at(&mut buffer[..length], at)
                .unwrap_or_else(|e| panic!("{map}: {e}"));
            let own = length.min(PIECE);
            look(&format!("{map} at {at:#x}"), &buffer[..length], own);
            at += own as u64;
            read += own;
        }
    }
    assert!(read > 1 << 20, "{read} bytes are not the memory of a function");
}

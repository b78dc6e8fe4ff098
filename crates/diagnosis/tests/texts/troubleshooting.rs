//! docs/TROUBLESHOOTING.md is the table of causes written out: this test compares them, and with
//! `UPDATE_DOCS=1` rewrites the file.

use diagnosis::{Cause, Placeholders, RdsResource, StepName};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::mysql::MYSQL;
use crate::postgres::POSTGRES;

const INTRODUCTION: &str = "\
# Troubleshooting

Why a function cannot log in, and how to fix it. Ask the function first, because it sees the network
that it runs in: send it `{\"diagnose\": true}`, or run `cargo xtask doctor`. It takes the steps of a
login one by one and names the causes that fit what it saw, the likeliest first. They are the causes
below, under the same names, with the words in capitals filled in.

A server denies a token with the same message whatever the reason, so the diagnosis looks for evidence
that tells the causes apart:

- After the server denied a login, the diagnosis checks how the server wants the user to authenticate.
  A server asks users created for IAM for a token, and all other users, existing or not, for a
  password. (MariaDB treats a user that does not exist like some other user. There the diagnosis relies
  on the other evidence.)
- It waits for each step as long as the event has time, and tells how long it took. A database that was
  paused answers late: a step that goes well after more than 5 seconds is a warning.
- It reads the server's certificate: its names, the region of its CA and its expiry.
- If a token is denied, it changes one thing at a time and checks whether the server accepts the result:
  the same token a second later, the names in the certificate, the region of the CA, the engine's
  default port, other spellings of the user, other times, and at last the same login once more, because
  RDS's own check of a token may have failed for a moment. Each attempt is an ordinary login over
  verified TLS. A token for another endpoint is sent only to a server that AWS's roots vouch for: those
  in `certs/`, or the layer's. For a self-managed server these causes are listed but not tried.

If nothing is wrong, no login of a diagnosis fails, so it triggers no alarm on failed logins. (On MySQL
it logs in twice: a connection that is closed before the login would count as aborted.) A fix names
only values that were proven, by a verified certificate and an accepted token, or that come from you or
from AWS's API. What a name server or an unverified server says is shown, but not used in a fix. A
diagnosis changes nothing: statements are prepared and planned in transactions that are rolled back.

Causes that no client can tell apart are listed by how often they occur: a missing policy, a policy for
the wrong resource id, IAM authentication that is off, a change that has not taken effect, and an access
key that AWS does not accept. For these, `cargo xtask doctor` asks AWS.

This file is generated from the table in `crates/diagnosis/src/cause.rs` by
`UPDATE_DOCS=1 cargo test -p diagnosis --test texts`. The test fails if they differ.
";

/// The heading of a step's causes.
fn heading(step: StepName) -> &'static str {
    match step {
        StepName::Settings => "settings: the environment variables and the files that they name",
        StepName::Credentials => "credentials: what tokens are signed with",
        StepName::Endpoint => "endpoint: what tokens are signed for",
        StepName::Trust => "trust: the roots that verify the server's certificate",
        StepName::Dns => "dns: name resolution",
        StepName::Tcp => "tcp: the TCP connection",
        StepName::Tls => "tls: the server proves its identity",
        StepName::Login => "login: the server accepts the token",
        StepName::Database => "database: the server, the user and the user's privileges",
        StepName::Statements => "statements: the server parses every statement and runs none",
    }
}

fn document() -> String {
    let [mysql, postgres] = [MYSQL, POSTGRES].map(|texts| {
        let placeholders = Placeholders::of_engine(texts).with_resource(RdsResource::Instance);
        placeholders.with("engine", "MySQL or PostgreSQL")
    });
    let mut text = INTRODUCTION.to_owned();
    for step in StepName::ALL {
        let causes: Vec<_> = Cause::ALL.iter().filter(|one| one.entry().step == step).collect();
        if causes.is_empty() {
            continue;
        }
        writeln!(text, "\n## {}", heading(step)).unwrap();
        for cause in causes {
            let (mysql, postgres) = (mysql.fill(*cause), postgres.fill(*cause));
            writeln!(text, "\n### {}\n\n{}.", cause.id(), sentence(&mysql.title)).unwrap();
            paragraph(&mut text, "Confirm", &mysql.confirm, &postgres.confirm);
            paragraph(&mut text, "Fix", &mysql.fix, &postgres.fix);
        }
    }
    text
}

/// One paragraph where the engines agree, otherwise one for each.
fn paragraph(text: &mut String, name: &str, mysql: &str, postgres: &str) {
    if mysql == postgres {
        writeln!(text, "\n**{name}:** {mysql}.").unwrap();
    } else {
        writeln!(text, "\n**{name} (MySQL):** {mysql}.").unwrap();
        writeln!(text, "\n**{name} (PostgreSQL):** {postgres}.").unwrap();
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[test]
fn the_document_is_the_table_of_causes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/TROUBLESHOOTING.md");
    let expected = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let differs = found.lines().zip(expected.lines()).position(|(found, made)| found != made);
    let line = differs.unwrap_or_else(|| found.lines().count().min(expected.lines().count())) + 1;
    assert!(
        found == expected,
        "docs/TROUBLESHOOTING.md differs from the causes in the code at line {line}: rewrite it by \
         `UPDATE_DOCS=1 cargo test -p diagnosis --test texts`"
    );
}

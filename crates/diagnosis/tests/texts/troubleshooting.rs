//! docs/TROUBLESHOOTING.md is the table of causes, written out: this test compares them, and writes
//! the file anew when it is run with `UPDATE_DOCS=1`.

use diagnosis::{Cause, Placeholders, RdsResource, StepName};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::mysql::MYSQL;
use crate::postgres::POSTGRES;

const INTRODUCTION: &str = "\
# Troubleshooting

Why a function cannot log in, and what to do about it. Ask the function itself first: it sees the
network that it runs in. Send it `{\"diagnose\": true}`, or run `cargo xtask doctor`. It walks the way
of a login step by step and names the causes that fit what it saw, the likeliest first. They are the
ones below, under the same names, with the words in capitals filled in.

A server denies a token in the same words whatever is wrong with it, so the doctor looks for what
tells the causes apart:

- It hears which proof the server asks for once it denied a login. Servers ask users made for IAM for a
  token, and all others, whether they exist or not, for a password. (MariaDB asks users that do not
  exist for what it asks some other user for. There the doctor counts on the other signs.)
- It reads the certificate: whom it names, which region's CA it comes from, how long it is valid.
- When a token is denied, it changes one thing at a time and looks whether the server accepts it: the
  same a second later, the names in the certificate, the region of the CA, the engine's own port,
  other spellings of the user, other times of day. Each is an ordinary login over verified TLS. Tokens
  for other endpoints are sent only where AWS's own roots vouch for the server: those of `certs/`, or
  the layer's. On a server of your own these causes are listed, and not tried.

Where nothing is wrong, no login of a diagnosis fails, and no alarm on logins that fail goes off. (On
MySQL there are two: a connection that is only looked at would count as an aborted one.) A fix names
what was proven, by a verified certificate and a token that was taken, or what you or AWS's API told;
what a name server or an unverified server says is shown and named in no fix. A diagnosis changes
nothing: statements are prepared and planned in transactions that are rolled back.

What no client can tell apart is listed by how often it happens: a policy that is missing, one on the
wrong resource id, IAM authentication that is off, a change that is not in force yet, and an access
key that AWS does not accept. There `cargo xtask doctor` asks AWS.

This file is generated from the causes in the code (`crates/diagnosis/src/cause.rs`) by
`UPDATE_DOCS=1 cargo test -p diagnosis --test texts`, and the test fails when they differ.
";

/// What each step is about.
fn heading(step: StepName) -> &'static str {
    match step {
        StepName::Settings => "settings: the environment, and the files it points to",
        StepName::Credentials => "credentials: what tokens are signed with",
        StepName::Endpoint => "endpoint: what tokens are signed for",
        StepName::Trust => "trust: the roots that the server's certificate must lead to",
        StepName::Dns => "dns: the name becomes addresses",
        StepName::Tcp => "tcp: an address becomes a connection",
        StepName::Tls => "tls: the server proves to be the endpoint",
        StepName::Login => "login: the server takes the token",
        StepName::Database => "database: what the server says of itself and the user",
        StepName::Statements => "statements: the server parses every one, and runs none",
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
            paragraph(&mut text, "To be sure", &mysql.confirm, &postgres.confirm);
            paragraph(&mut text, "To mend it", &mysql.fix, &postgres.fix);
        }
    }
    text
}

/// One paragraph where the engines agree, else one for each.
fn paragraph(text: &mut String, name: &str, mysql: &str, postgres: &str) {
    if mysql == postgres {
        writeln!(text, "\n**{name}:** {mysql}.").unwrap();
    } else {
        writeln!(text, "\n**{name}, on MySQL:** {mysql}.").unwrap();
        writeln!(text, "\n**{name}, on PostgreSQL:** {postgres}.").unwrap();
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[test]
fn the_document_says_what_the_doctor_says() {
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
        "docs/TROUBLESHOOTING.md differs from the causes in the code at line {line}: write it anew by \
         `UPDATE_DOCS=1 cargo test -p diagnosis --test texts`"
    );
}

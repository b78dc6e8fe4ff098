//! Which logins are accepted, and the errors of the others, which are RDS's.

use local_rds::iam::AccessKey;
use local_rds::{Engine, KeyType, Server};

use crate::client::{Transport, log_in, query};
use crate::token::{Claim, TOO_OLD, good};

const ITEMS: &str = "
CREATE TABLE items (
    id   INT PRIMARY KEY,

    name VARCHAR(100) NOT NULL
);

INSERT INTO items VALUES (1, 'first'), (2, 'se;cond'); -- more than one statement in a line
INSERT INTO items VALUES (3, 'an empty line;

and more')";

fn start(engine: Engine) -> Server {
    Server::builder(engine).setup(ITEMS).start().unwrap()
}

/// The error of a client of `engine` whose token is refused.
fn refused(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "28000 PAM authentication failed for user \"lambda_user\"",
        _ => "1045 (28000) Access denied for user 'lambda-user'@'127.0.0.1' (using password: YES)",
    }
}

/// Asserts that the last login was refused for a reason with `words` in it.
#[track_caller]
fn assert_reason(server: &Server, words: &str) {
    let refusals = server.iam().refusals();
    let last = refusals.last().map_or("", String::as_str);
    assert!(last.to_lowercase().contains(words), "no {words:?} in the reason: {last}");
}

fn the_iam_user_may_do_everything_in_the_database(engine: Engine) {
    let server = start(engine);
    let query = |sql| query(&server, Transport::Verified, server.user(), &good(&server), sql);
    assert_eq!(
        query("SELECT name FROM items ORDER BY id").unwrap(),
        ["first", "se;cond", "an empty line;\n\nand more"]
    );
    query("INSERT INTO items VALUES (4, 'fourth')").unwrap();
    query("CREATE TABLE mine (id INT)").unwrap();
    assert_eq!(query("SELECT COUNT(*) FROM items").unwrap(), ["4"]);
    assert_eq!(server.iam().refusals(), [""; 0]);
}

fn a_wrong_token_is_refused_in_the_words_of_rds(engine: Engine) {
    let server = start(engine);
    type Change = fn(&mut Claim);
    let changes: [(&str, Change); 7] = [
        ("signature", |claim| claim.key.secret = AccessKey::random().secret),
        ("access key", |claim| claim.key = AccessKey::random()),
        ("for 900 seconds", |claim| claim.age = TOO_OLD),
        ("user", |claim| claim.user = "somebody_else".to_owned()),
        ("host", |claim| claim.host = claim.host.replace("local", "other")),
        ("port", |claim| claim.port += 1),
        ("no x-amz-security-token", |claim| claim.key.session_token = None),
    ];
    for (reason, change) in changes {
        let mut claim = Claim::of(&server);
        change(&mut claim);
        assert_eq!(log_in(&server, &claim.sign()).unwrap_err(), refused(engine), "{reason}");
        assert_reason(&server, reason);
    }
    let garbage = log_in(&server, "not a token").unwrap_err();
    assert_eq!(garbage, refused(engine));

    log_in(&server, &good(&server)).expect("a good token after bad ones");
}

fn what_is_not_iam_over_tls_is_refused(engine: Engine) {
    let server = start(engine);
    let token = good(&server);
    let attempt = |transport, user: &str, password: &str| {
        query(&server, transport, user, password, "SELECT 1").unwrap_err()
    };
    let (plain, empty, unknown, administrator) = match engine {
        Engine::MySql => (
            "1045 (28000) Access denied for user 'lambda-user'@'127.0.0.1' (using password: YES)",
            "1045 (28000) Access denied for user 'lambda-user'@'127.0.0.1' (using password: NO)",
            "1045 (28000) Access denied for user 'nobody_here'@'127.0.0.1'",
            "1045 (28000) Access denied for user 'root'@'127.0.0.1'",
        ),
        Engine::MariaDb => (
            if server.version().starts_with("10.") {
                "1045 (28000) Access denied for user 'lambda-user'@'127.0.0.1'"
            } else {
                "3159 (08004) Connections using insecure transport are prohibited"
            },
            "1045 (28000) Access denied for user 'lambda-user'@'127.0.0.1' (using password: NO)",
            "1045 (28000) Access denied for user 'nobody_here'@'127.0.0.1'",
            "1045 (28000) Access denied for user 'root'@'127.0.0.1'",
        ),
        Engine::Postgres => (
            "28000 pg_hba.conf rejects connection for host \"127.0.0.1\", user \"lambda_user\", \
             database \"app\", no encryption",
            "28P01 empty password returned by client",
            "28P01 password authentication failed for user \"nobody_here\"",
            "28P01 password authentication failed for user \"postgres\"",
        ),
    };
    let superuser = if engine == Engine::Postgres { "postgres" } else { "root" };
    for (heard, expected) in [
        (attempt(Transport::Plain, server.user(), &token), plain),
        (attempt(Transport::Verified, server.user(), ""), empty),
        (attempt(Transport::Verified, "nobody_here", &token), unknown),
        (attempt(Transport::Verified, superuser, &token), administrator),
        (attempt(Transport::Verified, superuser, ""), ""),
    ] {
        // For an account that does not exist MySQL may, by chance, name a plugin of none.
        let is_decoy = engine == Engine::MySql
            && [unknown, administrator, ""].contains(&expected)
            && heard.contains("Unknown authentication plugin");
        assert!(is_decoy || heard.contains(expected), "expected {expected:?}, heard {heard:?}");
    }
}

fn settings_change_while_the_server_runs(engine: Engine) {
    let server = start(engine);
    let iam = server.iam();
    let user_arn = server.resource_arn(server.user());
    let policy = |effect: &str, resource: &str| {
        let statement =
            format!(r#"{{"Effect":"{effect}","Action":"rds-db:connect","Resource":"{resource}"}}"#);
        iam.set_policy(&format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#))
            .unwrap();
    };
    let refused = Err(refused(engine).to_owned());
    let token = good(&server);
    assert_eq!(log_in(&server, &token), Ok(()));

    iam.set_clock_offset(TOO_OLD.as_secs().cast_signed());
    assert_eq!(log_in(&server, &token), refused);
    iam.set_clock_offset(-60);
    assert_eq!(log_in(&server, &token), refused);
    iam.set_clock_offset(0);

    policy("Deny", &user_arn);
    assert_eq!(log_in(&server, &token), refused);
    policy("Allow", &server.resource_arn("somebody_else"));
    assert_eq!(log_in(&server, &token), refused);
    policy("Allow", &server.resource_arn("*"));
    assert_eq!(log_in(&server, &token), Ok(()));

    iam.set_keys(vec![AccessKey::random()]);
    assert_eq!(log_in(&server, &token), refused);
    iam.set_keys(vec![AccessKey::random(), server.access_key()]);
    assert_eq!(log_in(&server, &token), Ok(()));

    iam.set_connection_cap(Some(0));
    assert_eq!(log_in(&server, &token), refused);
    iam.set_connection_cap(None);
    assert_eq!(log_in(&server, &token), Ok(()));
}

fn other_keys_make_certificates_too(engine: Engine) {
    let server = Server::builder(engine).key_type(KeyType::P384).start().unwrap();
    log_in(&server, &good(&server)).unwrap();
}

fn two_servers_know_nothing_of_each_other(engine: Engine) {
    let (one, other) = (start(engine), start(engine));
    assert_ne!(one.address(), other.address());
    for server in [&one, &other] {
        log_in(server, &good(server)).unwrap();
    }
    // The same endpoint name, another key.
    assert_eq!(log_in(&other, &good(&one)).unwrap_err(), refused(engine));
    drop(one);
    log_in(&other, &good(&other)).unwrap();
}

crate::for_each_engine! {
    the_iam_user_may_do_everything_in_the_database,
    a_wrong_token_is_refused_in_the_words_of_rds,
    what_is_not_iam_over_tls_is_refused,
    settings_change_while_the_server_runs,
    other_keys_make_certificates_too,
    two_servers_know_nothing_of_each_other,
}

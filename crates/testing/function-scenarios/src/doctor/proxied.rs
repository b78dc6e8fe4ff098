//! The words of an RDS Proxy: at a login, and at a statement, for which it borrows a connection.

use diagnosis::Cause;
use engine::Engine;
use function_harness::event::ITEMS;
use function_harness::{Deployed, Harness};
use local_rds::Server;
use std::fs;

use super::certificates::{Authority, Validity};
use super::stand_in::{StandIn, Words};
use super::{is_healthy, names};

const HOST: &str = "app.proxy-abc123def456.eu-west-1.rds.amazonaws.com";

/// What a proxy refuses a login with, and its cause.
type Refusal = (u16, &'static str, &'static str, Cause);

/// Refusals that last. They are worded as AWS's, with what else a proxy may add.
fn lasting(engine: Engine) -> Vec<Refusal> {
    match engine {
        Engine::Postgres => vec![
            (
                0,
                "28000",
                "This RDS proxy has no credentials for the role app. Check the credentials for this role \
                 and try again.",
                Cause::ProxySecretMissing,
            ),
            (
                0,
                "28000",
                "Configure IAM authentication as the DefaultAuthScheme in your proxy and try again.",
                Cause::ProxyDefaultScheme,
            ),
            (
                0,
                "28000",
                "enable IAM authentication for the client connection to the proxy",
                Cause::ProxyWithoutIam,
            ),
            (0, "28000", "This RDS Proxy requires TLS connections.", Cause::TlsRemoved),
            (
                0,
                "28000",
                "RDS supports only IAM, MD5, or SCRAM authentication.",
                Cause::ProxyOption,
            ),
            (
                0,
                "28P01",
                "The IAM authentication failed for the role \"app\". Check the IAM token for this role \
                 and try again.",
                Cause::PolicyMissing,
            ),
            (
                0,
                "28P01",
                "The password that was provided for the role app is wrong.",
                Cause::ProxySecretDiffers,
            ),
            (
                0,
                "0A000",
                "Feature not supported: RDS Proxy currently doesn't support the option jit.",
                Cause::ProxyOption,
            ),
            (
                0,
                "XX000",
                "Request returned an error: database \"shop\" does not exist.",
                Cause::DatabaseUnknown,
            ),
            (
                0,
                "XX000",
                "Request returned an error: PAM authentication failed for user \"app\".",
                Cause::ProxyDatabaseRefused,
            ),
        ],
        Engine::MySql | Engine::MariaDb => vec![
            (
                1045,
                "28000",
                "Access denied for user 'app'@'%' (using password: YES)",
                Cause::PolicyMissing,
            ),
            (3159, "HY000", "This RDS Proxy requires TLS connections.", Cause::TlsRemoved),
            (1105, "HY000", "Unknown error", Cause::ProxyDatabaseRefused),
            (
                1231,
                "42000",
                "Variable ''character_set_client'' can't be set to the value of 'utf8mb4'",
                Cause::ProxyOption,
            ),
            (1524, "HY000", "Plugin 'AWSAuthenticationPlugin' is not loaded", Cause::IamOff),
        ],
    }
}

/// Refusals that pass.
fn passing(engine: Engine) -> Vec<Refusal> {
    match engine {
        Engine::Postgres => vec![
            (
                0,
                "53300",
                "The IAM authentication failed because of too many competing requests.",
                Cause::ProxyBusy,
            ),
            (
                0,
                "53300",
                "The maximum number of client connections to the proxy exceeded 1000.",
                Cause::ProxyBusy,
            ),
            (0, "08004", "Rate of connection to proxy exceeded 200.", Cause::ProxyBusy),
            (
                0,
                "08000",
                "Timed-out waiting to acquire database connection.",
                Cause::ProxyBorrowTimeout,
            ),
            (
                0,
                "XX000",
                "Request returned an error: sorry, too many clients already.",
                Cause::TooManyConnections,
            ),
        ],
        Engine::MySql | Engine::MariaDb => vec![
            (1040, "HY000", "Connections rate limit exceeded (200)", Cause::ProxyBusy),
            (1040, "HY000", "IAM authentication rate limit exceeded", Cause::ProxyBusy),
            (1040, "HY000", "Number simultaneous connections exceeded (1000)", Cause::ProxyBusy),
            (
                9501,
                "HY000",
                "Timed-out waiting to acquire database connection",
                Cause::ProxyBorrowTimeout,
            ),
        ],
    }
}

/// A proxy's refusals have their causes, and those that pass are tried again.
pub async fn proxy_words(engine: Engine, bootstrap: &str) {
    let harness = Harness::with(Server::builder(engine).named(HOST), bootstrap).await;
    let authority = Authority::new("Amazon RSA 2048 M02", Validity::YEARS);
    let bundle = harness.folder().join("amazon.pem");
    fs::write(&bundle, authority.pem()).unwrap();
    let certificate = authority.issue(HOST, Validity::YEARS);
    harness.server.present(&certificate).unwrap();
    let proxy = StandIn::start(engine, &certificate, harness.server.address());
    let settings = [
        ("DB_CA_BUNDLE", bundle.display().to_string()),
        ("DB_CONNECT_TO", proxy.address.to_string()),
    ];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));

    for refusal in lasting(engine) {
        let (code, state, message, cause) = refusal;
        proxy.refuse(Words { code, state, message }, usize::MAX);
        let function = harness.deploy(&settings).await;
        let diagnosis = names(&function, "login", cause).await;
        let (kind, said) = function.invoke(ITEMS).await.expect_err("the login is refused");
        let is_denied = matches!(cause, Cause::PolicyMissing | Cause::ProxySecretDiffers);
        assert_eq!(kind, if is_denied { "Login.Denied" } else { "Login.Refused" }, "{said}");
        let title = cause.entry().title.split(['{', ':']).next().unwrap();
        assert!(said.contains(message) && said.contains(title), "{said}");
        if code == 1045 {
            // A proxy says the same of a token and of its own secret, if it has one.
            let secret = Cause::ProxySecretDiffers;
            assert!(said.contains(secret.entry().title), "{said}");
            assert_eq!(diagnosis["causes"][1]["cause"], secret.id(), "{diagnosis:#}");
        }
        function.assert_discreet(&said);
    }
    proxy.admit();
    let logged_in = harness.deploy(&settings).await;
    logged_in.ok(ITEMS).await;
    for refusal in passing(engine) {
        let (code, state, message, cause) = refusal;
        proxy.refuse(Words { code, state, message }, usize::MAX);
        names(&logged_in, "login", cause).await;
        proxy.refuse(Words { code, state, message }, 2);
        let function = harness.deploy(&settings).await;
        assert_eq!(function.ok(ITEMS).await["row_count"], 3, "{message}");
        assert_eq!(proxy.left(), 0, "it was tried again");
    }
}

/// A statement for which the proxy has no connection was not run: it is sent once more, and its error
/// says so. The server itself says a proxy's words here.
pub async fn proxy_statements(engine: Engine, bootstrap: &str) {
    let harness = Harness::with(Server::builder(engine).named(HOST), bootstrap).await;
    let said = "Timed-out waiting to acquire database connection";
    for (name, code, state, text) in [
        ("borrow", 9501, if engine == Engine::Postgres { "08000" } else { "HY000" }, said),
        (
            "puzzled",
            1105,
            if engine == Engine::Postgres { "XX000" } else { "HY000" },
            "Unknown error",
        ),
    ] {
        harness.execute(&raising(engine, name, code, state, text)).await;
    }
    if engine == Engine::Postgres {
        for (name, text) in [
            ("full", "Request returned an error: sorry, too many clients already."),
            ("away", "Request returned an error: database \"shop\" does not exist."),
            ("cut", "Request returned an error: SSL SYSCALL error: EOF detected."),
            ("recovery", "Request returned an error: the database system is in recovery mode."),
            ("rate", "Rate of connection to proxy exceeded 200."),
        ] {
            let state = if name == "rate" { "53300" } else { "XX000" };
            harness.execute(&raising(engine, name, 0, state, text)).await;
        }
    }
    let read = |name: &str| format!("SELECT {name}() AS id");
    let write =
        |name: &str| format!("-- mode: write\nINSERT INTO items (id, name) SELECT {name}(), 'x'");
    let mut statements = vec![];
    for name in ["borrow", "puzzled", "full", "away", "rate", "cut", "recovery"] {
        statements.push((format!("read_{name}"), read(name)));
        statements.push((format!("write_{name}"), write(name)));
    }
    let statements: Vec<_> =
        statements.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).collect();
    let function = harness.deploy_with(&[], &statements).await;

    let busy: &[&str] =
        if engine == Engine::Postgres { &["borrow", "full", "rate"] } else { &["borrow"] };
    for name in busy {
        for event in [
            format!(r#"{{"statement":"read_{name}"}}"#),
            format!(r#"{{"statement":"write_{name}"}}"#),
            format!(r#"{{"transaction":[{{"statement":"write_{name}"}}]}}"#),
        ] {
            let message = fails(&function, &event, "Query.Transient").await;
            assert!(message.contains("nothing was changed"), "{event}: {message}");
        }
    }
    let again = function.logs().matches("nothing was run; connecting again").count();
    assert_eq!(again, 3 * busy.len(), "each is sent once more");
    fails(&function, r#"{"statement":"read_puzzled"}"#, "ConnectionLost").await;
    let message = fails(&function, r#"{"statement":"write_puzzled"}"#, "OutcomeUnknown").await;
    assert!(message.contains("check the data"), "{message}");
    if engine == Engine::Postgres {
        let message = fails(&function, r#"{"statement":"write_away"}"#, "Query").await;
        assert!(message.contains("nothing was changed") && message.contains("proxy"), "{message}");
    }
    if engine == Engine::Postgres {
        fails(&function, r#"{"statement":"read_cut"}"#, "ConnectionLost").await;
        fails(&function, r#"{"statement":"read_recovery"}"#, "Query.Transient").await;
        // PostgreSQL says both after it has cut a connection, on which a write may have been carried out.
        for name in ["cut", "recovery"] {
            let event = format!(r#"{{"statement":"write_{name}"}}"#);
            let message = fails(&function, &event, "OutcomeUnknown").await;
            assert!(message.contains("check the data"), "{message}");
            let event = format!(r#"{{"transaction":[{{"statement":"write_{name}"}}]}}"#);
            let message = fails(&function, &event, "ConnectionLost").await;
            assert!(message.contains("was rolled back"), "{message}");
        }
        commits(&harness).await;
    }
    assert_eq!(function.ok(ITEMS).await["row_count"], 3, "nothing was written");

    // A server that is no proxy's has answered the statement itself.
    let direct = Harness::start(engine, bootstrap).await;
    let state = if engine == Engine::Postgres { "XX000" } else { "HY000" };
    direct.execute(&raising(engine, "puzzled", 1105, state, "Unknown error")).await;
    let statements = [("puzzled", write("puzzled"))];
    let statements = statements.each_ref().map(|(name, sql)| (*name, sql.as_str()));
    let function = direct.deploy_with(&[], &statements).await;
    let message = function.fails(r#"{"statement":"puzzled"}"#, "Query").await;
    assert!(!message.contains("Proxy"), "{message}");
}

/// What a proxy says at a COMMIT, whatever it is, does not tell what became of the transaction.
async fn commits(harness: &Harness) {
    harness
        .execute(
            "CREATE TABLE late (id INT); \
             CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING \
             ERRCODE = 'XX000', MESSAGE = 'Request returned an error: sorry, too many clients already.'; \
             END $$; \
             CREATE CONSTRAINT TRIGGER late AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION late(); GRANT INSERT ON late TO PUBLIC",
        )
        .await;
    let late = [("late", "-- mode: write\nINSERT INTO late VALUES (1)")];
    let function = harness.deploy_with(&[], &late).await;
    let message =
        fails(&function, r#"{"transaction":[{"statement":"late"}]}"#, "OutcomeUnknown").await;
    assert!(message.contains("check the data"), "{message}");
}

/// A statement that pins is told through a proxy's endpoint, and only there. It works.
pub async fn pins(engine: Engine, bootstrap: &str) {
    let harness = Harness::with(Server::builder(engine).named(HOST), bootstrap).await;
    let pinning = match engine {
        Engine::Postgres => "SELECT pg_try_advisory_lock(7)",
        Engine::MySql | Engine::MariaDb => "SELECT GET_LOCK('a', 0)",
    };
    let function = harness.deploy_with(&[], &[("held", pinning)]).await;
    let diagnosis = names(&function, "statements", Cause::ProxyPins).await;
    let step = &diagnosis["steps"][9];
    assert_eq!(step["verdict"], "warning", "{diagnosis:#}");
    let statements = step["facts"]["statements"].as_array().unwrap();
    for statement in statements {
        // An example is exclusive, for which MySQL has no lock that does not pin.
        let exclusive = engine != Engine::Postgres && statement["name"] == "purge-items";
        let pins = statement["name"] == "held" || exclusive;
        assert_eq!(statement["pins"].is_string(), pins, "{statement}");
    }
    function.ok(r#"{"statement":"held"}"#).await;

    let direct = Harness::start(engine, bootstrap).await;
    is_healthy(&direct.deploy_with(&[], &[("held", pinning)]).await).await;
}

async fn fails(function: &Deployed<'_>, event: &str, kind: &str) -> String {
    let message = function.fails(event, kind).await;
    assert!(!message.contains("correct the statement"), "{message}");
    message
}

/// SQL that makes a function which fails with a proxy's words.
fn raising(engine: Engine, name: &str, code: u16, state: &str, text: &str) -> String {
    let text = text.replace('\'', "''");
    match engine {
        Engine::Postgres => format!(
            "CREATE FUNCTION {name}() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION \
             USING ERRCODE = '{state}', MESSAGE = '{text}'; END $$;"
        ),
        Engine::MySql | Engine::MariaDb => format!(
            "CREATE FUNCTION {name}() RETURNS INT NO SQL BEGIN SIGNAL SQLSTATE '{state}' SET \
             MYSQL_ERRNO = {code}, MESSAGE_TEXT = '{text}'; RETURN 1; END"
        ),
    }
}

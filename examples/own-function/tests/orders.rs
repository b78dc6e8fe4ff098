//! The function behind Lambda's APIs, and a real PostgreSQL that accepts only IAM tokens.

use local_lambda::{Function, Lambda};
use local_rds::{Engine, Server};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_takes_from_the_stock() {
    let schema = include_str!("../schema.sql");
    let server = Server::builder(Engine::Postgres).setup(schema).start().unwrap();
    let code = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_own-function");
    std::os::unix::fs::symlink(program, code.path().join("bootstrap")).unwrap();
    let key = server.access_key();
    let function = Function::new("take", code.path())
        .region(server.region())
        .credentials(key.id, key.secret, key.session_token.unwrap_or_default())
        .env("DB_HOST", server.host())
        .env("DB_USER", server.user())
        .env("DB_NAME", server.database())
        .env("DB_CONNECT_TO", server.address().to_string())
        .env("DB_CA_BUNDLE", server.ca_bundle().to_str().unwrap());
    let lambda = Lambda::start().await.unwrap();
    lambda.create_function(function).await.unwrap();

    for (event, answer) in [
        (r#"{"id":1,"quantity":7}"#, r#"{"name":"tea","left":3}"#),
        (r#"{"id":1,"quantity":7}"#, "there are only 3 of tea"),
        (r#"{"id":9,"quantity":1}"#, "NoSuchItem"),
    ] {
        let invocation = lambda.invoke("take", event).await.unwrap();
        let payload = String::from_utf8_lossy(&invocation.payload).into_owned();
        assert!(payload.contains(answer), "{payload}\n{}", lambda.logs("take"));
    }
}

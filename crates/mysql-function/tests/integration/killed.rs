//! A statement that runs for too long is killed by the number that the server tells inside TLS: the
//! greeting has one too, in plain text.

use engine::Engine;
use function_harness::event::{ITEMS, call};
use function_harness::{Harness, until};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// Somebody on the way changes the number in the greeting to that of another connection. The late
/// statement is killed, and the other one is not.
pub(crate) async fn by_its_own_number(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let sleeps = [
        // Without a time-out of its own, so that the server does not end it.
        ("late", "SELECT SLEEP(60) AS late"),
        ("other", "SELECT SLEEP(9) AS other"),
    ];
    let told = Arc::new(AtomicU32::new(0));
    let address = between(harness.server.address(), told.clone()).await.to_string();
    let others = harness.deploy_with(&[], &sleeps).await;
    let limit = std::time::Duration::from_secs(4);
    let function = harness.deploy_limited(limit, &[("DB_CONNECT_TO", &address)], &sleeps).await;
    let other = call("other");
    let (answer, ()) = tokio::join!(others.invoke(&other), async {
        until("the other one runs", async || harness.asleep("other").await == 1).await;
        let rows = harness
            .execute(
                "SELECT id FROM information_schema.processlist WHERE info LIKE '%other%' \
                 AND user = 'lambda-user'",
            )
            .await;
        told.store(rows[0][0].as_deref().unwrap().parse().unwrap(), Ordering::Relaxed);
        function.ok(ITEMS).await;
        let message = function.fails(&call("late"), "Timeout").await;
        assert!(!message.contains("did not report"), "it was not killed: {message}");
        until("it has ended on the server", async || harness.asleep("late").await == 0).await;
    });
    // A killed one returns 1 on MySQL, and fails on MariaDB.
    assert_eq!(answer.unwrap()["rows"][0]["other"], 0);
}

/// Forwards connections to `server`, and changes the number in its greetings to `told`.
async fn between(server: SocketAddr, told: Arc<AtomicU32>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let told = told.clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(server).await.unwrap();
                let mut header = [0; 4];
                server.read_exact(&mut header).await.unwrap();
                let length = u32::from_le_bytes([header[0], header[1], header[2], 0]);
                let mut greeting = vec![0; length as usize];
                server.read_exact(&mut greeting).await.unwrap();
                // The protocol's version, the server's version and a zero byte, the number.
                let zero = greeting.iter().position(|&byte| byte == 0).unwrap();
                let number = told.load(Ordering::Relaxed).to_le_bytes();
                greeting[zero + 1..zero + 5].copy_from_slice(&number);
                client.write_all(&[&header[..], &greeting].concat()).await.unwrap();
                // Either side may end it.
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    address
}

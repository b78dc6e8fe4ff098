//! An OpenTelemetry collector beside a function, which keeps what it is sent.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::poll::until;

/// A collector.
pub struct Collector {
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub url: String,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    /// Starts one, for as long as the test runs.
    pub async fn start() -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let taken = Arc::<Mutex<Vec<String>>>::default();
        let all = taken.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let request = accept(stream).await;
                all.lock().unwrap().push(request);
            }
        });
        Collector { url, taken }
    }

    /// The bodies of the requests since the last call, as soon as there are so many.
    pub async fn take(&self, requests: usize) -> Vec<String> {
        until("the requests", async || self.taken.lock().unwrap().len() >= requests).await;
        std::mem::take(&mut *self.taken.lock().unwrap())
    }
}

/// Accepts one request. Returns its body.
async fn accept(stream: TcpStream) -> String {
    let mut stream = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).await.unwrap();
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    stream.write_all(answer).await.unwrap();
    String::from_utf8(body).unwrap()
}

//! The HTTP/1.1 of both APIs: a server that stops when dropped and refuses requests from pages in a
//! browser, bodies with a limit, answers in JSON.

use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use crate::foreign::foreign;

pub(crate) type Answer = Response<Full<Bytes>>;

/// How many connections are served at once; others are closed. An environment polls over one for each
/// event that it may be given at once, 64 for each vCPU.
const MAX_CONNECTIONS: usize = 1024;

/// How long the head of a request may take to arrive, and how long a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Not determined: every program of this machine is served.
    Any,
    /// The process that is served. It may be frozen in the middle of a request.
    Own,
    /// Another process.
    Other,
}

/// A server that runs, with its connections, until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    task: JoinHandle<()>,
}

impl Server {
    /// Serves each request with `handler`, except for peers that `identify` calls others.
    pub(crate) fn start<S, I, P, H, F>(
        listener: TcpListener,
        state: Arc<S>,
        identify: I,
        handler: H,
    ) -> Self
    where
        S: Send + Sync + 'static,
        I: Fn(Arc<S>, SocketAddr) -> P + Copy + Send + 'static,
        P: Future<Output = Peer> + Send + 'static,
        H: Fn(Arc<S>, Request<Incoming>) -> F + Copy + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                while connections.try_join_next().is_some() {}
                let Ok((stream, address)) = listener.accept().await else {
                    // The client is gone, or there are no file descriptors left: give connections time to end.
                    sleep(Duration::from_millis(10)).await;
                    continue;
                };
                if connections.len() < MAX_CONNECTIONS {
                    let state = state.clone();
                    connections.spawn(async move {
                        let peer = identify(state.clone(), address).await;
                        serve(stream, peer, move |request| handler(state.clone(), request)).await;
                    });
                }
            }
        });
        Self { task }
    }
}

/// Serves one connection to its end.
async fn serve<H, F>(stream: TcpStream, peer: Peer, handler: H)
where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Answer>,
{
    let Ok(own) = stream.local_addr() else { return };
    // Nagle's algorithm and delayed ACK would cost 40 ms. A failure here costs no more.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let refused = match peer {
            Peer::Any | Peer::Own => foreign(&request, own.port()),
            Peer::Other => Some("the Runtime API answers only the process of its own function"),
        };
        let answer = refused.map_or_else(|| Ok(handler(request)), Err);
        async move {
            Ok::<_, Infallible>(match answer {
                Ok(answer) => answer.await,
                Err(reason) => forbidden(reason),
            })
        }
    });
    let mut http = http1::Builder::new();
    if peer != Peer::Own {
        http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    }
    // The client notices a broken connection.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A request body, read to its end.
pub(crate) enum Received {
    /// All of it.
    Whole(Bytes),
    /// It exceeded the limit and was discarded.
    TooLarge,
    /// It ended early, or took longer than [`BODY_TIMEOUT`].
    Truncated,
}

/// Reads a body to its end even if it is too large, so that the client reads the answer and does not
/// see a reset connection.
pub(crate) async fn receive(body: Incoming, limit: usize) -> Received {
    match timeout(BODY_TIMEOUT, read(body, limit)).await {
        Ok(Ok(received)) => received,
        Ok(Err(_)) | Err(_) => Received::Truncated,
    }
}

async fn read(mut body: Incoming, limit: usize) -> Result<Received, hyper::Error> {
    let mut bytes = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            length += data.len();
            if length <= limit {
                bytes.extend_from_slice(&data);
            }
        }
    }
    Ok(if length <= limit { Received::Whole(bytes.into()) } else { Received::TooLarge })
}

/// An answer with a JSON body.
pub(crate) fn json(status: StatusCode, body: &Value) -> Answer {
    with_payload(status, Bytes::from(body.to_string()))
}

/// An answer whose body is JSON text.
pub(crate) fn with_payload(status: StatusCode, payload: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(payload));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// A refusal of the sender, after which the connection is closed.
fn forbidden(reason: &str) -> Answer {
    let mut answer = json(StatusCode::FORBIDDEN, &json!({ "Type": "User", "Message": reason }));
    set_header(&mut answer, "x-amzn-errortype", "AccessDeniedException");
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = status;
    answer
}

/// Sets a header. An invalid value is left out.
pub(crate) fn set_header(answer: &mut Answer, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        answer.headers_mut().insert(HeaderName::from_static(name), value);
    }
}

/// The text of a request's header, if it is there and is ASCII.
pub(crate) fn header<'a>(request: &'a Request<Incoming>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

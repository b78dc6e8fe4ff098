//! The little HTTP/1.1 that both APIs share: a server that stops when dropped, bodies with a limit,
//! answers in JSON.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
    time::sleep,
};

pub(crate) type Answer = Response<Full<Bytes>>;

/// A server that runs until this value is dropped, its connections with it.
#[derive(Debug)]
pub(crate) struct Server {
    task: JoinHandle<()>,
}

impl Server {
    /// Serves each request on the listener with `handler`.
    pub(crate) fn start<S, H, F>(listener: TcpListener, state: Arc<S>, handler: H) -> Self
    where
        S: Send + Sync + 'static,
        H: Fn(Arc<S>, Request<Incoming>) -> F + Copy + Send + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                while connections.try_join_next().is_some() {}
                let Ok((stream, _)) = listener.accept().await else {
                    // The client has gone, or files have run out: give others time to end.
                    sleep(Duration::from_millis(10)).await;
                    continue;
                };
                // Without it, Nagle and delayed ACK would cost 40 ms; where it fails, only that.
                let _ = stream.set_nodelay(true);
                let state = state.clone();
                let service = service_fn(move |request| {
                    let answer = handler(state.clone(), request);
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                connections.spawn(async move {
                    // A connection that breaks is the client's to notice.
                    let _ =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { task }
    }
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
    /// It exceeded the limit, and was discarded.
    TooLarge,
}

/// Reads a body to its end even when it is too large, so that the client gets to read the answer
/// instead of a reset connection.
pub(crate) async fn receive(mut body: Incoming, limit: usize) -> Result<Received, hyper::Error> {
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

/// An answer with a body that is JSON already.
pub(crate) fn with_payload(status: StatusCode, payload: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(payload));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = status;
    answer
}

/// Sets a header. A value that cannot stand in one is left out.
pub(crate) fn set_header(answer: &mut Answer, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        answer.headers_mut().insert(HeaderName::from_static(name), value);
    }
}

/// The text of a request's header, if it is there and is ASCII.
pub(crate) fn header<'a>(request: &'a Request<Incoming>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

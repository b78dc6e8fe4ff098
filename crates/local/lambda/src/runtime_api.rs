//! The Runtime API of one environment: where its function fetches events and posts responses.
//!
//! Version 2018-06-01, as <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html> has it.
//! Error bodies and states follow AWS's own Runtime Interface Emulator. Of the Extensions API there
//! is as much as an internal extension without events needs: `lambda_runtime` registers one to be
//! sent SIGTERM at shutdown.

use std::{
    collections::BTreeSet,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use hyper::{
    Method, Request, StatusCode,
    body::{Bytes, Incoming},
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{SetOnce, mpsc, oneshot},
};

use crate::{
    clock::Timestamp,
    fault::{RESPONSE_LIMIT, Reported},
    function::Function,
    http::{self, Answer, Peer, Received, Server},
    identity,
    process::Process,
};

/// What the runtime told Lambda.
#[derive(Debug)]
pub(crate) enum Report {
    /// It asks for the next event, and waits for it here.
    Next(oneshot::Sender<Event>),
    /// The response to the event of this request id.
    Response(String, Bytes),
    /// A response to it beyond [`RESPONSE_LIMIT`].
    ResponseTooLarge(String),
    /// It failed to handle it.
    Error(String, Reported),
    /// It failed to initialise.
    InitError(Reported),
}

/// One invocation, as the runtime receives it.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) request_id: String,
    pub(crate) deadline: Timestamp,
    pub(crate) function_arn: String,
    pub(crate) trace_header: String,
    pub(crate) client_context: Option<String>,
    pub(crate) payload: Bytes,
}

/// The API on a port of its own. It stops when dropped.
#[derive(Debug)]
pub(crate) struct RuntimeApi {
    address: SocketAddr,
    state: Arc<State>,
    _server: Server,
}

#[derive(Debug)]
struct State {
    name: String,
    handler: String,
    reports: mpsc::UnboundedSender<Report>,
    turn: Mutex<Turn>,
    has_extension: AtomicBool,
    silent_extensions: bool,
    address: SocketAddr,
    /// The process that is answered, once it has been started.
    process: SetOnce<Weak<Process>>,
}

/// Where the runtime stands, which decides what it may call.
#[derive(Debug)]
struct Turn {
    /// It has asked for an event.
    initialized: bool,
    /// The request ids of the events it has and has not answered.
    running: BTreeSet<String>,
    /// How many these may be.
    at_once: usize,
}

impl RuntimeApi {
    /// Listens on a free port, and passes on what the runtime reports.
    pub(crate) async fn start(
        function: &Function,
    ) -> io::Result<(Self, mpsc::UnboundedReceiver<Report>)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (reports, receiver) = mpsc::unbounded_channel();
        let state = Arc::new(State {
            name: function.name.clone(),
            handler: function.handler.clone(),
            reports,
            turn: Mutex::new(Turn {
                initialized: false,
                running: BTreeSet::new(),
                at_once: function.at_once,
            }),
            has_extension: AtomicBool::new(false),
            silent_extensions: function.silent_extensions,
            address,
            process: SetOnce::new(),
        });
        let server = Server::start(listener, state.clone(), identify, handle);
        Ok((Self { address, state, _server: server }, receiver))
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers `process` from now on, and nobody else. Until then connections wait.
    pub(crate) fn answer(&self, process: &Arc<Process>) {
        // It is called once: the first process stays.
        let _ = self.state.process.set(Arc::downgrade(process));
    }

    /// Whether an extension was registered: only then does Lambda send SIGTERM at shutdown.
    pub(crate) fn has_extension(&self) -> bool {
        self.state.has_extension.load(Ordering::Relaxed)
    }
}

/// Whether the client at `address` is the function's process.
async fn identify(state: Arc<State>, address: SocketAddr) -> Peer {
    let process = state.process.wait().await.upgrade();
    let is_own = process.is_some_and(|process| process.is_peer(address, state.address));
    if is_own { Peer::Own } else { Peer::Other }
}

async fn handle(state: Arc<State>, request: Request<Incoming>) -> Answer {
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (request.method(), segments.as_slice()) {
        (&Method::GET, ["2018-06-01", "runtime", "invocation", "next"]) => state.next().await,
        (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "response"]) => {
            state.response(id, request).await
        }
        (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "error"]) => {
            state.error(id, request).await
        }
        (&Method::POST, ["2018-06-01", "runtime", "init", "error"]) => {
            state.init_error(request).await
        }
        (&Method::POST, ["2020-01-01", "extension", "register"]) if state.silent_extensions => {
            std::future::pending().await
        }
        (&Method::POST, ["2020-01-01", "extension", "register"]) => state.register(request).await,
        // An extension without events is never called: its poll just waits.
        (&Method::GET, ["2020-01-01", "extension", "event", "next"]) => {
            std::future::pending().await
        }
        _ => refusal(StatusCode::NOT_FOUND, "NotFound", "404 page not found"),
    }
}

impl State {
    async fn next(&self) -> Answer {
        {
            let mut turn = self.turn();
            if turn.running.len() >= turn.at_once {
                return invalid_transition("Running", "Ready");
            }
            turn.initialized = true;
        }
        let (sender, event) = oneshot::channel();
        // Both ends are gone only while the environment is torn down.
        let _ = self.reports.send(Report::Next(sender));
        let Ok(event) = event.await else {
            return refusal(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalServerError",
                "Internal Server Error",
            );
        };
        self.turn().running.insert(event.request_id.clone());

        let mut answer = http::with_payload(StatusCode::OK, event.payload);
        let deadline = event.deadline.epoch_ms().to_string();
        http::set_header(&mut answer, "lambda-runtime-aws-request-id", &event.request_id);
        http::set_header(&mut answer, "lambda-runtime-deadline-ms", &deadline);
        http::set_header(&mut answer, "lambda-runtime-invoked-function-arn", &event.function_arn);
        http::set_header(&mut answer, "lambda-runtime-trace-id", &event.trace_header);
        if let Some(context) = &event.client_context {
            http::set_header(&mut answer, "lambda-runtime-client-context", context);
        }
        answer
    }

    async fn response(&self, id: &str, request: Request<Incoming>) -> Answer {
        let body = http::receive(request.into_body(), RESPONSE_LIMIT).await;
        if !self.answer_once(id) {
            return invalid_request_id();
        }
        match body {
            Received::Whole(payload) => self.accept(Report::Response(id.to_owned(), payload)),
            Received::TooLarge => {
                self.accept(Report::ResponseTooLarge(id.to_owned()));
                too_large()
            }
            Received::Truncated => truncated(),
        }
    }

    async fn error(&self, id: &str, request: Request<Incoming>) -> Answer {
        let error_type = error_type(&request);
        let body = http::receive(request.into_body(), RESPONSE_LIMIT).await;
        if !self.answer_once(id) {
            return invalid_request_id();
        }
        self.accept_error(error_type, body, |reported| Report::Error(id.to_owned(), reported))
    }

    async fn init_error(&self, request: Request<Incoming>) -> Answer {
        let error_type = error_type(&request);
        let body = http::receive(request.into_body(), RESPONSE_LIMIT).await;
        if self.turn().initialized {
            return invalid_transition("Ready", "InitError");
        }
        self.accept_error(error_type, body, Report::InitError)
    }

    fn accept_error(
        &self,
        error_type: String,
        body: Received,
        report: impl FnOnce(Reported) -> Report,
    ) -> Answer {
        match body {
            Received::Whole(payload) => self.accept(report(Reported { error_type, payload })),
            Received::TooLarge => {
                self.accept(report(Reported { error_type, payload: Bytes::new() }));
                too_large()
            }
            Received::Truncated => truncated(),
        }
    }

    fn accept(&self, report: Report) -> Answer {
        // The receiver is gone only while the environment is torn down.
        let _ = self.reports.send(report);
        http::json(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
    }

    /// An event is answered once, by its own id: anything else is refused.
    fn answer_once(&self, id: &str) -> bool {
        self.turn().running.remove(id)
    }

    /// Registers an extension, provided it asks for no events: none are sent here.
    async fn register(&self, request: Request<Incoming>) -> Answer {
        let body = match http::receive(request.into_body(), RESPONSE_LIMIT).await {
            Received::Whole(body) => body,
            Received::TooLarge => return too_large(),
            Received::Truncated => return truncated(),
        };
        let events = serde_json::from_slice::<Value>(&body)
            .ok()
            .and_then(|body| body.get("events")?.as_array().map(Vec::len));
        if events.unwrap_or(0) > 0 {
            return refusal(
                StatusCode::FORBIDDEN,
                "Extension.InvalidEventType",
                "local Lambda sends no events to extensions: register with none",
            );
        }
        self.has_extension.store(true, Ordering::Relaxed);
        let body = json!({
            "functionName": self.name,
            "functionVersion": "$LATEST",
            "handler": self.handler,
        });
        let mut answer = http::json(StatusCode::OK, &body);
        let identifier = identity::request_id();
        http::set_header(&mut answer, "lambda-extension-identifier", &identifier);
        answer
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        // No code panics while it holds the lock.
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn error_type(request: &Request<Incoming>) -> String {
    http::header(request, "lambda-runtime-function-error-type").unwrap_or("Unhandled").to_owned()
}

fn invalid_request_id() -> Answer {
    refusal(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
}

fn invalid_transition(from: &str, to: &str) -> Answer {
    let message = format!("State transition from {from} to {to} failed for runtime");
    refusal(StatusCode::FORBIDDEN, "InvalidStateTransition", &message)
}

fn too_large() -> Answer {
    let message = format!("Exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes).");
    refusal(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message)
}

fn truncated() -> Answer {
    refusal(StatusCode::BAD_REQUEST, "TruncatedHTTPRequest", "HTTP request detected as truncated")
}

fn refusal(status: StatusCode, error_type: &str, message: &str) -> Answer {
    http::json(status, &json!({ "errorType": error_type, "errorMessage": message }))
}

//! One execution environment: a function's process, and the Runtime API that it asks for events.
//!
//! `local-lambda` does what Lambda does; this does as little as there can be between an event and its answer, so that
//! what is measured is the function.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::process;

/// The longest wait for an answer. Peers written in Python take seconds to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A function that has started.
pub(crate) struct Environment {
    process: Child,
    events: Sender<Event>,
    answers: Receiver<Answer>,
    sent: usize,
    address: SocketAddr,
    /// Whether no more connections are accepted.
    ended: Arc<AtomicBool>,
    /// When its process was started.
    since: Instant,
}

struct Event {
    id: String,
    payload: String,
}

/// What a function sent, and when all of it had arrived.
pub(crate) struct Answer {
    pub(crate) payload: String,
    pub(crate) at: Instant,
}

impl Environment {
    /// Starts a program with the environment variables `settings` and no others. It goes on while the function
    /// initialises.
    pub(crate) fn start(
        program: &Path,
        arguments: &[String],
        settings: &[(String, String)],
    ) -> Result<Environment, Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (events, waiting) = mpsc::channel();
        let (sender, answers) = mpsc::channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let ended = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&ended);
        thread::spawn(move || accept(&listener, &stop, &waiting, &sender));
        let since = Instant::now();
        let process = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot run {}: {error}", program.display()))?;
        Ok(Environment { process, events, answers, sent: 0, address, ended, since })
    }

    /// Sends an event, which the function takes when it asks for one.
    pub(crate) fn send(&mut self, payload: &str) {
        let event = Event { id: self.sent.to_string(), payload: payload.to_owned() };
        self.sent += 1;
        // It fails only once the function has ended: then nothing answers.
        let _ = self.events.send(event);
    }

    /// Waits for the next answer, which may be an error.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn answer(&mut self) -> Result<Answer, Failure> {
        let answer = self.answers.recv_timeout(PATIENCE);
        answer.map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()).into())
    }

    /// Waits for the next answer.
    ///
    /// # Errors
    /// There is none, or it is an error of the function's.
    pub(crate) fn receive(&mut self) -> Result<Answer, Failure> {
        let answer = self.answer()?;
        if answer.payload.contains("\"errorType\"") {
            return Err(format!("the function failed: {}", answer.payload).into());
        }
        Ok(answer)
    }

    /// The time from the start of the process to the answer to its first event.
    pub(crate) fn cold(&mut self, payload: &str) -> Result<Duration, Failure> {
        self.send(payload);
        Ok(self.receive()?.at - self.since)
    }

    /// The time from an event to its answer.
    pub(crate) fn warm(&mut self, payload: &str) -> Result<Duration, Failure> {
        let start = Instant::now();
        self.send(payload);
        Ok(self.receive()?.at - start)
    }

    /// Ends the process as Lambda does, and waits for its end.
    ///
    /// # Errors
    /// It cannot be told to.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        process::terminate(self.process.id())?;
        self.process.wait()?;
        Ok(())
    }

    /// The processor time of all its threads so far.
    pub(crate) fn processor_time(&self) -> Result<Duration, Failure> {
        process::processor_time(self.process.id())
    }

    /// Its resident memory, in bytes.
    pub(crate) fn resident(&self) -> Result<u64, Failure> {
        process::resident(self.process.id())
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

/// Serves connections until the environment is dropped.
fn accept(
    listener: &TcpListener,
    ended: &AtomicBool,
    waiting: &Arc<Mutex<Receiver<Event>>>,
    answers: &Sender<Answer>,
) {
    while let Ok((socket, _)) = listener.accept() {
        if ended.load(Ordering::Relaxed) {
            return;
        }
        let (waiting, answers) = (Arc::clone(waiting), answers.clone());
        thread::spawn(move || {
            // The function closes its connections when it ends.
            let _ = serve(socket, &waiting, &answers);
        });
    }
}

fn serve(
    socket: TcpStream,
    waiting: &Mutex<Receiver<Event>>,
    answers: &Sender<Answer>,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut connection = BufReader::new(socket);
    loop {
        let Some(request) = read(&mut connection)? else { return Ok(()) };
        let path: Vec<_> = request.path.trim_matches('/').split('/').collect();
        let response = match *path {
            [_, "runtime", "invocation", "next"] => {
                let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(Event { id, payload }) = next else { return Ok(()) };
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                     lambda-runtime-aws-request-id: {id}\r\n\
                     lambda-runtime-deadline-ms: {}\r\n\
                     lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-west-1:123456789012:function:bench\r\n\
                     content-length: {}\r\n\r\n",
                    process::milliseconds_from_now(PATIENCE),
                    payload.len()
                );
                [head, payload].concat()
            }
            [_, "runtime", "invocation", _, "response" | "error"]
            | [_, "runtime", "init", "error"] => {
                let _ = answers.send(Answer { payload: request.body, at: Instant::now() });
                accepted()
            }
            [_, "extension", "register"] => {
                "HTTP/1.1 200 OK\r\nlambda-extension-identifier: bench\r\ncontent-length: 2\r\n\r\n{}".into()
            }
            // An extension that waits for events gets none.
            [_, "extension", "event", "next"] => {
                let mut rest = vec![];
                connection.read_to_end(&mut rest)?;
                return Ok(());
            }
            _ => return Err(io::Error::other(format!("there is no {}", request.path))),
        };
        connection.get_mut().write_all(response.as_bytes())?;
        if request.closes {
            return Ok(());
        }
    }
}

fn accepted() -> String {
    "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".into()
}

struct Request {
    path: String,
    /// Whether the connection is closed after the response.
    closes: bool,
    body: String,
}

/// Reads a request; `None` at the end of the connection.
fn read(connection: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if connection.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = HashMap::new();
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => {
                headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
            }
            None => break,
        }
    }
    let body = if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        chunks(connection)?
    } else {
        let length = headers.get("content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        connection.read_exact(&mut body)?;
        body
    };
    let body = String::from_utf8_lossy(&body).into_owned();
    let closes = headers.get("connection").is_some_and(|options| options == "close");
    Ok(Some(Request { path, closes, body }))
}

/// A body in chunks (RFC 9112, section 7.1).
fn chunks(connection: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut body = vec![];
    let mut line = String::new();
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim_end(), 16).map_err(io::Error::other)?;
        let start = body.len();
        body.resize(start + length, 0);
        connection.read_exact(&mut body[start..])?;
        line.clear();
        connection.read_line(&mut line)?;
        if length == 0 {
            return Ok(body);
        }
    }
}

//! A Lambda function without a runtime library. Its environment variables say how it initialises, each
//! event how it behaves.
#![allow(unsafe_code, reason = "a signal handler has no safe form in std")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what a function prints is tested")]
#![allow(clippy::unwrap_used, reason = "a test function that cannot go on should crash")]

use std::{
    env, fs,
    io::{self, Write},
    process,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use client::Answer;
use serde_json::{Value, json};

mod client;

const RUNTIME: &str = "/2018-06-01/runtime";

/// How often the background thread ran: it stops while the environment is frozen.
static TICKS: AtomicU64 = AtomicU64::new(0);

/// How many events have come to meet.
static MET: AtomicU64 = AtomicU64::new(0);

fn main() {
    thread::spawn(|| {
        loop {
            TICKS.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(1));
        }
    });
    initialize();
    // Managed Instances send this many events at once.
    let Ok(max_concurrency) = env::var("AWS_LAMBDA_MAX_CONCURRENCY") else { return serve() };
    // A poll that is refused after SIGTERM ends its thread, and not the process.
    let threads: Vec<_> =
        (0..max_concurrency.parse().unwrap()).map(|_: u32| thread::spawn(serve)).collect();
    threads.into_iter().for_each(|thread| drop(thread.join()));
}

fn serve() {
    loop {
        let event = get(&format!("{RUNTIME}/invocation/next"));
        assert_eq!(event.status, 200, "{event:?}");
        let id = event.header("lambda-runtime-aws-request-id").unwrap().to_owned();
        handle(&id, &event);
    }
}

fn initialize() {
    let seconds = |name| Duration::from_secs_f64(env::var(name).unwrap().parse().unwrap());
    match env::var("INIT").unwrap_or_default().as_str() {
        "" => {}
        "print" => eprintln!("initialising"),
        "sleep" => thread::sleep(seconds("INIT_SECONDS")),
        // Slow the first time, quick the second: the file in INIT_MARK tells them apart.
        "sleep-once" => {
            let mark = env::var("INIT_MARK").unwrap();
            if fs::OpenOptions::new().write(true).create_new(true).open(mark).is_ok() {
                thread::sleep(seconds("INIT_SECONDS"));
            }
        }
        "exit" => process::exit(7),
        "error" => {
            let body = json!({ "errorType": "Settings", "errorMessage": "DB_HOST is not set" });
            let answer = post_error(&format!("{RUNTIME}/init/error"), "Settings", &body);
            assert_eq!(answer.status, 202, "{answer:?}");
            println!("last words");
            process::exit(1);
        }
        "extension" | "stubborn-extension" => {
            let headers = [("Lambda-Extension-Name", "test")];
            let path = "/2020-01-01/extension/register";
            let answer = send("POST", path, &headers, br#"{"events":[]}"#);
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(answer.header("lambda-extension-identifier").is_some(), "{answer:?}");
            let handler = match env::var("INIT").unwrap().as_str() {
                "extension" => on_terminate as *const () as libc::sighandler_t,
                _ => on_terminate_stay as *const () as libc::sighandler_t,
            };
            // SAFETY: the handler is async-signal-safe.
            unsafe { libc::signal(libc::SIGTERM, handler) };
        }
        other => panic!("INIT={other} is no way to initialise"),
    }
}

fn handle(id: &str, event: &Answer) {
    let respond = |body: &[u8]| post(&format!("{RUNTIME}/invocation/{id}/response"), body);
    let payload: Value = serde_json::from_slice(&event.body).unwrap();
    let number = |name: &str| payload[name].as_u64().unwrap();
    match payload["do"].as_str().unwrap_or("echo") {
        "echo" => drop(respond(&event.body)),
        "headers" => {
            let headers: serde_json::Map<_, _> = event
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
                .collect();
            respond(Value::from(headers).to_string().as_bytes());
        }
        "surroundings" => {
            let variables: serde_json::Map<_, _> =
                env::vars().map(|(name, value)| (name, Value::from(value))).collect();
            let folder = env::current_dir().unwrap();
            let body = json!({
                "pid": process::id(),
                "folder": folder,
                "arguments": env::args().collect::<Vec<_>>(),
                "variables": variables,
            });
            respond(body.to_string().as_bytes());
        }
        "ticks" => drop(respond(TICKS.load(Ordering::Relaxed).to_string().as_bytes())),
        "print" => {
            for line in 0..payload["lines"].as_u64().unwrap_or(0) {
                println!("line {line}");
            }
            println!("to stdout");
            eprintln!("to stderr");
            print!("without an end");
            io::stdout().flush().unwrap();
            respond(b"null");
        }
        // So many MiB, without a line's end.
        "chatter" => {
            let megabyte = vec![b'x'; 1024 * 1024];
            for _ in 0..number("mb") {
                io::stdout().write_all(&megabyte).unwrap();
            }
            println!(" the end");
            respond(b"null");
        }
        "fail" => {
            let body = json!({ "errorType": "Query", "errorMessage": "no such table" });
            post_error(&format!("{RUNTIME}/invocation/{id}/error"), "Query", &body);
        }
        "sleep" => {
            println!("going to sleep");
            thread::sleep(Duration::from_millis(number("ms")));
            respond(b"\"slept\"");
        }
        "meet" => {
            MET.fetch_add(1, Ordering::Relaxed);
            while MET.load(Ordering::Relaxed) < number("others") {
                thread::sleep(Duration::from_millis(1));
            }
            respond(b"\"met\"");
        }
        "exit" => process::exit(number("code") as i32),
        "abort" => process::abort(),
        "respond-and-exit" => {
            respond(b"\"the last response\"");
            process::exit(3);
        }
        "allocate" => {
            let memory = vec![1u8; number("mb") as usize * 1024 * 1024];
            let until = Instant::now() + Duration::from_millis(number("ms"));
            while Instant::now() < until {
                std::hint::black_box(&memory);
                thread::sleep(Duration::from_millis(1));
            }
            respond(b"\"allocated\"");
        }
        "large-response" => {
            let body = format!("\"{}\"", "x".repeat(number("bytes") as usize - 2));
            println!("status {}", respond(body.as_bytes()).status);
        }
        // Calls out of turn: what the API answers to each is the response.
        "wrong-calls" => {
            let other = "00000000-0000-4000-8000-000000000000";
            let answers = [
                post(&format!("{RUNTIME}/invocation/{other}/response"), b"{}"),
                post_error(&format!("{RUNTIME}/invocation/{other}/error"), "X", &json!({})),
                post_error(&format!("{RUNTIME}/init/error"), "X", &json!({})),
                get(&format!("{RUNTIME}/invocation/next")),
                get(&format!("{RUNTIME}/nothing")),
            ];
            let seen: Vec<Value> = answers
                .iter()
                .map(|answer| {
                    let body: Value = serde_json::from_slice(&answer.body).unwrap();
                    json!([answer.status, body["errorType"]])
                })
                .collect();
            respond(Value::from(seen).to_string().as_bytes());
            println!("again {}", respond(b"{}").status);
        }
        #[allow(clippy::zombie_processes, reason = "who ends it is what the test asks")]
        "start-child" => {
            let child = process::Command::new("sleep").arg("1000").spawn().unwrap();
            respond(child.id().to_string().as_bytes());
        }
        // What the Runtime API answers a process that this one has started.
        "ask-by-child" => {
            let api = env::var("AWS_LAMBDA_RUNTIME_API").unwrap().replace(':', "/");
            let script = format!(
                "exec 3<>/dev/tcp/{api}; printf 'GET /none HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n\\r\\n' >&3; \
                 read -r status <&3; printf '%s' \"$status\""
            );
            let child = process::Command::new("bash").args(["-c", &script]).output().unwrap();
            respond(json!(String::from_utf8_lossy(&child.stdout)).to_string().as_bytes());
        }
        other => panic!("{other} is nothing to do"),
    }
}

extern "C" fn on_terminate(signal: libc::c_int) {
    on_terminate_stay(signal);
    // SAFETY: _exit is async-signal-safe.
    unsafe { libc::_exit(0) };
}

extern "C" fn on_terminate_stay(_signal: libc::c_int) {
    let words = b"SIGTERM received\n";
    // SAFETY: write is async-signal-safe; the buffer is live for its whole length.
    unsafe { libc::write(1, words.as_ptr().cast(), words.len()) };
}

fn get(path: &str) -> Answer {
    send("GET", path, &[], b"")
}

fn post(path: &str, body: &[u8]) -> Answer {
    send("POST", path, &[], body)
}

fn post_error(path: &str, error_type: &str, body: &Value) -> Answer {
    let headers = [("Lambda-Runtime-Function-Error-Type", error_type)];
    send("POST", path, &headers, body.to_string().as_bytes())
}

fn send(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let address = env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    client::request(&address, method, path, headers, body).unwrap()
}

//! Uses the client of the test's statements on any engine.

#![deny(warnings)]

mod client;
#[cfg(feature = "postgres")]
mod postgres;

use client::{AddItem, Echo, Error, Exact, Items, PurgeItems, ResultOf, Statement, Transaction};
use std::io::{Read, Write};
use std::net::TcpStream;

/// Sends an event to the function, and returns the payload of its answer.
fn invoke(event: &str) -> Vec<u8> {
    let url = std::env::var("INVOKE_URL").unwrap();
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let length = event.len();
    let head = format!("POST /{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    write!(stream, "{head}content-length: {length}\r\n\r\n{event}").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let body = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    answer.split_off(body)
}

fn run<S: Statement>(statement: &S) -> Result<client::Answer<S::Row>, Error> {
    client::read::<S>(&invoke(&client::event(statement).unwrap()))
}

fn add(id: i64, name: &str) -> AddItem {
    AddItem { id: id.into(), name: name.to_owned() }
}

fn main() {
    let answer = run(&Items).unwrap();
    let names: Vec<_> = answer.result.rows.iter().map(|row| row.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["first", "second", "third"]);
    assert_eq!(answer.result.rows[0].id, Some(1));

    assert_eq!(run(&add(4, "fourth")).unwrap().result.rows_affected, 1);
    match run(&add(4, "again")) {
        Err(Error::Function { error_type, message }) => {
            assert_eq!(error_type, "Query");
            assert!(!message.is_empty());
        }
        other => panic!("{other:?}"),
    }
    let purged = run(&PurgeItems { above: 3.into() }).unwrap();
    assert_eq!(purged.result.rows_affected, 1);

    for number in [9_007_199_254_740_993_i64, -7, i64::MIN] {
        let echo = Echo { number: Some(number.into()), class: Some("a'b\\c".to_owned()) };
        let row = run(&echo).unwrap().result.rows.remove(0);
        assert_eq!(row.number, echo.number);
        assert_eq!(row.class, echo.class);
    }

    let row = run(&Exact).unwrap().result.rows.remove(0);
    assert_eq!(row.order_total.unwrap().0, 9_007_199_254_740_993);
    assert_eq!(row.type_.unwrap().to_string(), "7");
    assert_eq!(row.grosse.as_deref(), Some("12345678901234567890.10"));
    assert_eq!(row.bytes.as_deref(), Some("/w=="));

    let both = Transaction::new().and(&add(5, "fifth")).unwrap().and(&Items).unwrap();
    let answer = invoke(&both.event());
    type Results = (ResultOf<AddItem>, ResultOf<Items>);
    let (added, items) = client::read_transaction::<Results>(&answer).unwrap().transaction;
    assert_eq!((added.rows_affected, items.row_count), (1, 4));
    let neither = Transaction::new().and(&add(6, "sixth")).unwrap().and(&add(5, "again")).unwrap();
    let refused = client::read_transaction::<(ResultOf<AddItem>, ResultOf<AddItem>)>(&invoke(&neither.event()));
    assert!(matches!(refused, Err(Error::Function { .. })), "{refused:?}");
    assert_eq!(run(&Items).unwrap().result.row_count, 4);

    unexpected();
    #[cfg(feature = "postgres")]
    postgres::run();
    println!("done");
}

/// Answers of another deployment.
fn unexpected() {
    let skipped = br#"{"statement":"purge-items","skipped":true,"reason":"running","connection":{}}"#;
    let skipped = client::read::<PurgeItems>(skipped);
    assert!(matches!(skipped, Err(Error::Skipped { .. })), "{skipped:?}");
    let timeout = client::read::<Items>(br#"{"errorMessage":"Task timed out after 3.00 seconds"}"#);
    assert_eq!(timeout.unwrap_err().to_string(), "Error: Task timed out after 3.00 seconds");
    let answer = invoke(&client::event(&Items).unwrap());
    let other = client::read::<AddItem>(&answer).unwrap_err().to_string();
    assert!(other.contains("it is one of \"items\""), "{other}");
    let renamed = String::from_utf8(answer).unwrap().replace("\"name\":\"name\"", "\"name\":\"title\"");
    let renamed = client::read::<Items>(renamed.as_bytes()).unwrap_err().to_string();
    assert!(renamed.contains("\"items\" returns no column \"name\""), "{renamed}");
}

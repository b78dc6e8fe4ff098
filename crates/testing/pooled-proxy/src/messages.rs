//! PostgreSQL's messages, as far as a proxy in front of a pooler reads them.
//!
//! Source: "Message Formats" in the PostgreSQL documentation.

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest message of a login, in bytes.
const MAX_LOGIN: usize = 30_000;

/// The first message of a client: a code, and what follows it.
pub(crate) async fn first(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(u32, Vec<u8>)> {
    let length = stream.read_u32().await?;
    let code = stream.read_u32().await?;
    Ok((code, body(stream, length, 8).await?))
}

/// The next message: its type, and its body.
pub(crate) async fn next(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(u8, Vec<u8>)> {
    let tag = stream.read_u8().await?;
    let length = stream.read_u32().await?;
    Ok((tag, body(stream, length, 4).await?))
}

async fn body(
    stream: &mut (impl AsyncRead + Unpin),
    length: u32,
    read: usize,
) -> io::Result<Vec<u8>> {
    let rest = (length as usize).checked_sub(read).filter(|rest| *rest <= MAX_LOGIN);
    let mut body = vec![0; rest.ok_or(io::ErrorKind::InvalidData)?];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

/// The names and values of a startup message.
pub(crate) fn parameters(body: &[u8]) -> Vec<(String, String)> {
    let mut texts = body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into());
    let mut parameters = vec![];
    while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
        let name: String = name;
        if name.is_empty() {
            break;
        }
        parameters.push((name, value));
    }
    parameters
}

/// A startup message, of protocol 3.0.
pub(crate) fn startup(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(8 + body.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &[0, 3, 0, 0], body].concat()
}

/// Ends a login with an error of the proxy's.
pub(crate) async fn refuse(
    stream: &mut (impl AsyncWrite + Unpin),
    code: &str,
    message: &str,
) -> io::Result<()> {
    let fields = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0\0");
    let length = u32::try_from(4 + fields.len()).unwrap_or(u32::MAX);
    stream.write_all(&[b"E", &length.to_be_bytes()[..], fields.as_bytes()].concat()).await?;
    stream.shutdown().await
}

/// Whether these messages begin with a simple query that begins a transaction.
pub(crate) fn begins(messages: &[u8]) -> bool {
    messages.first() == Some(&b'Q')
        && messages.get(5..).is_some_and(|sql| sql.starts_with(b"BEGIN"))
}

/// What follows the first of these messages.
pub(crate) fn after_first(messages: &[u8]) -> &[u8] {
    let length = messages.get(1..5).and_then(|length| length.try_into().ok());
    let length = length.map_or(0, |length| 1 + u32::from_be_bytes(length) as usize);
    messages.get(length..).unwrap_or_default()
}

/// The answer to a simple query for which a proxy has no connection to the database.
pub(crate) fn borrow_timeout() -> Vec<u8> {
    let fields = "SERROR\0VERROR\0C08000\0MTimed-out waiting to acquire database connection.\0\0";
    let length = u32::try_from(4 + fields.len()).unwrap_or(u32::MAX);
    let ready = [b'Z', 0, 0, 0, 5, b'I'];
    [b"E", &length.to_be_bytes()[..], fields.as_bytes(), &ready].concat()
}

/// The SQL and the names of statements in what a client sends.
#[derive(Default)]
pub(crate) struct Reader {
    unread: Vec<u8>,
}

/// What a message of a client is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The SQL of a simple query, or of a statement without a name.
    Sql(String),
    /// A statement with a name.
    Named(String),
}

impl Reader {
    /// What the messages that `bytes` complete are about.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Vec<Said> {
        self.unread.extend_from_slice(bytes);
        let (mut said, mut at) = (vec![], 0);
        while let Some(header) = self.unread[at..].first_chunk::<5>() {
            let [tag, length @ ..] = *header;
            let length = 1 + u32::from_be_bytes(length) as usize;
            let Some(message) = self.unread.get(at + 5..at + length) else { break };
            said.extend(about(tag, message));
            at += length;
        }
        self.unread.drain(..at);
        said
    }
}

fn about(tag: u8, body: &[u8]) -> Vec<Said> {
    let mut texts = body.split(|byte| *byte == 0);
    let mut text = || String::from_utf8_lossy(texts.next().unwrap_or_default()).into_owned();
    let name = |name: String| (!name.is_empty()).then_some(Said::Named(name));
    match tag {
        b'Q' => vec![Said::Sql(text())],
        b'P' => name(text()).into_iter().chain([Said::Sql(text())]).collect(),
        b'B' => {
            let _portal = text();
            name(text()).into_iter().collect()
        }
        b'C' | b'D' if body.first() == Some(&b'S') => {
            name(text().split_off(1)).into_iter().collect()
        }
        _ => vec![],
    }
}

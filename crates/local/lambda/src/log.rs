//! The output of functions, line by line, as in CloudWatch Logs.

use std::{
    fs::File,
    io::{self, PipeReader, Read},
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::net::unix::pipe;

use crate::{clock::Timestamp, function::LogFormat, identity};

/// The size of a log group, and of the log of one invocation, in bytes. Beyond it the oldest half is
/// removed.
const MAX_LOG: usize = 16 * 1024 * 1024;

/// The length of a line, in bytes; longer ones are split, as CloudWatch's agents do.
const MAX_LINE: usize = 256 * 1024;

/// The log group of one function: the lines of all its environments, in order of arrival.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogGroup {
    text: Arc<Mutex<String>>,
}

impl LogGroup {
    /// Everything so far.
    pub(crate) fn text(&self) -> String {
        lock(&self.text).clone()
    }
}

/// The log stream of one environment.
#[derive(Clone, Debug)]
pub(crate) struct LogStream {
    name: Arc<str>,
    format: LogFormat,
    group: LogGroup,
    recent: Arc<Mutex<String>>,
}

impl LogStream {
    /// A new stream in the group.
    pub(crate) fn new(group: &LogGroup, format: LogFormat) -> Self {
        let name = identity::log_stream(Timestamp::now()).into();
        Self { name, format, group: group.clone(), recent: Arc::default() }
    }

    /// The value of `AWS_LAMBDA_LOG_STREAM_NAME`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The format of the lines that Lambda itself adds.
    pub(crate) fn format(&self) -> LogFormat {
        self.format
    }

    /// Adds a line.
    pub(crate) fn push(&self, line: &str) {
        for text in [&self.recent, &self.group.text] {
            let mut text = lock(text);
            text.push_str(line);
            text.push('\n');
            forget_oldest(&mut text, MAX_LOG);
        }
    }

    /// The lines since the last call: those of one invocation.
    pub(crate) fn take_recent(&self) -> String {
        std::mem::take(&mut *lock(&self.recent))
    }
}

/// Removes whole lines from the beginning of a text that has grown beyond `kept` bytes, so that at
/// least half of it is free again.
fn forget_oldest(text: &mut String, kept: usize) {
    if text.len() > kept {
        let half = text.len() - kept / 2;
        let end = text.as_bytes()[half..].iter().position(|&byte| byte == b'\n');
        text.replace_range(..end.map_or(text.len(), |end| half + end + 1), "");
    }
}

/// The pipe of a process's stdout and stderr: one for both, so that lines keep their order.
#[derive(Debug)]
pub(crate) struct Output {
    ready: pipe::Receiver,
    /// The same pipe, for reads that do not wait until the runtime reports it ready.
    direct: File,
    /// The text after the last line feed.
    line: Mutex<Vec<u8>>,
    stream: LogStream,
}

impl Output {
    pub(crate) fn new(pipe: PipeReader, stream: LogStream) -> io::Result<Self> {
        let pipe = OwnedFd::from(pipe);
        let direct = File::from(pipe.try_clone()?);
        let ready = pipe::Receiver::from_owned_fd(pipe)?; // makes both ends of the clone non-blocking
        Ok(Self { ready, direct, line: Mutex::default(), stream })
    }

    /// Passes on lines as they arrive, until every writer has closed the pipe.
    pub(crate) async fn follow(&self) {
        while self.ready.readable().await.is_ok() {
            if self.read_available(|buffer| self.ready.try_read(buffer)) == Pipe::Closed {
                return;
            }
        }
    }

    /// Passes on everything that was written before this call, including an unfinished last line.
    pub(crate) fn flush(&self) {
        self.read_available(|buffer| (&self.direct).read(buffer));
        let rest = std::mem::take(&mut *lock(&self.line));
        if !rest.is_empty() {
            self.stream.push(&String::from_utf8_lossy(&rest));
        }
    }

    fn read_available(&self, mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> Pipe {
        /// More than the capacity of any pipe, so that a busy writer cannot keep the reader in the loop.
        const AT_ONCE: usize = 1024 * 1024;
        let mut line = lock(&self.line);
        let mut buffer = [0; 8192];
        let mut total = 0;
        while total < AT_ONCE {
            match read(&mut buffer) {
                Ok(0) => return Pipe::Closed,
                Ok(length) => {
                    total += length;
                    self.split_lines(&mut line, &buffer[..length]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Pipe::Open,
                Err(_) => return Pipe::Closed,
            }
        }
        Pipe::Open
    }

    fn split_lines(&self, line: &mut Vec<u8>, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            line.extend_from_slice(&bytes[..end]);
            self.stream.push(&String::from_utf8_lossy(line));
            line.clear();
            bytes = &bytes[end + 1..];
        }
        line.extend_from_slice(bytes);
        if line.len() > MAX_LINE {
            self.stream.push(&String::from_utf8_lossy(line));
            line.clear();
        }
    }
}

#[derive(PartialEq)]
enum Pipe {
    Open,
    Closed,
}

/// No code panics while it holds one of these locks, so a poisoned one still guards valid data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_keeps_its_newest_lines() {
        let mut text = String::new();
        for number in 0..1000 {
            text.push_str(&format!("line {number} ö\n"));
            forget_oldest(&mut text, 200);
            assert!(text.len() <= 200 && text.ends_with(&format!("line {number} ö\n")), "{text}");
            assert!(text.starts_with("line "), "{text}");
        }
        let mut endless = "x".repeat(300);
        forget_oldest(&mut endless, 200);
        assert_eq!(endless, "");
    }
}

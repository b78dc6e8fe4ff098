//! A server farther away: what passes either way arrives later, however much of it is under way.
//!
//! `fault-proxy` delays one message after another, so that a request in two parts would take twice as long.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// The most that is read at once, in bytes.
const CHUNK: usize = 64 << 10;

/// A port that leads to a server.
pub(crate) struct Distance {
    address: SocketAddr,
    /// How long each way takes, in microseconds.
    delay: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
}

impl Distance {
    /// Listens for connections to `server`.
    pub(crate) fn to(server: SocketAddr) -> io::Result<Distance> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (delay, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let distance = Distance { address, delay: delay.clone(), ended: ended.clone() };
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                // A connection that cannot be made is closed, which its client reports.
                let _ = connect(client, server, &delay);
            }
        });
        Ok(distance)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets how long each way takes.
    pub(crate) fn set(&self, delay: Duration) {
        let microseconds = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        self.delay.store(microseconds, Ordering::Relaxed);
    }
}

impl Drop for Distance {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

fn connect(client: TcpStream, server: SocketAddr, delay: &Arc<AtomicU64>) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    for socket in [&client, &server] {
        socket.set_nodelay(true)?;
    }
    forward(client.try_clone()?, server.try_clone()?, delay.clone());
    forward(server, client, delay.clone());
    Ok(())
}

/// Has what arrives `from` one side go `to` the other, later.
fn forward(mut from: TcpStream, mut to: TcpStream, delay: Arc<AtomicU64>) {
    let (sender, under_way) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut chunk = vec![0; CHUNK];
        while let Ok(length @ 1..) = from.read(&mut chunk) {
            let delay = Duration::from_micros(delay.load(Ordering::Relaxed));
            if sender.send((Instant::now() + delay, chunk[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in under_way {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both); // both ends have heard of it, or hear of it now
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long four parts of a message are under way.
    fn in_parts(delay: Duration) -> Duration {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let distance = Distance::to(server.local_addr().unwrap()).unwrap();
        distance.set(delay);
        let mut client = TcpStream::connect(distance.address()).unwrap();
        client.set_nodelay(true).unwrap();
        let (mut socket, _) = server.accept().unwrap();
        let start = Instant::now();
        for part in [b"a", b"b", b"c", b"d"] {
            client.write_all(part).unwrap();
            thread::sleep(Duration::from_millis(1)); // so that each is read alone
        }
        let mut all = [0; 4];
        socket.read_exact(&mut all).unwrap();
        assert_eq!(&all, b"abcd");
        start.elapsed()
    }

    #[test]
    fn what_is_sent_in_parts_arrives_as_late_as_at_once() {
        let delay = Duration::from_millis(200);
        let times: Vec<_> = (0..5).map(|_| in_parts(delay)).collect();
        assert!(times.iter().all(|time| *time >= delay), "{times:?}");
        // A busy machine makes some of them longer.
        assert!(times.iter().any(|time| *time < 4 * delay), "{times:?}");
    }
}

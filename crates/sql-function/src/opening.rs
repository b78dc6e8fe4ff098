//! Whether a TCP connection is still being opened, as the kernel tells.
//!
//! A driver that dials by itself does not tell how far it is. Linux lists every connection with its
//! state and the inode of its socket in `/proc/self/net/tcp` and `tcp6` (`proc_net_tcp.rst` in the
//! kernel's documentation), and the sockets of this process in `/proc/self/fd`.

use std::collections::HashSet;
use std::fs;
use std::net::{IpAddr, SocketAddr};

/// The state of a connection whose SYN was sent and not answered.
const SYN_SENT: &str = "02";

/// The connections to an address that this process was opening at one moment. On Lambda Managed Instances
/// those of other events are among them: at worst, one of theirs is lost and another attempt joins the race.
#[derive(Debug)]
pub(crate) struct Opening {
    to: SocketAddr,
    /// The inodes of their sockets, if the kernel told.
    inodes: Option<HashSet<u64>>,
}

impl Opening {
    /// Those to `to`, now.
    pub(crate) fn now(to: SocketAddr) -> Opening {
        Opening { to, inodes: inodes(to) }
    }

    /// Whether any of them is still being opened. If nobody knows, it is.
    pub(crate) fn is_pending(&self) -> bool {
        let (Some(then), Some(now)) = (&self.inodes, inodes(self.to)) else { return true };
        !then.is_disjoint(&now)
    }
}

/// The inodes of this process's sockets that are connecting to `to`.
fn inodes(to: SocketAddr) -> Option<HashSet<u64>> {
    let table = fs::read_to_string(match to {
        SocketAddr::V4(_) => "/proc/self/net/tcp",
        SocketAddr::V6(_) => "/proc/self/net/tcp6",
    });
    let connecting = connecting(&table.ok()?, to)?;
    if connecting.is_empty() {
        return Some(connecting);
    }
    let own = own_sockets()?;
    Some(connecting.intersection(&own).copied().collect())
}

/// The inodes of the sockets in the kernel's table that are connecting to `to`. `None` if it has
/// another form.
fn connecting(table: &str, to: SocketAddr) -> Option<HashSet<u64>> {
    let to = written(to);
    let mut found = HashSet::new();
    for line in table.lines().skip(1) {
        // sl, local_address, rem_address, st, queues, timer, retrnsmt, uid, timeout, inode
        let fields: Vec<_> = line.split_ascii_whitespace().take(10).collect();
        let &[_, _, remote, state, _, _, _, _, _, inode] = fields.as_slice() else { return None };
        if state == SYN_SENT && remote == to {
            found.insert(inode.parse().ok()?);
        }
    }
    Some(found)
}

/// An address as the kernel writes it: words of four bytes in the machine's order, as hexadecimal
/// digits.
fn written(address: SocketAddr) -> String {
    let octets = match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let words = octets.as_chunks().0.iter();
    let words: String = words.map(|word| format!("{:08X}", u32::from_ne_bytes(*word))).collect();
    format!("{words}:{:04X}", address.port())
}

/// The inodes of this process's sockets.
fn own_sockets() -> Option<HashSet<u64>> {
    let open = fs::read_dir("/proc/self/fd").ok()?;
    let inodes = open.filter_map(|entry| {
        // A file may be closed meanwhile.
        let target = fs::read_link(entry.ok()?.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    });
    Some(inodes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dial::full_backlog;
    use std::net::{TcpListener, TcpStream};
    use tokio::net;

    #[tokio::test]
    async fn a_connection_is_opening_until_it_is_open() {
        for at in ["127.0.0.1:0", "[::1]:0"] {
            let listener = TcpListener::bind(at).unwrap();
            let address = listener.local_addr().unwrap();
            let _open = TcpStream::connect(address).unwrap();
            let none = Opening::now(address);
            assert_eq!(none.inodes, Some(HashSet::new()), "{at}: it is open");
            assert!(!none.is_pending(), "{at}");

            let (silent, _full) = full_backlog(at).await;
            let attempt = tokio::spawn(net::TcpStream::connect(silent));
            tokio::task::yield_now().await;
            let opening = Opening::now(silent);
            assert_eq!(opening.inodes.as_ref().map(HashSet::len), Some(1), "{at}");
            assert!(opening.is_pending(), "{at}");
            let port = silent.port() ^ 1;
            assert!(!Opening::now(SocketAddr::new(silent.ip(), port)).is_pending(), "{at}");
            attempt.abort();
            assert!(attempt.await.is_err());
            assert!(!opening.is_pending(), "{at}: it was given up");
        }
    }

    #[tokio::test]
    async fn another_connection_to_the_same_address_is_another() {
        let (silent, _full) = full_backlog("127.0.0.1:0").await;
        let first = tokio::spawn(net::TcpStream::connect(silent));
        tokio::task::yield_now().await;
        let opening = Opening::now(silent);
        let _second = tokio::spawn(net::TcpStream::connect(silent));
        tokio::task::yield_now().await;
        assert_eq!(Opening::now(silent).inodes.map(|all| all.len()), Some(2));
        first.abort();
        assert!(first.await.is_err());
        assert!(!opening.is_pending());
    }

    #[test]
    fn what_nobody_knows_is_pending() {
        let to = "127.0.0.1:3306".parse().unwrap();
        assert_eq!(connecting("a header\nanother form", to), None);
        assert!(Opening { to, inodes: None }.is_pending());
        let unread = "  sl\n   0: 0100007F:1 0100007F:0CEA 02 0:0 0:0 0 0 0 no-number 1";
        assert_eq!(connecting(unread, to), None);
    }
}

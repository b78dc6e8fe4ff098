//! The port of a server, which stays reserved while the server is down.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A port of 127.0.0.1 that the system gives to nobody else while this value exists. A server can
/// listen on it by its number.
///
/// A socket that never listens is bound to it. It and the server's have `SO_REUSEADDR` (all three
/// servers set it), so Linux lets both bind; clients are refused while the server is down, and never
/// reach another program.
pub(crate) struct Port {
    number: u16,
    _bound: Socket,
}

impl Port {
    /// The port `number`, or any free one.
    ///
    /// # Errors
    /// It is in use, or there is none.
    pub(crate) fn reserve(number: Option<u16>) -> io::Result<Self> {
        let bound = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        bound.set_reuse_address(true)?;
        bound.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, number.unwrap_or(0))).into())?;
        let address = bound.local_addr()?.as_socket();
        let number = address.ok_or_else(|| io::Error::other("a socket without an address"))?.port();
        Ok(Self { number, _bound: bound })
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::Port;
    use std::io::ErrorKind;
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    #[test]
    fn who_asks_for_any_port_is_not_given_it_and_who_names_it_is() {
        let port = Port::reserve(None).unwrap();
        let address = (Ipv4Addr::LOCALHOST, port.number());
        let others: Vec<_> =
            (0..500).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
        for other in &others {
            assert_ne!(other.local_addr().unwrap().port(), port.number());
        }
        for _ in 0..2 {
            let refused = TcpStream::connect(address).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
            let server = TcpListener::bind(address).unwrap();
            let (_client, _connection) = (TcpStream::connect(address).unwrap(), server.accept());
        }
    }
}

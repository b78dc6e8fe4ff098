//! The first two steps of a login: DNS and TCP.
//!
//! Each has its own time limit, so that an error names the step that hangs.

use diagnosis::Cause;
use iam_auth::DialAddress;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};

use crate::deadline::Deadline;
use crate::error::{Error, Kind};
use crate::loggable;
use crate::said::Loggable;

/// How long DNS may take. It answers within milliseconds or not at all.
const DNS: Duration = Duration::from_secs(3);
/// How long a TCP connection may take: one round trip, or a retry after a lost packet (RFC 6298:
/// one second).
const TCP: Duration = Duration::from_secs(4);

/// The IP addresses of `address`. They are looked up for each login: a failover changes them.
///
/// # Errors
/// [`Kind::ConnectDns`].
pub async fn resolve(address: &DialAddress, deadline: Deadline) -> Result<Vec<IpAddr>, Error> {
    let unknown = |why: Loggable| {
        Error::new(Kind::ConnectDns, loggable!("cannot resolve {}: {why}", address.host()))
            .with_cause(Cause::NameUnresolved)
            .advice(
                "check the name for a typing error, that the database exists, and that the \
                 function's VPC resolves DNS",
            )
    };
    let lookup = async {
        lookup_host((address.host(), address.port()))
            .await
            .map_err(|error| unknown(Loggable::of_login(error)))
    };
    let found = deadline.at_most(Some(DNS)).bound(|| "the DNS lookup".into(), lookup).await;
    let addresses: Vec<_> = match found {
        Ok(found) => found.map(|address| address.ip()).collect(),
        Err(error) if error.kind() == Kind::Timeout => return Err(unknown("no answer".into())),
        Err(error) => return Err(error),
    };
    if addresses.is_empty() {
        return Err(unknown("the name has no address".into()));
    }
    Ok(addresses)
}

/// A TCP connection to `address`, with `TCP_NODELAY`: without it a login waits once or twice for
/// the server's delayed acknowledgement, 40 ms each.
///
/// # Errors
/// [`Kind::ConnectDns`], [`Kind::ConnectTcp`].
pub async fn dial(address: &DialAddress, deadline: Deadline) -> Result<TcpStream, Error> {
    let addresses = resolve(address, deadline).await?;
    connect(address, &addresses, deadline).await
}

/// Connects to the first of `addresses` that answers.
///
/// # Errors
/// [`Kind::ConnectTcp`], with the error of the last address.
pub async fn connect(
    address: &DialAddress,
    addresses: &[IpAddr],
    deadline: Deadline,
) -> Result<TcpStream, Error> {
    let mut failure = None;
    for &ip in addresses {
        let attempt = async {
            let stream = TcpStream::connect(SocketAddr::new(ip, address.port())).await;
            let stream = stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
            stream.map_err(|error| {
                let no_tcp = no_tcp(address, cause(error.kind()), Loggable::of_login(&error));
                if is_transient(error.kind()) { no_tcp.transient() } else { no_tcp }
            })
        };
        match deadline.at_most(Some(TCP)).bound(|| "the TCP connection".into(), attempt).await {
            Ok(stream) => return Ok(stream),
            Err(error) if error.kind() == Kind::Timeout => {
                failure =
                    Some(no_tcp(address, Cause::TcpSilent, "no answer within the time limit"));
            }
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.unwrap_or_else(|| no_tcp(address, Cause::NameUnresolved, "no address to try")))
}

/// Whether an error of this kind is transient: a server that is starting or restarting does not
/// listen for a while, and an overloaded one accepts no more connections.
pub fn is_transient(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
    )
}

/// The likeliest cause of an error of this kind.
pub fn cause(kind: ErrorKind) -> Cause {
    match kind {
        ErrorKind::ConnectionRefused => Cause::PortRefused,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Cause::NoRoute,
        _ => Cause::TcpSilent,
    }
}

/// There is no TCP connection to `address`, most likely because of `cause`; `why` is the error.
pub fn no_tcp(address: &DialAddress, cause: Cause, why: impl Into<Loggable>) -> Error {
    let why = why.into();
    let message = loggable!("no TCP connection to {address}: {why}");
    Error::new(Kind::ConnectTcp, message).with_cause(cause).advice(
        "check that the database's security group allows connections from the function's security \
         group on this port, that the function is in the database's VPC, and that the database is \
         running",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(10))
    }

    #[tokio::test]
    async fn a_listening_port_is_reached_without_delay() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string().parse().unwrap();
        assert!(dial(&address, soon()).await.unwrap().nodelay().unwrap());
    }

    #[tokio::test]
    async fn a_closed_port_and_an_unknown_name_say_which_step_failed() {
        // Bound and not listening: refused, and nobody else's.
        let closed = tokio::net::TcpSocket::new_v4().unwrap();
        closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = closed.local_addr().unwrap().to_string().parse().unwrap();
        let error = dial(&address, soon()).await.unwrap_err();
        assert_eq!(error.error_type(), "Connect.Tcp");
        assert!(error.report().contains("refused"), "{}", error.report());

        let error = dial(&"no-such-host.invalid:1".parse().unwrap(), soon()).await.unwrap_err();
        assert_eq!(error.error_type(), "Connect.Dns");
        assert!(error.report().contains("no-such-host.invalid"), "{}", error.report());
    }
}

//! What became of the attempts at each address of a name, and the error if none was reached.

use diagnosis::Cause;
use iam_auth::DialAddress;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use tokio::time::Instant;

use crate::error::{Error, Kind};
use crate::family::Family;
use crate::loggable;
use crate::said::Loggable;

/// How many addresses an error names.
const MAX_NAMED: usize = 6;

/// The addresses that were tried.
#[derive(Debug)]
pub(crate) struct Ways {
    since: Instant,
    all: Vec<Way>,
}

/// An address that was tried.
#[derive(Debug)]
struct Way {
    ip: IpAddr,
    /// The error of the last attempt that ended. Without one, there was no answer.
    failed: Option<(Cause, Loggable)>,
}

impl Ways {
    pub(crate) fn new() -> Ways {
        Ways { since: Instant::now(), all: vec![] }
    }

    /// An attempt at `ip` begins.
    pub(crate) fn begin(&mut self, ip: IpAddr) {
        if self.all.iter().all(|way| way.ip != ip) {
            self.all.push(Way { ip, failed: None });
        }
    }

    /// An attempt at `ip` failed.
    pub(crate) fn failed(&mut self, ip: IpAddr, error: &io::Error) {
        let silent = error.kind() == ErrorKind::TimedOut;
        let failed = (!silent).then(|| (cause(error), Loggable::of_login(error)));
        if let Some(way) = self.all.iter_mut().find(|way| way.ip == ip) {
            way.failed = failed;
        }
    }

    /// The addresses of the family that `reached` does not have, if any of them did not answer. One whose
    /// family is missing in this network is not told: it costs nothing.
    pub(crate) fn silent_family(&self, reached: IpAddr) -> Option<String> {
        let own = Family::of(reached);
        let others = self.all.iter().filter(|way| Family::of(way.ip) != own);
        let silent: Vec<_> =
            others.filter(|way| way.failed.is_none()).map(|way| self.told(way)).collect();
        (!silent.is_empty()).then(|| silent.join("; "))
    }

    /// No address was reached. A server that is starting or resuming may be reached later, so the error
    /// is transient.
    pub(crate) fn error(&self, address: &DialAddress) -> Error {
        let named = self.all.iter().take(MAX_NAMED).map(|way| self.told(way));
        let mut why = named.collect::<Vec<_>>().join("; ");
        let more = self.all.len().saturating_sub(MAX_NAMED);
        if more > 0 {
            why += &format!("; and {more} more addresses");
        }
        no_tcp(address, self.cause(), loggable!("{why}")).transient()
    }

    /// An address that refuses says more than one that is silent, and one that is silent more than one
    /// that this network does not lead to.
    fn cause(&self) -> Cause {
        let causes = self.all.iter().map(|way| way.failed.as_ref().map(|(cause, _)| *cause));
        let causes: Vec<_> = causes.map(|cause| cause.unwrap_or(Cause::TcpSilent)).collect();
        let likely = [Cause::PortRefused, Cause::TcpSilent];
        match likely.into_iter().find(|cause| causes.contains(cause)) {
            Some(cause) => cause,
            None if self.all.iter().all(|way| way.ip.is_ipv6()) => Cause::NoIpv6,
            None => Cause::NoRoute,
        }
    }

    fn told(&self, way: &Way) -> String {
        let (family, ip) = (Family::of(way.ip), way.ip);
        match &way.failed {
            Some((_, why)) => format!("{family} {ip}: {why}"),
            None => {
                format!("{family} {ip}: no answer for {:.1} s", self.since.elapsed().as_secs_f64())
            }
        }
    }
}

/// Whether an error of this kind is transient: a server that is starting, restarting or resuming, and a
/// network that loses its way, break connections; an overloaded server accepts no more.
pub fn is_transient(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::NotConnected
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
            | ErrorKind::TimedOut
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
    )
}

/// The likeliest cause of an error of a TCP connection that was not opened.
pub fn cause(error: &io::Error) -> Cause {
    match error.kind() {
        ErrorKind::ConnectionRefused => Cause::PortRefused,
        ErrorKind::TimedOut | ErrorKind::ConnectionReset | ErrorKind::NotConnected => {
            Cause::TcpSilent
        }
        // No route, or no addresses of that family here.
        _ => Cause::NoRoute,
    }
}

/// There is no TCP connection to `address`, most likely because of `cause`; `why` is the error.
pub fn no_tcp(address: &DialAddress, cause: Cause, why: impl Into<Loggable>) -> Error {
    let why = why.into();
    let message = loggable!("no TCP connection to {address}: {why}");
    let advice = match cause {
        Cause::NoIpv6 => {
            "the name has only IPv6 addresses: put the function into subnets with an IPv6 CIDR block \
             and set Ipv6AllowedForDualStack, or dial a name with an IPv4 address (DB_CONNECT_TO)"
        }
        Cause::TcpSilent => {
            "check that the database's security group allows connections from the function's security \
             group on this port, that the function is in the database's VPC, and that the database is \
             running. An Aurora Serverless v2 that is paused resumes now: give the function a timeout \
             of 45 seconds or more"
        }
        _ => {
            "check that the database's security group allows connections from the function's security \
             group on this port, that the function is in the database's VPC, and that the database is \
             running"
        }
    };
    Error::new(Kind::ConnectTcp, message).with_cause(cause).advice(advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SIX: &str = "fd00::1";
    const FOUR: &str = "10.0.0.1";

    /// What is told of these addresses, each with its error.
    fn ways(tried: &[(&str, Option<ErrorKind>)]) -> Ways {
        let mut ways = Ways::new();
        for &(ip, error) in tried {
            let ip = ip.parse().unwrap();
            ways.begin(ip);
            if let Some(error) = error {
                ways.failed(ip, &error.into());
            }
        }
        ways
    }

    #[tokio::test(start_paused = true)]
    async fn the_error_names_each_family_and_what_it_did() {
        let ways = ways(&[(SIX, None), (FOUR, Some(ErrorKind::ConnectionRefused))]);
        tokio::time::sleep(Duration::from_millis(9840)).await;
        let error = ways.error(&"db:3306".parse().unwrap());
        assert!(error.is_transient());
        assert_eq!((error.error_type(), error.cause()), ("Connect.Tcp", Some(Cause::PortRefused)));
        let told = "no TCP connection to db:3306: IPv6 fd00::1: no answer for 9.8 s; IPv4 10.0.0.1: \
                    connection refused";
        assert!(error.report().starts_with(told), "{}", error.report());
    }

    #[test]
    fn the_cause_is_what_says_most() {
        use ErrorKind::{AddrNotAvailable, ConnectionRefused, NetworkUnreachable, Unsupported};
        for (tried, cause) in [
            (&[(FOUR, None)][..], Cause::TcpSilent),
            (&[(SIX, None), (FOUR, Some(ConnectionRefused))], Cause::PortRefused),
            (&[(SIX, Some(NetworkUnreachable)), (FOUR, None)], Cause::TcpSilent),
            (&[(SIX, Some(NetworkUnreachable)), (FOUR, Some(Unsupported))], Cause::NoRoute),
            (&[(SIX, Some(AddrNotAvailable))], Cause::NoIpv6),
            (&[(SIX, Some(Unsupported))], Cause::NoIpv6),
        ] {
            assert_eq!(ways(tried).cause(), cause, "{tried:?}");
        }
    }

    #[test]
    fn many_addresses_are_counted() {
        let ips: Vec<_> = (1..=9).map(|last| format!("10.0.0.{last}")).collect();
        let tried: Vec<_> = ips.iter().map(|ip| (ip.as_str(), None)).collect();
        let error = ways(&tried).error(&"db:3306".parse().unwrap());
        assert!(error.report().contains("10.0.0.6: no answer"), "{}", error.report());
        assert!(error.report().contains("and 3 more addresses"), "{}", error.report());
    }

    #[test]
    fn a_family_that_is_silent_is_told_and_one_that_is_missing_is_not() {
        let four = FOUR.parse().unwrap();
        assert_eq!(ways(&[(FOUR, None)]).silent_family(four), None, "it was not tried");
        let missing = ways(&[(SIX, Some(ErrorKind::NetworkUnreachable)), (FOUR, None)]);
        assert_eq!(missing.silent_family(four), None);
        let silent = ways(&[(SIX, None), (FOUR, None)]).silent_family(four).unwrap();
        assert_eq!(silent, "IPv6 fd00::1: no answer for 0.0 s");
    }
}

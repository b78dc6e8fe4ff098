//! An `LD_PRELOAD` object that replaces a program's `getaddrinfo(3)`: a test answers the look-ups.
//!
//! It asks over the Unix socket that `SOCKET_VARIABLE` names. A question is one line, `FAMILY HOST`, with
//! the number of the address family. The answer is lines until the end of the stream: the addresses, or
//! `error CODE`, or `own` for a name that the test leaves to the system. While the socket is silent, the
//! look-up is, as with a resolver that does not answer.
//!
//! Where `MISSING_FAMILY_VARIABLE` names an address family by its number, the system has none of its
//! sockets, as a kernel without IPv6.

#![allow(unsafe_code)] // libc's ABI

mod system;

use std::env;
use std::ffi::{CStr, c_char, c_int};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::ptr;

use system::{AF_UNSPEC, AddrInfo, EAFNOSUPPORT, EAI_SYSTEM, real, set_errno};

/// The variable with the path of the socket to ask.
const SOCKET_VARIABLE: &str = "NAMES_PRELOAD_SOCKET";
/// The variable with the number of the address family that is missing.
const MISSING_FAMILY_VARIABLE: &str = "NAMES_PRELOAD_MISSING_FAMILY";

/// What the test says.
enum Answer {
    Addresses(Vec<IpAddr>),
    /// An `EAI_` code.
    Error(c_int),
    /// The system's own look-up.
    Own,
}

/// Replaces libc's.
///
/// # Safety
/// The arguments are those of `getaddrinfo(3)`.
#[unsafe(no_mangle)]
unsafe extern "C" fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const AddrInfo,
    result: *mut *mut AddrInfo,
) -> c_int {
    // SAFETY: the caller's hints, or null.
    let hint = unsafe { hints.as_ref() };
    let answer = if node.is_null() {
        Answer::Own
    } else {
        // SAFETY: the caller's C string.
        let host = unsafe { CStr::from_ptr(node) };
        ask(host, hint.map_or(AF_UNSPEC, |hint| hint.family))
    };
    let addresses = match answer {
        Answer::Addresses(addresses) => addresses,
        Answer::Error(code) => return code,
        Answer::Own => {
            // SAFETY: the type is that of getaddrinfo(3).
            let own = unsafe { real::<system::GetAddrInfo>(c"getaddrinfo") };
            // SAFETY: the arguments are the caller's.
            return own.map_or(EAI_SYSTEM, |own| unsafe { own(node, service, hints, result) });
        }
    };
    let port = if service.is_null() {
        0
    } else {
        // SAFETY: the caller's C string. Programs that are tested give a number or nothing.
        unsafe { CStr::from_ptr(service) }
            .to_str()
            .ok()
            .and_then(|port| port.parse().ok())
            .unwrap_or(0)
    };
    let mut list = ptr::null_mut();
    for address in addresses.into_iter().rev() {
        let Some(entry) = system::entry(SocketAddr::new(address, port), hint, list) else {
            return EAI_SYSTEM;
        };
        list = entry;
    }
    // SAFETY: the caller's place for the result.
    unsafe { *result = list };
    0
}

/// Asks the test about a name.
fn ask(host: &CStr, family: c_int) -> Answer {
    let (Some(path), Ok(host)) = (env::var_os(SOCKET_VARIABLE), host.to_str()) else {
        return Answer::Own;
    };
    if host.parse::<IpAddr>().is_ok() {
        return Answer::Own;
    }
    let asked = || -> io::Result<String> {
        let mut socket = UnixStream::connect(&path)?;
        writeln!(socket, "{family} {host}")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        Ok(answer)
    };
    asked().ok().and_then(|answer| read(&answer)).unwrap_or_else(|| {
        // The test has ended, or says nothing that makes sense.
        set_errno(system::EIO);
        Answer::Error(EAI_SYSTEM)
    })
}

/// What an answer means.
fn read(answer: &str) -> Option<Answer> {
    let answer = answer.trim_end();
    if answer == "own" {
        return Some(Answer::Own);
    }
    if let Some(code) = answer.strip_prefix("error ") {
        set_errno(system::EIO);
        return code.parse().ok().map(Answer::Error);
    }
    let addresses: Option<Vec<_>> = answer.lines().map(|line| line.parse().ok()).collect();
    addresses.filter(|addresses| !addresses.is_empty()).map(Answer::Addresses)
}

/// Replaces libc's.
///
/// # Safety
/// The arguments are those of `socket(2)`.
#[unsafe(no_mangle)]
unsafe extern "C" fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int {
    if env::var(MISSING_FAMILY_VARIABLE).is_ok_and(|family| family.parse() == Ok(domain)) {
        set_errno(EAFNOSUPPORT);
        return -1;
    }
    // SAFETY: the type is that of socket(2).
    let own = unsafe { real::<system::Socket>(c"socket") };
    // SAFETY: the arguments are the caller's.
    own.map_or(-1, |own| unsafe { own(domain, kind, protocol) })
}

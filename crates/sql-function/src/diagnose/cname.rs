//! The CNAMEs that a name leads through, which the system's own lookup does not tell: one question to
//! the system's resolver (RFC 1035, sections 4.1 and 4.2.1), for a diagnosis to show. Nothing is
//! decided by the answer.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Where Linux keeps the addresses of its resolvers (resolv.conf(5)).
const RESOLVERS: &str = "/etc/resolv.conf";
const PORT: u16 = 53;
/// Resolvers answer within milliseconds. What is not heard by then is left out.
const PATIENCE: Duration = Duration::from_secs(1);
/// The longest answer over UDP without an extension.
const LONGEST: usize = 512;
/// No chain is longer, and no name has more parts.
const MANY: usize = 64;

const A: u16 = 1;
const CNAME: u16 = 5;
const INTERNET: u16 = 1;
/// A query that asks the resolver to follow the chain itself.
const RECURSION_DESIRED: u16 = 0x0100;

/// The names that `host` is a CNAME for, in order; none when it is none, is an address, or the
/// resolver does not say. `id` tells the answer from others.
pub(super) async fn chain(host: &str, id: u16) -> Vec<String> {
    let resolver = fs::read_to_string(RESOLVERS).ok().and_then(|text| first_resolver(&text));
    let (Some(resolver), Err(_)) = (resolver, host.parse::<IpAddr>()) else { return vec![] };
    let asked = timeout(PATIENCE, ask(SocketAddr::new(resolver, PORT), host, id)).await;
    asked.ok().and_then(Result::ok).unwrap_or_default()
}

fn first_resolver(text: &str) -> Option<IpAddr> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next()?.parse().ok()).flatten()
    })
}

async fn ask(resolver: SocketAddr, host: &str, id: u16) -> io::Result<Vec<String>> {
    let any: IpAddr = if resolver.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(resolver).await?;
    let query = query(host, id).ok_or(io::ErrorKind::InvalidInput)?;
    socket.send(&query).await?;
    let mut answer = [0; LONGEST];
    loop {
        let length = socket.recv(&mut answer).await?;
        if answer[..length].first_chunk() == Some(&id.to_be_bytes()) {
            return Ok(cnames(&answer[..length], host).unwrap_or_default());
        }
    }
}

/// A question for the IPv4 addresses of `host`.
fn query(host: &str, id: u16) -> Option<Vec<u8>> {
    let mut query = Vec::new();
    for number in [id, RECURSION_DESIRED, 1, 0, 0, 0] {
        query.extend(number.to_be_bytes());
    }
    for label in host.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length))?;
        query.push(length);
        query.extend(label.as_bytes());
    }
    query.push(0);
    query.extend([A, INTERNET].map(u16::to_be_bytes).concat());
    Some(query)
}

/// The chain that begins at `host` in an answer. `None` when the answer is malformed.
fn cnames(answer: &[u8], host: &str) -> Option<Vec<String>> {
    let number = |at: usize| answer.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]]));
    let (questions, answers) = (number(4)?, number(6)?);
    let mut at = 12;
    for _ in 0..questions {
        at = name(answer, at)?.1 + 4;
    }
    let mut aliases = vec![];
    for _ in 0..answers {
        let (owner, after) = name(answer, at)?;
        // After the name: type, class, four bytes of lifetime, length, and the data.
        let (kind, length) = (number(after)?, usize::from(number(after + 8)?));
        if kind == CNAME {
            aliases.push((owner, name(answer, after + 10)?.0));
        }
        at = after + 10 + length;
    }
    let mut chain: Vec<String> = vec![];
    while chain.len() < MANY {
        let last = chain.last().map_or(host, String::as_str);
        match aliases.iter().find(|(owner, _)| owner.eq_ignore_ascii_case(last)) {
            Some((_, target)) => chain.push(target.clone()),
            None => break,
        }
    }
    Some(chain)
}

/// The name at `at`, and where what follows it begins. A part of it may stand further ahead
/// (section 4.1.4).
fn name(answer: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut labels = vec![];
    let mut after = None;
    for _ in 0..MANY {
        let length = *answer.get(at)?;
        match length {
            0 => return Some((labels.join("."), after.unwrap_or(at + 1))),
            1..64 => {
                let label = answer.get(at + 1..at + 1 + usize::from(length))?;
                labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
                at += 1 + usize::from(length);
            }
            0xc0.. => {
                after = after.or(Some(at + 2));
                at = usize::from(length & 0x3f) << 8 | usize::from(*answer.get(at + 1)?);
            }
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOST: &str = "db.corp.example";

    /// The answer to the query in the form in which resolvers send it: the question again, then
    /// records whose names point back at it.
    fn answer(query: &[u8]) -> Vec<u8> {
        let mut answer = query.to_vec();
        answer[2..4].copy_from_slice(&[0x81, 0x80]);
        answer[7] = 3;
        let record = |owner: &[u8], kind: u8, data: &[u8]| {
            [owner, &[0, kind, 0, 1, 0, 0, 0, 60, 0, data.len() as u8], data].concat()
        };
        let start = answer.len();
        // "writer" and the rest of the question's name, which begins at byte 15.
        answer.extend(record(&[0xc0, 12], 5, b"\x06Writer\xc0\x0f"));
        let writer = [0xc0, u8::try_from(start + 12).unwrap()];
        answer.extend(record(&writer, 5, b"\x03end\x03rds\x00"));
        answer.extend(record(b"\x03end\x03rds\x00", 1, &[10, 0, 0, 1]));
        answer
    }

    #[tokio::test]
    async fn a_chain_is_read_in_order() {
        let resolver = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = resolver.local_addr().unwrap();
        let serve = async {
            let mut query = [0; LONGEST];
            let (length, client) = resolver.recv_from(&mut query).await.unwrap();
            // Another's answer comes first.
            let mut other = answer(&query[..length]);
            other[0] ^= 1;
            resolver.send_to(&other[..20], client).await.unwrap();
            resolver.send_to(&answer(&query[..length]), client).await.unwrap();
        };
        let (chain, ()) = tokio::join!(ask(address, HOST, 0x0102), serve);
        assert_eq!(chain.unwrap(), ["writer.corp.example", "end.rds"]);
    }

    #[test]
    fn a_loop_ends() {
        let mut answer = query(HOST, 7).unwrap();
        answer[7] = 1;
        answer.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 12]);
        assert_eq!(cnames(&answer, HOST).unwrap().len(), MANY);
        let end = answer.len() - 2;
        let to_itself = 0xc000 | u16::try_from(end).unwrap();
        answer[end..].copy_from_slice(&to_itself.to_be_bytes());
        assert_eq!(cnames(&answer, HOST), None);
    }

    #[test]
    fn resolvers_are_found() {
        let text = "# comment\noptions ndots:1\nnameserver 169.254.78.1\nnameserver ::1\n";
        assert_eq!(first_resolver(text), Some("169.254.78.1".parse().unwrap()));
        assert_eq!(first_resolver("search example.com\n"), None);
    }

    proptest! {
        #[test]
        fn no_answer_panics(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = cnames(&bytes, HOST);
        }
    }
}

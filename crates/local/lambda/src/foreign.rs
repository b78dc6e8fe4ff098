//! Requests that come from a page in a browser.
//!
//! Any page can have its browser send requests to loopback, but cannot hide it: the browser adds
//! `Origin` to every POST (<https://fetch.spec.whatwg.org/#origin-header>) and `Sec-Fetch-Site` to
//! every request to loopback (<https://www.w3.org/TR/fetch-metadata/>), and a page whose name resolves
//! to loopback (DNS rebinding) sends that name as `Host`. AWS's clients and runtimes send neither of
//! the first two.

use hyper::{
    Request,
    header::{HOST, ORIGIN},
};

/// Why a server on `port` of loopback refuses the request, if it comes from such a page.
pub(crate) fn foreign<B>(request: &Request<B>, port: u16) -> Option<&'static str> {
    let headers = request.headers();
    let mut hosts = headers.get_all(HOST).iter();
    let named = hosts.next().is_some_and(|host| is_own(host.as_bytes(), port))
        && hosts.next().is_none()
        // A client that takes this server for a proxy also names a host in the request line.
        && request.uri().authority().is_none_or(|host| is_own(host.as_str().as_bytes(), port));
    if !named {
        return Some("the Host is not this server: use 127.0.0.1, localhost or [::1] and its port");
    }
    if headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site") {
        return Some("requests from web pages are refused");
    }
    None
}

/// Whether a `host` or `host:port` is loopback, and names no other port.
fn is_own(authority: &[u8], port: u16) -> bool {
    let Ok(authority) = std::str::from_utf8(authority) else { return false };
    let (host, named) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    named.is_none_or(|named| named.parse() == Ok(port))
        && ["127.0.0.1", "localhost", "[::1]"].iter().any(|own| host.eq_ignore_ascii_case(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(uri: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::post(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        foreign(&request.body(()).unwrap(), 4000).is_some()
    }

    #[test]
    fn loopback_by_any_of_its_names_is_its_own() {
        for host in [
            "127.0.0.1:4000",
            "localhost:4000",
            "LocalHost:4000",
            "[::1]:4000",
            "127.0.0.1",
            "[::1]",
        ] {
            assert!(!refused("/", &[("host", host)]), "{host}");
        }
    }

    #[test]
    fn other_names_and_ports_are_foreign() {
        for host in [
            "",
            "evil.example",
            "evil.example:4000",
            "127.0.0.1:4001",
            "127.0.0.1:",
            "localhost:4000.evil.example",
            "127.0.0.1.evil.example:4000",
            "localhost.:4000",
            "user@127.0.0.1:4000",
            "0.0.0.0:4000",
            "[::1]:80",
        ] {
            assert!(refused("/", &[("host", host)]), "{host:?}");
        }
        assert!(refused("/", &[]), "no Host");
        assert!(refused("/", &[("host", "localhost:4000"), ("host", "evil.example")]), "two");
        assert!(
            refused("http://evil.example/", &[("host", "localhost:4000")]),
            "a proxy's request"
        );
    }

    #[test]
    fn a_browser_is_known_by_what_it_adds() {
        let own = ("host", "127.0.0.1:4000");
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "http://localhost:3000"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(refused("/", &[own, (name, value)]), "{name}: {value}");
        }
        assert!(!refused("/", &[own, ("sec-fetch-mode", "cors")]), "Node.js sends that");
    }
}

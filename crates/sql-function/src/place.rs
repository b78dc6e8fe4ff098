//! Which server a piece of work runs on, by what it needs and what the endpoint's name stands for.
//!
//! The name of an instance or a read replica stands for that server. Those of a cluster stand for a role,
//! which moves from server to server, and its name follows late.

use iam_auth::EndpointKind;

use crate::login::Login;

/// What work needs from its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// Any server, preferably a reader: it only reads.
    Read,
    /// The writer, as far as that can be known at once: it may only read, as a procedure does.
    Perhaps,
    /// The writer, as far as that can be known at once: something has written in the same event.
    AfterWrite,
    /// The server with the locks that exclude other runs: it is exclusive, and may only read.
    Lock,
    /// A server that takes writes.
    Write,
}

/// Which connection work runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Any one.
    Any,
    /// One to the endpoint, whatever its server does.
    Endpoint,
    /// One to the writer if that is found at once, or else any one.
    WriterOrAny,
    /// One to the writer.
    Writer,
}

impl Place {
    /// Where work runs that has this `need` of the server at the endpoint of `login`.
    pub(crate) fn of(need: Need, login: &Login) -> Place {
        Place::at(need, login.endpoint().kind(), login.is_tunnelled())
    }

    fn at(need: Need, kind: EndpointKind, is_tunnelled: bool) -> Place {
        // A name that leads to the writer in the end, however long that takes.
        let is_writers = matches!(kind, EndpointKind::ClusterWriter | EndpointKind::GlobalWriter)
            && !is_tunnelled;
        match need {
            _ if Finder::at(kind) != Finder::Search => Place::Any,
            Need::Read => Place::Any,
            // Its sessions, its tables; and other runs take their locks there.
            Need::Perhaps | Need::Lock if kind == EndpointKind::Instance => Place::Endpoint,
            Need::Lock if is_writers => Place::Writer,
            Need::Perhaps | Need::AfterWrite | Need::Lock => Place::WriterOrAny,
            Need::Write => Place::Writer,
        }
    }
}

/// Who finds the writer when a server has refused to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finder {
    /// The function, by the topology or by another login.
    Search,
    /// An RDS Proxy: its next connection may lead to the writer.
    Proxy,
    /// Nobody: the name of a reader endpoint never leads to the writer on purpose.
    Nobody,
}

impl Finder {
    /// Who finds it from the endpoint of `login`.
    pub(crate) fn of(login: &Login) -> Finder {
        Finder::at(login.endpoint().kind())
    }

    fn at(kind: EndpointKind) -> Finder {
        match kind {
            kind if kind.is_proxy() => Finder::Proxy,
            EndpointKind::ClusterReader => Finder::Nobody,
            _ => Finder::Search,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use EndpointKind::{
        ClusterCustom, ClusterReader, ClusterWriter, GlobalWriter, Instance, Proxy, ProxyEndpoint,
        Unknown,
    };

    const ALL: [EndpointKind; 8] = [
        Instance,
        ClusterWriter,
        ClusterReader,
        ClusterCustom,
        GlobalWriter,
        Proxy,
        ProxyEndpoint,
        Unknown,
    ];

    #[test]
    fn reads_run_anywhere_and_writes_at_the_writer() {
        for kind in ALL {
            let writes = match kind {
                Proxy | ProxyEndpoint | ClusterReader => Place::Any,
                _ => Place::Writer,
            };
            for is_tunnelled in [false, true] {
                assert_eq!(Place::at(Need::Read, kind, is_tunnelled), Place::Any, "{kind:?}");
                assert_eq!(Place::at(Need::Write, kind, is_tunnelled), writes, "{kind:?}");
            }
        }
    }

    #[test]
    fn what_need_not_write_stays_at_the_instance_that_is_named() {
        for need in [Need::Perhaps, Need::Lock] {
            assert_eq!(Place::at(need, Instance, false), Place::Endpoint, "{need:?}");
        }
        let after = Place::at(Need::AfterWrite, Instance, false);
        assert_eq!(after, Place::WriterOrAny, "the write may have gone there");
        for kind in [ClusterWriter, ClusterCustom, GlobalWriter, Unknown] {
            for need in [Need::Perhaps, Need::AfterWrite] {
                assert_eq!(Place::at(need, kind, false), Place::WriterOrAny, "{need:?}, {kind:?}");
            }
        }
    }

    #[test]
    fn a_lock_waits_for_the_writer_only_at_names_that_lead_to_it() {
        for (kind, place) in [
            (ClusterWriter, Place::Writer),
            (GlobalWriter, Place::Writer),
            (ClusterCustom, Place::WriterOrAny),
            (Unknown, Place::WriterOrAny),
            (ClusterReader, Place::Any),
            (Proxy, Place::Any),
        ] {
            assert_eq!(Place::at(Need::Lock, kind, false), place, "{kind:?}");
        }
        let tunnel = Place::at(Need::Lock, ClusterWriter, true);
        assert_eq!(tunnel, Place::WriterOrAny, "it may lead to one server alone");
    }
}

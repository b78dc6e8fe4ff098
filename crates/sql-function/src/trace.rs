//! What becomes a span of an invocation, and the trace that it belongs to.
//!
//! Spans are kept in the invocation's record until they are sent. Where traces are off, or Lambda has not
//! sampled this one, nothing is kept and no clock is read.

use engine::Engine;
use std::sync::Arc;
use tokio::time::Instant;

use crate::driver::Connector;
use crate::error::Error;
use crate::login::Login;
use crate::record::{self, Record};
use crate::span::{Database, GIVEN_UP, Span};
use crate::statement::Statement;

tokio::task_local! {
    /// The span that this is a part of: its place in the record.
    static PARENT: usize;
}

/// The trace that an invocation belongs to. Identifiers are hexadecimal digits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) trace_id: String,
    /// The span of the caller.
    pub(crate) parent_id: Option<String>,
}

impl Context {
    /// Reads the tracing header that Lambda passes with an event, `Root=1-…;Parent=…;Sampled=1`; without
    /// one, a trace begins here. `None` if it is not sampled:
    /// <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>.
    pub(crate) fn read(header: Option<&str>, random: fn() -> u64) -> Option<Context> {
        let field = |name: &str| {
            let mut fields = header?.split(';').filter_map(|field| field.trim().split_once('='));
            fields.find(|(found, _)| *found == name).map(|(_, value)| value)
        };
        if field("Sampled") == Some("0") {
            return None;
        }
        let root = field("Root").and_then(|root| {
            let (time, unique) = root.strip_prefix("1-")?.split_once('-')?;
            is_id(time, 8).then_some(())?;
            is_id(unique, 24).then(|| format!("{time}{unique}"))
        });
        let parent = field("Parent").filter(|parent| root.is_some() && is_id(parent, 16));
        Some(Context {
            parent_id: parent.map(str::to_owned),
            trace_id: root.unwrap_or_else(|| format!("{:016x}{:016x}", random(), random().max(1))),
        })
    }
}

/// Whether this is an identifier of so many digits. One of zeros is none.
fn is_id(text: &str, digits: usize) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == digits && text.bytes().all(is_digit) && text.bytes().any(|byte| byte != b'0')
}

/// A span that runs. Dropped, it has been given up.
struct Open {
    record: Arc<Record>,
    place: usize,
    error_type: Option<&'static str>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.record.spans.end(self.place, self.error_type);
    }
}

/// A step of a login, which is a span called `name` if the invocation's spans are recorded.
///
/// # Errors
/// Those of `work`, of which the span tells the `error_type`.
pub async fn step<T, E>(
    name: &'static str,
    error_type: impl FnOnce(&E) -> &'static str,
    work: impl Future<Output = Result<T, E>> + Unpin,
) -> Result<T, E> {
    span(|| (name.to_owned(), None, false), error_type, work).await
}

/// One attempt at a login.
pub(crate) async fn login<C: Connector, T>(
    login: &Login,
    work: impl Future<Output = Result<T, Error>> + Unpin,
) -> Result<T, Error> {
    let begin = || ("login".to_owned(), Some(database::<C>(login)), false);
    span(begin, Error::error_type, work).await
}

/// A statement at the server of `login`.
pub(crate) async fn statement<C: Connector, T>(
    statement: &Statement,
    login: Option<&Login>,
    work: impl Future<Output = Result<T, Error>> + Unpin,
) -> Result<T, Error> {
    let begin = || {
        let database = login.map(database::<C>);
        // The name of one in the code of a handler is the beginning of its SQL, with blanks.
        let is_deployed = !statement.name.contains(' ');
        let system = database.as_ref().map_or("query", |database| database.system);
        let name = if is_deployed { statement.name.as_str() } else { system };
        (name.to_owned(), database, is_deployed)
    };
    span(begin, Error::error_type, work).await
}

/// The database of a login, as the conventions name it. That of MySQL's function may be MariaDB.
fn database<C: Connector>(login: &Login) -> Database {
    let (endpoint, name) = (login.endpoint(), login.database.clone());
    let system = match C::ENGINE {
        Engine::MySql | Engine::MariaDb => "mysql",
        Engine::Postgres => "postgresql",
    };
    Database { system, name, host: endpoint.host().to_owned(), port: endpoint.port() }
}

/// Does `work` as a span, if those of the invocation are recorded. It is pinned where it is, as the work
/// [`within`](record::within) a record.
async fn span<T, E>(
    begin: impl FnOnce() -> (String, Option<Database>, bool),
    error_type: impl FnOnce(&E) -> &'static str,
    work: impl Future<Output = Result<T, E>> + Unpin,
) -> Result<T, E> {
    let begin = || {
        let (name, database, is_statement) = begin();
        let (parent, began) = (PARENT.try_with(|place| *place).ok(), Instant::now());
        let error_type = Some(GIVEN_UP);
        Span { name, database, is_statement, parent, began, ended: None, error_type }
    };
    let begun = record::current().and_then(|record| Some((record.spans.begin(begin)?, record)));
    let Some((place, record)) = begun else { return work.await };
    let mut open = Open { record, place, error_type: Some(GIVEN_UP) };
    let outcome = PARENT.scope(place, work).await;
    open.error_type = outcome.as_ref().err().map(error_type);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::within;
    use std::pin::pin;

    const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";
    const TRACE: &str = "5759e988bd862e3fe1be46a994272793";
    const PARENT_ID: &str = "53995c3f42cd8ad8";

    #[test]
    fn the_header_tells_the_trace_the_caller_and_whether_it_is_sampled() {
        let read = |header: &str| {
            let context = Context::read(Some(header), || 0xab)?;
            Some((context.trace_id, context.parent_id))
        };
        let (parent, new) = (format!("Parent={PARENT_ID}"), format!("{:016x}{:016x}", 0xab, 0xab));
        let known = Some((TRACE.to_owned(), Some(PARENT_ID.to_owned())));
        let own = Some((new, None));
        assert_eq!(read(&format!("{ROOT};{parent};Sampled=1")), known);
        assert_eq!(read(&format!("{ROOT}; {parent};Sampled=1;Lineage=1:a87bd80c:0")), known);
        assert_eq!(read(&format!("{ROOT};{parent};Sampled=0")), None);
        assert_eq!(read(&format!("{ROOT};Sampled=1")), Some((TRACE.to_owned(), None)));
        assert_eq!(
            read(&format!("{ROOT};Parent=0000000000000000")),
            Some((TRACE.to_owned(), None))
        );
        for invalid in ["", "Root=1-5759e988-bd86", "Root=1-5759e988-BD862E3FE1BE46A994272793"] {
            assert_eq!(read(&format!("{invalid};{parent};Sampled=1")), own, "{invalid}");
        }
        let here = Context::read(None, || 0xab).map(|here| (here.trace_id, here.parent_id));
        assert_eq!(here, own);
    }

    #[tokio::test]
    async fn nothing_is_done_where_they_are_off() {
        let unsampled = Arc::new(Record::default());
        for record in [None, Some(unsampled)] {
            let work = pin!(async {
                let work = pin!(async { Ok::<_, Error>(7) });
                span(|| panic!("a span begins"), Error::error_type, work).await
            });
            assert_eq!(within(record, work).await.unwrap(), 7);
        }
    }
}

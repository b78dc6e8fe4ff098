//! Every write that was sent and what its invocation reported, compared with the table in which the
//! server counted the writes.

use local_rds::Server;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::view::View;
use super::{Outcome, connections, is_honest_for_a_read, query};
use crate::deployed::Deployed;
use crate::poll::until;

/// The writes of a test. Each has its own id, and adds one to the id's count. Reads see them.
#[derive(Debug, Default)]
pub struct Ledger {
    // The index is the id.
    writes: Mutex<Vec<Write>>,
    /// The first of the two ids of each transaction.
    transactions: Mutex<Vec<usize>>,
    /// What reads have seen.
    seen: Mutex<BTreeSet<usize>>,
}

#[derive(Clone, Copy, Debug)]
struct Write {
    sent: Instant,
    entry: Entry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// Its invocation has not ended.
    Going,
    /// It was reported as carried out, at this time.
    Done(Instant),
    /// It was reported as failed, with nothing carried out.
    Clean,
    /// It was reported that the outcome is unknown.
    Unknown,
}

/// What a read saw.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The port of the server that it ran on.
    pub port: u64,
    /// The writes that had been reported as done when it was sent, and that it did not see. Only a reader may be
    /// behind its writer.
    pub behind: Vec<usize>,
}

impl Ledger {
    /// Sends one write.
    pub async fn write(&self, function: &Deployed<'_>) -> Outcome {
        self.write_with(function, "hit").await
    }

    /// Sends one write with a statement other than `hit`.
    pub async fn write_with(&self, function: &Deployed<'_>, statement: &str) -> Outcome {
        let id = self.reserve(1);
        let event = format!(r#"{{"statement":"{statement}","params":[{id}]}}"#);
        self.send(function, id, 1, &event).await.map(drop)
    }

    /// Reads the newest writes by the statement [`newest`](super::newest). Fails the test unless the server may be in
    /// the state that it shows.
    pub async fn read(&self, function: &Deployed<'_>) -> Result<Answer, String> {
        let sent = Instant::now();
        let value = lock(&self.writes).len();
        let event = format!(r#"{{"statement":"newest","params":[{value}]}}"#);
        let response = function.invoke(&event).await.map_err(|(error_type, message)| {
            assert!(is_honest_for_a_read(&error_type), "{error_type}: {message}");
            error_type
        })?;
        Ok(self.look(&View::of(&response, value), sent, None))
    }

    /// Sends two writes in one transaction, with a read of the newest writes between them, which must see the first
    /// one and everything that was reported as done.
    pub async fn transaction_with_look(&self, function: &Deployed<'_>) -> Result<Answer, String> {
        let sent = Instant::now();
        let id = self.reserve(2);
        let event = format!(
            r#"{{"transaction":[{{"statement":"hit","params":[{id}]}},
                {{"statement":"newest","params":[{id}]}},{{"statement":"hit","params":[{}]}}]}}"#,
            id + 1
        );
        let response = self.send(function, id, 2, &event).await?;
        let view = View::of(&response["transaction"][1], id);
        let halves = [id, id + 1].map(|id| view.ids.contains(&id));
        assert_eq!(halves, [true, false], "between its writes, transaction {id} saw {view:?}");
        let answer = self.look(&view, sent, Some(id));
        assert!(answer.behind.is_empty(), "transaction {id} was carried out and saw {answer:?}");
        Ok(answer)
    }

    /// Sends two writes in one transaction, with a read between them.
    pub async fn transaction(&self, function: &Deployed<'_>) -> Outcome {
        self.transaction_with(function, "items").await
    }

    /// Sends two writes in one transaction, with the read `statement` between them.
    pub async fn transaction_with(&self, function: &Deployed<'_>, statement: &str) -> Outcome {
        let id = self.reserve(2);
        let event = format!(
            r#"{{"transaction":[{{"statement":"hit","params":[{id}]}},
                {{"statement":"{statement}"}},{{"statement":"hit","params":[{}]}}]}}"#,
            id + 1
        );
        self.send(function, id, 2, &event).await.map(drop)
    }

    async fn send(
        &self,
        function: &Deployed<'_>,
        id: usize,
        count: usize,
        event: &str,
    ) -> Result<Value, String> {
        let outcome = function.invoke(event).await;
        let (entry, ending) = match outcome {
            Ok(response) => {
                assert_eq!(response.get("skipped"), None, "{response}");
                (Entry::Done(Instant::now()), Ok(response))
            }
            Err((error_type, _)) if error_type == "OutcomeUnknown" => {
                (Entry::Unknown, Err(error_type))
            }
            Err((error_type, message)) => {
                // Any other error type is Lambda's: the function did not answer.
                assert!(is_ours(&error_type), "{error_type:?}: {message}\n{}", function.logs());
                (Entry::Clean, Err(error_type))
            }
        };
        lock(&self.writes)[id..id + count].iter_mut().for_each(|write| write.entry = entry);
        ending
    }

    /// Takes in what a read saw that was sent then, perhaps in the transaction `own`. Fails unless a server may be in
    /// that state: it has a write only with all those that were done before that one was sent, and both writes of a
    /// transaction or none.
    fn look(&self, view: &View, sent: Instant, own: Option<usize>) -> Answer {
        let writes = lock(&self.writes);
        let newest = view.ids.last().copied();
        assert!(newest < Some(writes.len()), "a write that was never sent: {view:?}");
        let missing = writes.iter().enumerate().skip(view.first());
        let missing: Vec<_> = missing
            .filter(|(id, _)| !view.ids.contains(id))
            .filter_map(|(id, write)| match write.entry {
                Entry::Done(at) => Some((id, at)),
                _ => None,
            })
            .collect();
        let before = |then: Instant| -> Vec<usize> {
            missing.iter().filter(|(_, done)| *done < then).map(|(id, _)| *id).collect()
        };
        let skipped = newest.map(|id| before(writes[id].sent)).unwrap_or_default();
        assert!(skipped.is_empty(), "{view:?} lacks older writes that are done: {skipped:?}");
        let halved = lock(&self.transactions);
        let halved = halved.iter().filter(|&&id| id >= view.first() && Some(id) != own);
        let halved: Vec<_> =
            halved.filter(|&id| view.ids.contains(id) != view.ids.contains(&(id + 1))).collect();
        assert!(halved.is_empty(), "{view:?} shows half of the transactions of {halved:?}");
        lock(&self.seen).extend(&view.ids);
        Answer { port: view.port, behind: before(sent) }
    }

    /// Fails unless the server has run each write reported as done exactly once, none reported as
    /// clean, each other write at most once, every transaction in full or not at all, and all that reads
    /// have seen.
    pub fn assert_balanced(&self, server: &Server) {
        let rows = query(server, "SELECT id, n FROM hits");
        let number = |cell: &Option<String>| cell.as_ref().unwrap().parse::<usize>().unwrap();
        let counted: BTreeMap<_, _> =
            rows.iter().map(|row| (number(&row[0]), number(&row[1]))).collect();
        let writes = lock(&self.writes);
        let wrong: Vec<_> = writes
            .iter()
            .enumerate()
            .map(|(id, write)| (id, write.entry, counted.get(&id).copied().unwrap_or(0)))
            .filter(|(_, entry, count)| match entry {
                Entry::Done(_) => *count != 1,
                Entry::Clean => *count != 0,
                Entry::Unknown | Entry::Going => *count > 1,
            })
            .collect();
        assert!(wrong.is_empty(), "writes lost, run twice, or run despite an error: {wrong:?}");
        assert_eq!(counted.range(writes.len()..).next(), None, "a write that was never sent");
        for &id in &*lock(&self.transactions) {
            let halves = [id, id + 1].map(|id| counted.contains_key(&id));
            assert_eq!(halves[0], halves[1], "half of the transaction of {id} was carried out");
        }
        let lost = lock(&self.seen).iter().find(|id| !counted.contains_key(id)).copied();
        assert_eq!(lost, None, "a write that a read has seen is gone");
    }

    fn reserve(&self, count: usize) -> usize {
        let mut writes = lock(&self.writes);
        let id = writes.len();
        writes.extend(vec![Write { sent: Instant::now(), entry: Entry::Going }; count]);
        if count == 2 {
            lock(&self.transactions).push(id);
        }
        id
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_ours(error_type: &str) -> bool {
    !error_type.is_empty()
        && !error_type.starts_with("Runtime.")
        && error_type != "Sandbox.Timedout"
}

/// Waits until the server has closed the connections that were cut, all but `kept`. What they ran has
/// ended with them.
pub async fn settled(server: &Server, kept: usize) {
    until("the server closes the connections that were cut", async || connections(server) <= kept)
        .await;
}

#[cfg(test)]
mod tests {
    use super::{Entry, Ledger, View, lock};
    use std::time::Instant;

    /// Sends so many writes that belong together. Those that are done say so.
    fn send(ledger: &Ledger, count: usize, is_done: bool) {
        let id = ledger.reserve(count);
        let entry = if is_done { Entry::Done(Instant::now()) } else { Entry::Going };
        lock(&ledger.writes)[id..id + count].iter_mut().for_each(|write| write.entry = entry);
    }

    /// Writes 0, 1 and 2 are done one after another; 3 and 4 are a transaction that goes on.
    fn ledger() -> Ledger {
        let ledger = Ledger::default();
        for (count, is_done) in [(1, true), (1, true), (1, true), (2, false)] {
            send(&ledger, count, is_done);
        }
        ledger
    }

    fn behind(ids: &[usize]) -> Vec<usize> {
        let view = View { port: 1, ids: ids.iter().copied().collect() };
        ledger().look(&view, Instant::now(), None).behind
    }

    #[test]
    fn a_read_may_be_behind() {
        assert_eq!(behind(&[0, 1, 2]), [0; 0]);
        assert_eq!(behind(&[0, 1, 2, 3, 4]), [0; 0]);
        assert_eq!(behind(&[0]), [1, 2]);
        assert_eq!(behind(&[]), [0, 1, 2]);
    }

    #[test]
    #[should_panic(expected = "lacks older writes that are done: [1]")]
    fn what_was_done_before_a_write_was_sent_is_seen_with_it() {
        behind(&[0, 2]);
    }

    #[test]
    #[should_panic(expected = "half of the transactions of [3]")]
    fn a_transaction_is_seen_as_a_whole() {
        behind(&[0, 1, 2, 3]);
    }

    #[test]
    #[should_panic(expected = "never sent")]
    fn what_is_seen_has_been_sent() {
        behind(&[0, 1, 2, 5]);
    }

    #[test]
    fn older_writes_than_the_answer_shows_do_not_count() {
        let ledger = Ledger::default();
        (0..60).for_each(|_| send(&ledger, 1, true));
        let view = View { port: 1, ids: (8..58).collect() };
        assert_eq!(ledger.look(&view, Instant::now(), None).behind, [58, 59]);
    }
}

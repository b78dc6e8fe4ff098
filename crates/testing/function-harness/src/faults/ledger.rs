//! Every write that was sent and what its invocation reported, compared with the table in which the
//! server counted the writes.

use local_rds::Server;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Outcome, connections, query};
use crate::deployed::Deployed;
use crate::poll::until;

/// The writes of a test. Each has its own id, and adds one to the id's count.
#[derive(Debug, Default)]
pub struct Ledger {
    // The index is the id.
    entries: Mutex<Vec<Entry>>,
    /// The first of the two ids of each transaction.
    transactions: Mutex<Vec<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// Its invocation has not ended.
    Going,
    /// It was reported as carried out.
    Done,
    /// It was reported as failed, with nothing carried out.
    Clean,
    /// It was reported that the outcome is unknown.
    Unknown,
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
        self.send(function, id, 1, &event).await
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
        self.send(function, id, 2, &event).await
    }

    async fn send(&self, function: &Deployed<'_>, id: usize, count: usize, event: &str) -> Outcome {
        let outcome = function.invoke(event).await;
        let (entry, ending) = match outcome {
            Ok(response) => {
                assert_eq!(response.get("skipped"), None, "{response}");
                (Entry::Done, Ok(()))
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
        lock(&self.entries)[id..id + count].fill(entry);
        ending
    }

    /// Fails unless the server has run each write reported as done exactly once, none reported as
    /// clean, each other write at most once, and every transaction in full or not at all.
    pub fn assert_balanced(&self, server: &Server) {
        let rows = query(server, "SELECT id, n FROM hits");
        let number = |cell: &Option<String>| cell.as_ref().unwrap().parse::<usize>().unwrap();
        let counted: BTreeMap<_, _> =
            rows.iter().map(|row| (number(&row[0]), number(&row[1]))).collect();
        let entries = lock(&self.entries);
        let wrong: Vec<_> = entries
            .iter()
            .enumerate()
            .map(|(id, entry)| (id, *entry, counted.get(&id).copied().unwrap_or(0)))
            .filter(|(_, entry, count)| match entry {
                Entry::Done => *count != 1,
                Entry::Clean => *count != 0,
                Entry::Unknown | Entry::Going => *count > 1,
            })
            .collect();
        assert!(wrong.is_empty(), "writes lost, run twice, or run despite an error: {wrong:?}");
        assert_eq!(counted.range(entries.len()..).next(), None, "a write that was never sent");
        for &id in &*lock(&self.transactions) {
            let halves = [id, id + 1].map(|id| counted.contains_key(&id));
            assert_eq!(halves[0], halves[1], "half of the transaction of {id} was carried out");
        }
    }

    fn reserve(&self, count: usize) -> usize {
        let mut entries = lock(&self.entries);
        let id = entries.len();
        entries.extend(vec![Entry::Going; count]);
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

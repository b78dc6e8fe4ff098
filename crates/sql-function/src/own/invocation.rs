//! What belongs to one invocation of a handler, whichever of its tasks uses it.
//!
//! A connection belongs to the call that uses it, and is dropped with it. Between two statements of
//! a transaction it is kept here, so that it can be taken back when the handler ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OwnedSemaphorePermit;

use crate::attempt::Attempt;
use crate::deadline::Deadline;
use crate::driver::{Connection, Connector};
use crate::error::{Error, Fate, Kind};
use crate::handle::Function;
use crate::own::kept::Kept;
use crate::place::Need;
use crate::record::{self, Record};
use crate::response::Tally;
use crate::statement::Mode;

/// Identifies a connection on its server.
type CancelHandle<C> = <<C as Connector>::Connection as Connection>::CancelHandle;

/// One invocation of a handler.
pub(crate) struct Invocation<C: Connector> {
    pub(crate) function: Arc<Function<C>>,
    pub(crate) deadline: Deadline,
    pub(crate) request_id: String,
    /// What a task of the handler counts for, too.
    record: Option<Arc<Record>>,
    state: Mutex<State<C>>,
}

/// What changes during an invocation.
struct State<C: Connector> {
    /// Whether the handler has ended.
    is_over: bool,
    /// How many calls are running.
    running: usize,
    /// The open transaction, between two of its statements.
    transaction: Option<Attempt<C>>,
    /// Whether a transaction that may write was neither committed nor rolled back.
    forgotten: bool,
    /// The connection that the handler itself uses, what can cancel what runs on it, and its place in the
    /// pool.
    driver: Option<(Arc<CancelHandle<C>>, Arc<C>, OwnedSemaphorePermit)>,
    /// What everything needs at least since something that writes has begun: a reader may not have yet what
    /// it wrote.
    least: Need,
    kept: Kept,
    tally: Tally,
}

/// What an invocation leaves behind.
pub(crate) struct Left<C: Connector> {
    /// A transaction that was not ended.
    pub(crate) transaction: Option<Attempt<C>>,
    /// Whether one that may write was neither committed nor rolled back.
    pub(crate) forgotten: bool,
    /// Whether a task of the handler still waits for the database.
    pub(crate) is_running: bool,
    /// What was changed.
    pub(crate) kept: Kept,
    /// What was run.
    pub(crate) tally: Tally,
}

impl<C: Connector> Invocation<C> {
    pub(crate) fn new(function: Arc<Function<C>>, deadline: Deadline, request_id: String) -> Self {
        let state = State {
            is_over: false,
            running: 0,
            transaction: None,
            forgotten: false,
            driver: None,
            least: Need::Read,
            kept: Kept::default(),
            tally: Tally::default(),
        };
        let record = record::current();
        Invocation { function, deadline, request_id, record, state: Mutex::new(state) }
    }

    /// Begins a call that may change something for good if `mode` is write.
    ///
    /// # Errors
    /// The handler has ended.
    pub(crate) fn call(&self, mode: Mode) -> Result<Running<'_, C>, Error> {
        let mut state = self.state();
        if state.is_over {
            let message = "the invocation is over: its handler has returned";
            return Err(Error::new(Kind::Internal, message)
                .with_fate(Fate::NotRun)
                .advice("wait for every task of a handler before it returns"));
        }
        state.running += 1;
        let kept = state.kept;
        state.kept = kept.during(mode);
        drop(state);
        Ok(Running { invocation: self, mode, kept })
    }

    /// What work needs now that would otherwise have this `need`.
    pub(crate) fn need(&self, need: Need) -> Need {
        let mut state = self.state();
        let needed = need.max(state.least);
        state.least = state.least.max(match need {
            Need::Read => Need::Read,
            Need::Perhaps | Need::Lock => Need::Perhaps,
            Need::AfterWrite | Need::Write => Need::AfterWrite,
        });
        needed
    }

    /// Takes out the open transaction.
    pub(crate) fn take(&self) -> Option<Attempt<C>> {
        self.state().transaction.take()
    }

    /// Keeps the open transaction until its next statement. Closes its connection if the handler
    /// has ended.
    pub(crate) fn keep(&self, transaction: Attempt<C>) {
        let mut state = self.state();
        if !state.is_over {
            state.transaction = Some(transaction);
        }
    }

    /// Records that a transaction is neither committed nor rolled back.
    pub(crate) fn forget(&self, mode: Mode) {
        self.state().forgotten |= mode == Mode::Write;
    }

    /// Rolls back a transaction that was dropped, and returns its connection.
    pub(crate) async fn roll_back(&self) {
        if let Some(mut transaction) = self.take() {
            let end = async {
                transaction.rollback().await;
                self.give_back(transaction).await;
            };
            Box::pin(end).await;
        }
    }

    /// Does `work` as a part of this invocation, whichever task of the handler does it.
    pub(crate) async fn recorded<T>(&self, work: impl Future<Output = T> + Unpin) -> T {
        record::within(self.record.clone(), work).await
    }

    /// Returns the connection of finished work.
    pub(crate) async fn give_back(&self, done: Attempt<C>) {
        if let Some(lease) = done.restored().await {
            self.function.pool().release(lease);
        }
    }

    /// Adds to what was run.
    pub(crate) fn count(&self, add: impl FnOnce(&mut Tally)) {
        add(&mut self.state().tally);
    }

    /// Records that the handler itself uses a connection.
    pub(crate) fn hand_over(
        &self,
        handle: CancelHandle<C>,
        connector: Arc<C>,
        permit: OwnedSemaphorePermit,
    ) {
        let mut state = self.state();
        state.kept = state.kept.max(Kept::Perhaps);
        state.driver = Some((Arc::new(handle), connector, permit));
    }

    /// The connection that the handler itself uses is closed.
    pub(crate) fn closed(&self) {
        self.state().driver = None;
    }

    /// Has the server cancel what the handler itself runs.
    pub(crate) async fn cancel(&self) {
        let driver = self
            .state()
            .driver
            .as_ref()
            .map(|(handle, connector, _)| (handle.clone(), connector.clone()));
        if let Some((handle, connector)) = driver
            && let Err(error) = connector.cancel(&handle, self.deadline).await
        {
            tracing::warn!(error = error.log(), "cannot cancel what the handler runs");
        }
    }

    /// Ends the invocation: no call begins after it.
    pub(crate) fn end(&self) -> Left<C> {
        let mut state = self.state();
        state.is_over = true;
        state.driver = None;
        Left {
            transaction: state.transaction.take(),
            forgotten: state.forgotten,
            is_running: state.running > 0,
            kept: state.kept,
            tally: std::mem::take(&mut state.tally),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<C>> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that waits for the database. If it is dropped, its write may have been carried out.
pub(crate) struct Running<'a, C: Connector> {
    invocation: &'a Invocation<C>,
    mode: Mode,
    /// What was known before it.
    kept: Kept,
}

impl<C: Connector> Running<'_, C> {
    /// Ends the call with its outcome.
    pub(crate) fn ended<T>(self, outcome: Result<T, Error>) -> Result<T, Error> {
        self.invocation.state().kept = self.kept.after(self.mode, &outcome);
        outcome
    }
}

impl<C: Connector> Drop for Running<'_, C> {
    fn drop(&mut self) {
        self.invocation.state().running -= 1;
    }
}

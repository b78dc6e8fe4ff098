//! What an invocation counts while it runs, wherever in the way to the database that happens.
//!
//! The record belongs to the task of the invocation, because several events may run at once on Lambda
//! Managed Instances. Where there is none nothing is counted: if neither metrics nor traces are on.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::span::Spans;

tokio::task_local! {
    static RECORD: Arc<Record>;
}

/// What one invocation counts. That of the first has the initialization before it too.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Whether the environment was started for this invocation.
    pub(crate) is_cold: bool,
    logins: AtomicU32,
    login_retries: AtomicU32,
    retries: AtomicU32,
    pub(crate) spans: Spans,
}

/// The records of a function's invocations.
pub(crate) struct Records {
    are_kept: bool,
    /// The record of the first invocation, which begins with the initialization.
    first: Mutex<Option<Arc<Record>>>,
}

impl Records {
    /// None is kept unless they `are_kept`, and their spans unless they `are_traced`. `variable` looks up an
    /// environment variable.
    pub(crate) fn new(
        are_kept: bool,
        are_traced: bool,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Records {
        // With provisioned concurrency environments are started for no invocation, as Powertools has it.
        let started = variable("AWS_LAMBDA_INITIALIZATION_TYPE");
        let is_cold = started.is_none_or(|how| how == "on-demand");
        let spans = Spans::new(are_traced);
        let first =
            (are_kept || are_traced).then(|| Record { is_cold, spans, ..Record::default() });
        Records { are_kept, first: Mutex::new(first.map(Arc::new)) }
    }

    /// The record of the initialization.
    pub(crate) fn of_initialization(&self) -> Option<Arc<Record>> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The record of the next invocation, with its spans if it `is_traced`.
    pub(crate) fn next(&self, is_traced: bool) -> Option<Arc<Record>> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(first) = first else {
            let record = || Record { spans: Spans::new(is_traced), ..Record::default() };
            return (self.are_kept || is_traced).then(|| Arc::new(record()));
        };
        // An environment that was started for no invocation may have waited for hours.
        if !(is_traced && first.is_cold) {
            first.spans.restart(is_traced);
        }
        Some(first)
    }
}

/// The counts of an invocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// How many logins the servers accepted.
    pub(crate) logins: u32,
    /// How often a login that had failed was tried again.
    pub(crate) login_retries: u32,
    /// How often work was done again of which nothing had been executed.
    pub(crate) retries: u32,
}

impl Record {
    /// What was counted until now.
    pub(crate) fn counts(&self) -> Counts {
        let load = |count: &AtomicU32| count.load(Ordering::Relaxed);
        Counts {
            logins: load(&self.logins),
            login_retries: load(&self.login_retries),
            retries: load(&self.retries),
        }
    }
}

/// Does `work` as a part of the invocation with this record, if there is one. It is pinned where it is: the
/// future of an invocation is large, and would be copied.
pub(crate) async fn within<T>(
    record: Option<Arc<Record>>,
    work: impl Future<Output = T> + Unpin,
) -> T {
    match record {
        Some(record) => RECORD.scope(record, work).await,
        None => work.await,
    }
}

/// The record of the invocation that this is a part of.
pub(crate) fn current() -> Option<Arc<Record>> {
    RECORD.try_with(Arc::clone).ok()
}

/// A server accepted a login.
pub(crate) fn logged_in() {
    count(|record| &record.logins);
}

/// A login that failed is tried again.
pub(crate) fn login_again() {
    count(|record| &record.login_retries);
}

/// Work is done again.
pub(crate) fn work_again() {
    count(|record| &record.retries);
}

fn count(which: impl FnOnce(&Record) -> &AtomicU32) {
    // Outside an invocation nobody counts.
    let _ = RECORD.try_with(|record| which(record).fetch_add(1, Ordering::Relaxed));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use tokio::task::yield_now;

    #[tokio::test]
    async fn invocations_at_once_count_for_themselves() {
        let records: [Arc<Record>; 2] = Default::default();
        let logs_in = |times: u32| async move {
            for _ in 0..times {
                logged_in();
                yield_now().await;
                login_again();
            }
            work_again();
        };
        let [one, other] = records.clone();
        let (three, five) = (pin!(logs_in(3)), pin!(logs_in(5)));
        tokio::join!(within(Some(one), three), within(Some(other), five));
        let [one, other] = records.map(|record| record.counts());
        assert_eq!(one, Counts { logins: 3, login_retries: 3, retries: 1 });
        assert_eq!(other, Counts { logins: 5, login_retries: 5, retries: 1 });
        within(None, pin!(async { logged_in() })).await;
        assert!(current().is_none());
    }

    #[tokio::test]
    async fn the_first_invocation_has_the_login_of_the_initialization() {
        for (how, is_cold) in
            [(None, true), (Some("on-demand"), true), (Some("provisioned-concurrency"), false)]
        {
            let records = Records::new(true, false, |_| how.map(str::to_owned));
            within(records.of_initialization(), pin!(async { logged_in() })).await;
            let told =
                || records.next(false).map(|record| (record.is_cold, record.counts().logins));
            assert_eq!((told(), told()), (Some((is_cold, 1)), Some((false, 0))), "{how:?}");
        }
        let records = Records::new(false, false, |_| None);
        assert!(records.of_initialization().is_none() && records.next(false).is_none());
    }
}

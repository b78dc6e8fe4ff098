//! A panic leaves a log line with its location and an error response to its event.
//!
//! A panic's message may quote anything, so the log has only the location. The standard library's
//! own hook would print the message.

use std::any::Any;
use std::panic::{AssertUnwindSafe, set_hook};

use futures_util::FutureExt;

use crate::error::{Error, Kind};
use crate::truncate::truncate;

/// How many bytes of a panic's message a response quotes.
const MAX_MESSAGE: usize = 1000;

/// Has the process log the location of a panic.
pub(crate) fn hook() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "the function panicked");
    }));
}

/// The result of `work`, or an error if it panics. Everything it owned is dropped.
pub(crate) async fn caught<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let outcome = AssertUnwindSafe(work).catch_unwind().await;
    outcome.unwrap_or_else(|panic| Err(internal(&*panic)))
}

fn internal(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::new(Kind::Internal, "the function panicked, and a write may have been executed")
        .says(truncate(text.unwrap_or("no message"), MAX_MESSAGE).into_owned())
        .advice(
            "this is a bug in the function: report it with the location in the log, and check the data \
             before sending the event again",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_that_only_the_caller_sees_in_full() {
        assert_eq!(caught(async { Ok(7) }).await.unwrap(), 7);
        let value = "4111-1111".repeat(1 << 17);
        let error = caught::<()>(async { panic!("{value}") }).await.unwrap_err();
        assert_eq!(error.error_type(), "Internal");
        assert!(error.report().contains("4111-1111") && error.report().len() < 2000);
        assert!(!error.log().contains("4111"), "{}", error.log());
    }
}

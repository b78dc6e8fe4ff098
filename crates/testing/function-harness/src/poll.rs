//! Waiting for a condition.

use std::time::{Duration, Instant};

/// How long a condition may take, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_millis(20);

/// Polls until `is_so`.
///
/// # Panics
/// The condition does not hold within a minute. The message names `what`.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < LIMIT, "timed out waiting: {what}");
        tokio::time::sleep(INTERVAL).await;
    }
}

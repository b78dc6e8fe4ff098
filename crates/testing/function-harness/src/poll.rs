//! Waiting for what comes of its own accord.

use std::time::{Duration, Instant};

/// How long a condition may take to hold, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_millis(20);

/// Polls until `is_so`.
///
/// # Panics
/// It is not so after a minute. The message names `what`.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < LIMIT, "still not so: {what}");
        tokio::time::sleep(INTERVAL).await;
    }
}

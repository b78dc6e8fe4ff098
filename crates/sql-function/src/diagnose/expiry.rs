//! When a certificate expires too soon.

use std::time::SystemTime;

/// A root that expires within so many days is a warning.
pub(super) const ROOT_WARNING_DAYS: u64 = 90;
/// A server's certificate that expires within so many days is a warning: RDS renews its own months
/// ahead.
pub(super) const SERVER_WARNING_DAYS: u64 = 30;

/// Whole days from `now` to `then`.
pub(super) fn days_left(then: SystemTime, now: SystemTime) -> u64 {
    then.duration_since(now).unwrap_or_default().as_secs() / 86_400
}

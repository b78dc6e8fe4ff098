//! The wall clock, read here alone: Lambda's contract puts it into deadlines, trace ids, log
//! stream names and log records. Everything that is measured is measured with `Instant`.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A moment of wall-clock time, to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp {
    epoch_ms: u64,
}

impl Timestamp {
    #[allow(clippy::disallowed_methods, reason = "this crate plays Lambda, which owns the clock")]
    pub(crate) fn now() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { epoch_ms: since_epoch.as_millis() as u64 }
    }

    pub(crate) fn after(self, duration: Duration) -> Self {
        Self { epoch_ms: self.epoch_ms + duration.as_millis() as u64 }
    }

    /// Milliseconds since 1970, the form of `Lambda-Runtime-Deadline-Ms`.
    pub(crate) fn epoch_ms(self) -> u64 {
        self.epoch_ms
    }

    /// Year, month and day in UTC.
    pub(crate) fn date(self) -> (u64, u64, u64) {
        civil_from_days(self.epoch_ms / 86_400_000)
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-11-21T00:58:18.042Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let ms = self.epoch_ms % 86_400_000;
        let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z",
            ms % 1000
        )
    }
}

/// The Gregorian date of a day counted from 1970-01-01, after Howard Hinnant's
/// `civil_from_days` (<https://howardhinnant.github.io/date_algorithms.html>).
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // days from 0000-03-01, where leap days fall at a year's end
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153; // March is 0
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn timestamps_are_rfc_3339() {
        for (epoch_ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_767_225_600_007, "2026-01-01T00:00:00.007Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp { epoch_ms }.to_string(), text);
        }
    }
}

//! The wall clock, which is read only here: Lambda's contract puts it into deadlines, trace ids, log
//! stream names and log records. Durations are measured with `Instant`.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use time::OffsetDateTime;

/// A moment of wall-clock time, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp(OffsetDateTime);

impl Timestamp {
    #[allow(clippy::disallowed_methods, reason = "this crate plays Lambda, which owns the clock")]
    pub(crate) fn now() -> Self {
        Self(SystemTime::now().into())
    }

    pub(crate) fn after(self, duration: Duration) -> Self {
        Self(self.0 + duration)
    }

    /// Milliseconds since 1970, the form of `Lambda-Runtime-Deadline-Ms`.
    pub(crate) fn epoch_ms(self) -> u64 {
        (self.0.unix_timestamp_nanos() / 1_000_000) as u64
    }

    /// Year, month and day.
    pub(crate) fn date(self) -> (i32, u8, u8) {
        (self.0.year(), self.0.month().into(), self.0.day())
    }
}

/// RFC 3339 with milliseconds: `2026-11-21T00:58:18.042Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let (hour, minute, second, ms) = self.0.to_hms_milli();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_rfc_3339() {
        for (ms, text) in [
            (0_i128, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_767_225_600_007, "2026-01-01T00:00:00.007Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            let time = OffsetDateTime::from_unix_timestamp_nanos(ms * 1_000_000).unwrap();
            let timestamp = Timestamp(time);
            assert_eq!(timestamp.to_string(), text);
            assert_eq!(i128::from(timestamp.epoch_ms()), ms);
        }
    }
}

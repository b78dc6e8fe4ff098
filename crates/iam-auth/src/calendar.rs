//! UTC dates from 1970 to 9999: the form that a token is dated in, and the two that certificates
//! use.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::{Date, Month, Time, UtcDateTime};

/// A second in UTC, between 1970 and 9999. Its `Display` is the day: `2026-11-30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DateTime(UtcDateTime);

impl DateTime {
    /// The second that `time` lies in, or `None` before 1970 and after 9999.
    pub(crate) fn from_system(time: SystemTime) -> Option<Self> {
        let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
        Self::in_range(UtcDateTime::from_unix_timestamp(seconds.try_into().ok()?).ok()?)
    }

    /// A date and time as certificates write it after the year: `MMDDHHMMSSZ`.
    pub(crate) fn from_digits(year: u16, rest: &[u8]) -> Option<Self> {
        let [digits @ .., b'Z'] = rest else { return None };
        let mut pairs = digits.chunks(2).map(|pair| match pair {
            [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some((tens - b'0') * 10 + (ones - b'0')),
            _ => None,
        });
        let mut next = || pairs.next().flatten();
        let (month, day, hour, minute, second) = (next()?, next()?, next()?, next()?, next()?);
        let month = Month::try_from(month).ok()?;
        let date = Date::from_calendar_date(year.into(), month, day).ok()?;
        let time = Time::from_hms(hour, minute, second).ok()?;
        Self::in_range(UtcDateTime::new(date, time)).filter(|_| digits.len() == 10)
    }

    /// Whatever years another crate has enabled `time` to hold.
    fn in_range(date_time: UtcDateTime) -> Option<Self> {
        (1970..=9999).contains(&date_time.year()).then_some(Self(date_time))
    }

    /// The same second as a system time.
    pub(crate) fn to_system(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.unix_timestamp().unsigned_abs())
    }

    /// `20261130`, SigV4's date.
    pub(crate) fn basic_date(self) -> String {
        let (year, month, day) = self.0.to_calendar_date();
        format!("{year:04}{:02}{day:02}", u8::from(month))
    }

    /// `20261130T235959Z`, SigV4's time stamp (ISO 8601, basic form).
    pub(crate) fn basic_date_time(self) -> String {
        let (hour, minute, second) = self.0.as_hms();
        format!("{}T{hour:02}{minute:02}{second:02}Z", self.basic_date())
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.to_calendar_date();
        write!(f, "{year:04}-{:02}-{day:02}", u8::from(month))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn known_seconds() {
        for (seconds, expected) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (1_404_477_353, "20140704T123553Z"),
            (4_107_542_400, "21000301T000000Z"),
            (253_402_300_799, "99991231T235959Z"),
        ] {
            assert_eq!(DateTime::from_system(at(seconds)).unwrap().basic_date_time(), expected);
        }
    }

    #[test]
    fn outside_the_calendar_there_is_none() {
        assert_eq!(DateTime::from_system(UNIX_EPOCH - Duration::from_nanos(1)), None);
        assert_eq!(DateTime::from_system(at(253_402_300_800)), None);
        assert_eq!(DateTime::from_system(at(u64::from(u32::MAX) * 1000)), None);
    }

    #[test]
    fn digits_that_are_no_date_are_refused() {
        assert!(DateTime::from_digits(2024, b"0229235959Z").is_some());
        for wrong in [
            "0230000000Z",
            "1301000000Z",
            "0001000000Z",
            "0100000000Z",
            "0101240000Z",
            "0101006000Z",
            "0101000060Z",
            "0101000000",
            "01010000Z",
            "0101000000+0100",
            "010100000 Z",
            "010100000000Z",
        ] {
            assert_eq!(DateTime::from_digits(2024, wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(DateTime::from_digits(2023, b"0229000000Z"), None);
        assert_eq!(DateTime::from_digits(1969, b"0101000000Z"), None);
    }

    proptest! {
        #[test]
        fn every_second_round_trips(seconds in 0..253_402_300_800_u64) {
            let date = DateTime::from_system(at(seconds)).unwrap();
            prop_assert_eq!(date.to_system(), at(seconds));
            let text = date.basic_date_time().replace('T', "");
            let (year, rest) = text.split_at(4);
            let again = DateTime::from_digits(year.parse().unwrap(), rest.as_bytes());
            prop_assert_eq!(again, Some(date));
        }
    }
}

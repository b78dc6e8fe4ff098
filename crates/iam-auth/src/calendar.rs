//! Dates of the Gregorian calendar in UTC: a token is dated in one form, certificates in two others.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 86_400;
const DAYS_TO_MONTH: [u16; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// A second in UTC, between 1970 and 9999. Its `Display` is the day: `2026-11-30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DateTime {
    year: u16,
    month: u8,
    day: u8,
    /// Seconds since midnight.
    second: u32,
}

impl DateTime {
    /// The second that `time` lies in, or `None` before 1970 and after 9999.
    pub(crate) fn from_system(time: SystemTime) -> Option<Self> {
        let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
        let days = seconds / SECONDS_PER_DAY;
        // 365 days a year at least: the estimate is never too early by more than the leap days.
        let mut year = u16::try_from(1970 + days / 366).ok().filter(|year| *year <= 9999)?;
        while days_to_year(year + 1) <= days {
            year += 1;
        }
        let day_of_year = days - days_to_year(year);
        let month = (1..=12).rev().find(|month| days_to_month(year, *month) <= day_of_year)?;
        let this = Self {
            year,
            month,
            day: u8::try_from(day_of_year - days_to_month(year, month) + 1).ok()?,
            second: u32::try_from(seconds % SECONDS_PER_DAY).ok()?,
        };
        (year <= 9999).then_some(this)
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
        let valid = digits.len() == 10
            && (1970..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&u64::from(day))
            && hour < 24
            && minute < 60
            && second < 60;
        let second = (u32::from(hour) * 60 + u32::from(minute)) * 60 + u32::from(second);
        valid.then_some(Self { year, month, day, second })
    }

    /// The same second as the system counts it.
    pub(crate) fn to_system(self) -> SystemTime {
        let days = days_to_year(self.year) + days_to_month(self.year, self.month);
        let days = days + u64::from(self.day) - 1;
        UNIX_EPOCH + Duration::from_secs(days * SECONDS_PER_DAY + u64::from(self.second))
    }

    /// `20261130`, SigV4's date.
    pub(crate) fn basic_date(self) -> String {
        format!("{:04}{:02}{:02}", self.year, self.month, self.day)
    }

    /// `20261130T235959Z`, SigV4's time stamp (ISO 8601, basic form).
    pub(crate) fn basic_date_time(self) -> String {
        let (minutes, second) = (self.second / 60, self.second % 60);
        format!("{}T{:02}{:02}{second:02}Z", self.basic_date(), minutes / 60, minutes % 60)
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days from the start of 1970 to the start of `year`.
fn days_to_year(year: u16) -> u64 {
    let years = u64::from(year - 1);
    let leaps = |years: u64| years / 4 - years / 100 + years / 400;
    (years - 1969) * 365 + leaps(years) - leaps(1969)
}

/// Days from the start of `year` to the start of `month`, which is 1 to 12.
fn days_to_month(year: u16, month: u8) -> u64 {
    let leap_day = u64::from(month > 2 && is_leap(year));
    u64::from(DAYS_TO_MONTH[usize::from(month) - 1]) + leap_day
}

fn days_in_month(year: u16, month: u8) -> u64 {
    let year_length = 365 + u64::from(is_leap(year));
    let end = if month == 12 { year_length } else { days_to_month(year, month + 1) };
    end - days_to_month(year, month)
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

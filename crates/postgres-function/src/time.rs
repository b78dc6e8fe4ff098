//! The binary forms of dates and times, as ISO 8601.
//!
//! The server counts from 2000-01-01, in days or microseconds, and keeps the two ends of the range
//! for the infinities. Years before 1 are written as ISO 8601 counts them: 1 BC is 0000, 2 BC -0001.

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Days from 0000-03-01 to 2000-01-01 in the proleptic Gregorian calendar.
const EPOCH: i64 = 730_425;

/// A `date`.
pub(crate) fn date(days: i32) -> String {
    match days {
        i32::MAX => "infinity".into(),
        i32::MIN => "-infinity".into(),
        days => civil(days.into()),
    }
}

/// A `time`.
pub(crate) fn time(micros: i64) -> String {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        let digits = format!(".{fraction:06}");
        text.push_str(digits.trim_end_matches('0'));
    }
    text
}

/// A `timestamp`, or a `timestamptz` with `zone` "Z".
pub(crate) fn timestamp(micros: i64, zone: &str) -> String {
    match micros {
        i64::MAX => "infinity".into(),
        i64::MIN => "-infinity".into(),
        micros => {
            let date = civil(micros.div_euclid(MICROS_PER_DAY));
            format!("{date}T{}{zone}", time(micros.rem_euclid(MICROS_PER_DAY)))
        }
    }
}

/// The date `days` after 2000-01-01. The year begins in March, so that a leap day is its last.
fn civil(days: i64) -> String {
    let days = days + EPOCH;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    let sign = if year < 0 { "-" } else { "" };
    format!("{sign}{:04}-{month:02}-{day:02}", year.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_their_infinities() {
        assert_eq!(date(0), "2000-01-01");
        assert_eq!(date(-1), "1999-12-31");
        assert_eq!(date(59), "2000-02-29");
        assert_eq!(date(9_822), "2026-11-22");
        assert_eq!(date(2_145_031_948), "5874897-12-31");
        assert_eq!(date(-730_120), "0000-12-31");
        assert_eq!(date(i32::MAX), "infinity");
        assert_eq!(date(i32::MIN), "-infinity");
    }

    #[test]
    fn times_show_the_microseconds_they_have() {
        assert_eq!(time(0), "00:00:00");
        assert_eq!(time(MICROS_PER_DAY), "24:00:00");
        assert_eq!(time(3_723_000_100), "01:02:03.0001");
        assert_eq!(timestamp(-1, "Z"), "1999-12-31T23:59:59.999999Z");
        assert_eq!(timestamp(0, ""), "2000-01-01T00:00:00");
        assert_eq!(timestamp(i64::MAX, "Z"), "infinity");
    }
}

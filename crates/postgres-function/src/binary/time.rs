//! Dates and times, in ISO 8601, and intervals as the server writes them.
//!
//! The server counts days or microseconds from 2000-01-01 and uses both ends of the range for the
//! infinities. Years before 1 are numbered as in ISO 8601: 1 BC is 0000, 2 BC is -0001.

use postgres_protocol::types::{date_from_sql, int4_from_sql, time_from_sql, timestamp_from_sql};

use super::{Malformed, split};

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Days from 0000-03-01 to 2000-01-01 in the proleptic Gregorian calendar.
const EPOCH: i64 = 730_425;

/// A `date`.
pub(crate) fn date(raw: &[u8]) -> Result<String, Malformed> {
    Ok(match date_from_sql(raw)? {
        i32::MAX => "infinity".into(),
        i32::MIN => "-infinity".into(),
        days => civil(days.into()),
    })
}

/// A `time`.
pub(crate) fn time(raw: &[u8]) -> Result<String, Malformed> {
    Ok(clock(time_from_sql(raw)?.unsigned_abs())) // the server keeps 0 to 24 hours
}

/// Hours, minutes and seconds, with the digits after the point that are not zero.
fn clock(micros: u64) -> String {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        let digits = format!(".{fraction:06}");
        text.push_str(digits.trim_end_matches('0'));
    }
    text
}

/// A `timestamp`, or a `timestamptz` with `zone` "Z".
pub(crate) fn timestamp(raw: &[u8], zone: &str) -> Result<String, Malformed> {
    Ok(match timestamp_from_sql(raw)? {
        i64::MAX => "infinity".into(),
        i64::MIN => "-infinity".into(),
        micros => {
            let date = civil(micros.div_euclid(MICROS_PER_DAY));
            format!("{date}T{}{zone}", clock(micros.rem_euclid(MICROS_PER_DAY).unsigned_abs()))
        }
    })
}

/// A `time with time zone`, whose zone comes in seconds west of Greenwich: `+02`, with minutes and
/// seconds where they are not zero.
pub(crate) fn time_with_zone(raw: &[u8]) -> Result<String, Malformed> {
    let (micros, zone) = split(raw, 8)?;
    let zone = int4_from_sql(zone)?;
    let sign = if zone <= 0 { '+' } else { '-' };
    let zone = zone.unsigned_abs();
    let mut text = format!("{}{sign}{:02}", time(micros)?, zone / 3600);
    if !zone.is_multiple_of(3600) {
        text += &format!(":{:02}", zone / 60 % 60);
    }
    if !zone.is_multiple_of(60) {
        text += &format!(":{:02}", zone % 60);
    }
    Ok(text)
}

/// An `interval`, as with `IntervalStyle = postgres`, the server's default (`EncodeInterval` in
/// PostgreSQL's `datetime.c`). Its three parts are independent, each with its own sign.
///
/// `None` where every part is at the end of its range: an infinity since PostgreSQL 17, a number
/// before.
pub(crate) fn interval(raw: &[u8]) -> Result<Option<String>, Malformed> {
    let (micros, rest) = split(raw, 8)?;
    let (days, months) = split(rest, 4)?;
    Ok(parts(time_from_sql(micros)?, int4_from_sql(days)?, int4_from_sql(months)?))
}

fn parts(micros: i64, days: i32, months: i32) -> Option<String> {
    if let (i64::MAX, i32::MAX, i32::MAX) | (i64::MIN, i32::MIN, i32::MIN) = (micros, days, months)
    {
        return None;
    }
    let mut text = String::new();
    let mut after_negative = false;
    for (count, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if count == 0 {
            continue;
        }
        let blank = if text.is_empty() { "" } else { " " };
        let sign = if after_negative && count > 0 { "+" } else { "" };
        let plural = if count == 1 { "" } else { "s" };
        text += &format!("{blank}{sign}{count} {unit}{plural}");
        after_negative = count < 0;
    }
    if micros != 0 || text.is_empty() {
        let blank = if text.is_empty() { "" } else { " " };
        let sign = match micros {
            ..0 => "-",
            _ if after_negative => "+",
            _ => "",
        };
        text += &format!("{blank}{sign}{}", clock(micros.unsigned_abs()));
    }
    Some(text)
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
        let date = |days: i32| super::date(&days.to_be_bytes()).unwrap();
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
        let time = |micros: i64| super::time(&micros.to_be_bytes()).unwrap();
        let timestamp = |micros: i64, zone| super::timestamp(&micros.to_be_bytes(), zone).unwrap();
        let time_with_zone = |micros: i64, zone: i32| {
            super::time_with_zone(&[&micros.to_be_bytes()[..], &zone.to_be_bytes()].concat())
                .unwrap()
        };
        assert_eq!(time(0), "00:00:00");
        assert_eq!(time(MICROS_PER_DAY), "24:00:00");
        assert_eq!(time(3_723_000_100), "01:02:03.0001");
        assert_eq!(timestamp(-1, "Z"), "1999-12-31T23:59:59.999999Z");
        assert_eq!(timestamp(0, ""), "2000-01-01T00:00:00");
        assert_eq!(timestamp(i64::MAX, "Z"), "infinity");
        assert_eq!(time_with_zone(0, 0), "00:00:00+00");
        assert_eq!(time_with_zone(0, -19_800), "00:00:00+05:30");
        assert_eq!(time_with_zone(500_000, 57_599), "00:00:00.5-15:59:59");
        assert!(
            super::time_with_zone(&[0; 8]).is_err() && super::time_with_zone(&[0; 13]).is_err()
        );
        assert!(super::interval(&[0; 15]).is_err() && super::interval(&[0; 17]).is_err());
    }

    #[test]
    fn intervals_keep_their_parts_apart() {
        let interval = |micros, days, months| parts(micros, days, months).unwrap();
        assert_eq!(interval(0, 0, 0), "00:00:00");
        assert_eq!(interval(1_500_000, 1, 14), "1 year 2 mons 1 day 00:00:01.5");
        assert_eq!(interval(1, -1, 1), "1 mon -1 days +00:00:00.000001");
        assert_eq!(interval(-90_000_000_000, 3, -1), "-1 mons +3 days -25:00:00");
        assert_eq!(interval(i64::MIN, 0, 0), "-2562047788:00:54.775808");
        assert_eq!(parts(i64::MAX, i32::MAX, i32::MAX), None);
    }
}

//! Dates as AWS writes them. The arithmetic is this crate's own: a mistake in the signer's library must
//! not be made here too.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 86_400;

/// Reads an `X-Amz-Date` such as `20140704T123553Z`: ISO 8601 basic format, UTC, to the second.
///
/// `None` unless it has exactly that form and exists, from 1970 on.
pub(crate) fn parse_amz_date(text: &str) -> Option<SystemTime> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let number = |from: usize, to: usize| {
        bytes[from..to].iter().try_fold(0_u64, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    if year < 1970 || !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    let days = days_since_1970(year, month, day);
    let time = UNIX_EPOCH
        + Duration::from_secs(days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second);
    // 30 February or 25 o'clock counts on into the next month or day: it reads back differently.
    (amz_date(time) == text).then_some(time)
}

/// Reads a date of a policy, in milliseconds since 1970: a form of ISO 8601 that the W3C's note "Date and
/// Time Formats" has, such as `2026`, `2026-11-29` or `2026-11-29T23:59:59.5+01:00`, or seconds since 1970
/// in at least five digits ("Date condition operators", IAM User Guide).
pub(crate) fn parse_policy_date(text: &str) -> Option<i64> {
    if text.len() > 4 && text.len() < 16 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<i64>().ok()?.checked_mul(1000);
    }
    let (date, clock) = match text.split_once('T') {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let parts: Vec<&str> = date.split('-').collect();
    let (year, month, day) = match parts[..] {
        [year] => (year, "01", "01"),
        [year, month] => (year, month, "01"),
        [year, month, day] => (year, month, day),
        _ => return None,
    };
    if clock.is_some() && parts.len() != 3 {
        return None;
    }
    let (clock, milliseconds, offset) = match clock {
        Some(clock) => read_clock(clock)?,
        None => ("000000".to_owned(), 0, 0),
    };
    let time = parse_amz_date(&format!("{year}{month}{day}T{clock}Z"))?;
    let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some((i64::try_from(seconds).ok()? - offset * 60) * 1000 + milliseconds)
}

/// `23:59Z`, `23:59:59Z` or `23:59:59.5+01:00`: six digits, the milliseconds, and the minutes that the zone
/// is ahead.
fn read_clock(text: &str) -> Option<(String, i64, i64)> {
    let (clock, offset) = match text.strip_suffix('Z') {
        Some(clock) => (clock, 0),
        None => {
            let (clock, zone) = text.split_at_checked(text.len().checked_sub(6)?)?;
            let sign = match zone.as_bytes()[0] {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            let (hours, minutes) = zone[1..].split_once(':')?;
            let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (clock, sign * (hours * 60 + minutes))
        }
    };
    let (clock, fraction) = match clock.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (clock, None),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let (hour, minute, second) = match (&parts[..], fraction) {
        ([hour, minute], None) => (*hour, *minute, "00"),
        ([hour, minute, second], _) => (*hour, *minute, *second),
        _ => return None,
    };
    let milliseconds = match fraction {
        Some(fraction) if (1..=9).contains(&fraction.len()) => {
            digits(&format!("{fraction:0<9}"), 9)? / 1_000_000
        }
        Some(_) => return None,
        None => 0,
    };
    Some((format!("{hour}{minute}{second}"), milliseconds, offset))
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let are_digits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| text.parse().ok()).flatten()
}

/// Writes `time` as an `X-Amz-Date`, such as `20140704T123553Z`.
pub(crate) fn amz_date(time: SystemTime) -> String {
    let (year, month, day, hour, minute, second) = civil(time);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Writes `time` for people, such as `2014-07-04T12:35:53Z` (ISO 8601, UTC).
pub(crate) fn iso_8601(time: SystemTime) -> String {
    let (year, month, day, hour, minute, second) = civil(time);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month, day, hour, minute and second of `time` in UTC. Times before 1970 count as 1970.
fn civil(time: SystemTime) -> (u64, u64, u64, u64, u64, u64) {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, clock) = (seconds / SECONDS_PER_DAY, seconds % SECONDS_PER_DAY);
    // Years that begin in March put the leap day last, so that months have fixed lengths before
    // it; counted from 0000-03-01 in eras of 400 years, which all have the same length.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day, clock / 3600, clock / 60 % 60, clock % 60)
}

/// Days from 1970-01-01 to a date from then on, the inverse of [`civil`]. `day` counts from 1.
fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let month_from_march = (month + 9) % 12;
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100
        + (153 * month_from_march + 2) / 5
        + day;
    era * 146_097 + day_of_era - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn known_moments() {
        // Seconds from `date -u -d … +%s`.
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (951_868_800, "20000301T000000Z"),
            (1_404_477_353, "20140704T123553Z"),
            (4_107_542_400, "21000301T000000Z"),
            (4_107_542_399, "21000228T235959Z"),
            (253_402_300_799, "99991231T235959Z"),
        ] {
            assert_eq!(amz_date(at(seconds)), text);
            assert_eq!(parse_amz_date(text), Some(at(seconds)), "{text}");
        }
        assert_eq!(iso_8601(at(1_404_477_353)), "2014-07-04T12:35:53Z");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "20140704T123553",
            "20140704 123553Z",
            "2014-07-04T12:35:53Z",
            "20140704T123553z",
            "20140704T123553+",
            "20140704T12355 Z",
            "20140704T1235+3Z",
            "20140230T000000Z",
            "21000229T000000Z",
            "20140004T000000Z",
            "20141304T000000Z",
            "20140700T000000Z",
            "20140732T000000Z",
            "20140704T240000Z",
            "20140704T006000Z",
            "20140704T000060Z",
            "19700100T000000Z",
            "19691231T235959Z",
            "２０140704T1235Z",
        ] {
            assert_eq!(parse_amz_date(text), None, "{text}");
        }
    }

    #[test]
    fn dates_of_policies() {
        for (text, milliseconds) in [
            ("1970", 0),
            ("2014-07", 1_404_172_800_000),
            ("2014-07-04", 1_404_432_000_000),
            ("2014-07-04T12:35Z", 1_404_477_300_000),
            ("2014-07-04T12:35:53Z", 1_404_477_353_000),
            ("2014-07-04T12:35:53.25Z", 1_404_477_353_250),
            ("2014-07-04T14:05:53+01:30", 1_404_477_353_000),
            ("2014-07-03T23:35:53.0-13:00", 1_404_477_353_000),
            ("1404477353", 1_404_477_353_000),
            ("86400", 86_400_000),
        ] {
            assert_eq!(parse_policy_date(text), Some(milliseconds), "{text}");
        }
        for text in [
            "",
            "today",
            "201",
            "2014-7",
            "2014-07-4",
            "2014-07-04T",
            "2014-07-04T12Z",
            "2014-07-04T12:35",
            "2014-07-04T12:35:53",
            "2014-07-04 12:35:53Z",
            "2014-07-04T12:35.5Z",
            "2014-07-04T12:35:53.Z",
            "2014-07-04T12:35:53+0100",
            "2014-07-04T12:35:53+24:00",
            "2014-07T12:35:53Z",
            "2014-02-30",
            "2014-07-04-01",
            "99999999999999999999",
        ] {
            assert_eq!(parse_policy_date(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_second_reads_back(seconds in 0_u64..=253_402_300_799) {
            prop_assert_eq!(parse_amz_date(&amz_date(at(seconds))), Some(at(seconds)));
            let milliseconds = Some(seconds as i64 * 1000);
            prop_assert_eq!(parse_policy_date(&iso_8601(at(seconds))), milliseconds);
        }
    }
}

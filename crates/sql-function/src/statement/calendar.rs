//! Days, times of day and instants, as they are written in events and files.

use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

/// The most digits after the point of a second that every server keeps.
const MICROS: usize = 6;

/// Whether `text` is a day of the years 1 to 9999, as `2026-03-22`.
pub(super) fn is_date(text: &str) -> bool {
    let Some([year, month, day]) = numbers(text, '-', [4, 2, 2]) else { return false };
    let month = u8::try_from(month).ok().and_then(|month| Month::try_from(month).ok());
    let (Some(month), Ok(day)) = (month, u8::try_from(day)) else { return false };
    year > 0 && Date::from_calendar_date(year.into(), month, day).is_ok()
}

/// Whether `text` is a time of day with seconds, as `18:59:43`.
pub(super) fn is_clock(text: &str) -> bool {
    let Some(parts) = numbers(text, ':', [2, 2, 2]) else { return false };
    let [Ok(hour), Ok(minute), Ok(second)] = parts.map(u8::try_from) else { return false };
    Time::from_hms(hour, minute, second).is_ok()
}

/// Whether `text` is a time of day, as `18:59:43` or `18:59:43.123456`.
pub(super) fn is_time(text: &str) -> bool {
    match text.split_once('.') {
        Some((clock, fraction)) => is_clock(clock) && is_fraction(fraction),
        None => is_clock(text),
    }
}

fn is_fraction(digits: &str) -> bool {
    (1..=MICROS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Three numbers of these `lengths`, with `sign` between them.
fn numbers(text: &str, sign: char, lengths: [usize; 3]) -> Option<[u16; 3]> {
    let mut parts = text.split(sign);
    let mut numbers = [0; 3];
    for (number, length) in numbers.iter_mut().zip(lengths) {
        let digits = parts.next().filter(|part| part.len() == length)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
        *number = digits.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// An instant in RFC 3339 with an offset from UTC, as the same instant in UTC:
/// `2026-03-22T18:59:43Z`, with the digits after the point that were sent. `None` if it is none of
/// the years 1 to 9999, is a leap second, or has more than six digits after the point: no server
/// keeps those.
pub(super) fn utc(text: &str) -> Option<String> {
    let (date, rest) = text.split_at_checked("2026-03-22".len())?;
    let (clock, rest) = rest.strip_prefix(['T', 't'])?.split_at_checked("18:59:43".len())?;
    let fraction = match rest.strip_prefix('.') {
        Some(rest) => rest.split(|c: char| !c.is_ascii_digit()).next()?,
        None => "",
    };
    let is_exact = fraction.is_empty() || is_fraction(fraction);
    let valid = is_date(date) && is_clock(clock) && is_exact;
    let instant = valid.then(|| OffsetDateTime::parse(text, &Rfc3339))?.ok()?;
    let instant = instant.checked_to_offset(UtcOffset::UTC)?;
    let (date, time) = (instant.date(), instant.time());
    let year = u16::try_from(date.year()).ok().filter(|year| (1..=9999).contains(year))?;
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!(
        "{year:04}-{:02}-{:02}T{:02}:{:02}:{:02}{point}{fraction}Z",
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn instants_are_moved_to_utc() {
        for (text, expected) in [
            ("2026-03-22T18:59:43Z", "2026-03-22T18:59:43Z"),
            ("2026-03-22t18:59:43z", "2026-03-22T18:59:43Z"),
            ("2026-03-22T18:59:43.120+05:30", "2026-03-22T13:29:43.120Z"),
            ("2024-12-31T23:30:00.000001-01:00", "2025-01-01T00:30:00.000001Z"),
            ("0001-01-01T00:00:00-00:00", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59+23:59", "9999-12-31T00:00:59Z"),
        ] {
            assert_eq!(utc(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "2026-03-22",
            "2026-03-22T18:59:43",
            "2026-03-22T18:59Z",
            "2026-03-22T18:59:60Z",
            "2026-03-22T24:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-03-22T18:59:43.1234567Z",
            "2026-03-22T18:59:43.Z",
            "2026-03-22T18:59:43+0100",
            "2026-03-22T18:59:43+24:00",
            "2026-03-22T18:59:43 UTC",
            " 2026-03-22T18:59:43Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "0000-01-01T00:00:00Z",
            "é026-03-22T18:59:43Z",
            "2026-03-22T18:59:4é",
        ] {
            assert_eq!(utc(text), None, "{text}");
        }
    }

    #[test]
    fn days_and_times_are_those_of_the_calendar() {
        assert!(is_date("2024-02-29") && is_date("0001-01-01") && is_date("9999-12-31"));
        for text in ["2026-02-29", "0000-00-00", "2026-3-22", "+026-03-22", "2026-03-22T", ""] {
            assert!(!is_date(text), "{text}");
        }
        assert!(is_time("00:00:00") && is_time("23:59:59.999999") && is_time("01:02:03.1"));
        for text in ["24:00:00", "23:59:60", "1:02:03", "01:02", "01:02:03.", "01:02:03.1234567"] {
            assert!(!is_time(text), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_an_instant_or_is_not(text in "[0-9T:Z+. -]{0,32}|\\PC{0,30}") {
            let _ = (utc(&text), is_date(&text), is_time(&text));
        }

        #[test]
        fn an_instant_in_utc_stays_as_it_is(
            seconds in -62_135_596_800_i64..=253_402_300_799,
            micros in 0..1_000_000,
            minutes in -1439..=1439_i32,
        ) {
            let instant = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
            let offset = UtcOffset::from_whole_seconds(minutes * 60).unwrap();
            let Some(local) = instant.checked_to_offset(offset) else { return Ok(()) };
            prop_assume!((1..=9999).contains(&local.year()));
            let sign = if minutes < 0 { '-' } else { '+' };
            let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
            let (date, (h, m, s)) = (local.date(), local.time().as_hms());
            let text = format!(
                "{:04}-{:02}-{:02}T{h:02}:{m:02}:{s:02}.{micros:06}{sign}{hours:02}:{minutes:02}",
                date.year(), u8::from(date.month()), date.day()
            );
            let moved = utc(&text).unwrap();
            let read = OffsetDateTime::parse(&moved, &Rfc3339).unwrap();
            prop_assert_eq!(read.unix_timestamp(), seconds);
            prop_assert_eq!(utc(&moved), Some(moved));
        }
    }
}

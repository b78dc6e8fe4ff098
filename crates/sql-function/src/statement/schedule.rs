//! The schedules of a statement, in the form of EventBridge Scheduler:
//! <https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html>.
//!
//! ```sql
//! -- schedule: cron(0 4 * * ? *) Europe/Berlin
//! -- params: {"days": 30}
//! ```
//!
//! What AWS would refuse is refused when the file is read, as far as that needs no list of time
//! zones.

use super::calendar::{is_clock, is_date};

/// The longest expression, and the longest name of a time zone:
/// <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html>.
const MAX_EXPRESSION: usize = 256;
const MAX_TIMEZONE: usize = 50;

/// When a statement is run, and with which parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// `cron(…)`, `rate(…)` or `at(…)`.
    pub expression: String,
    /// The IANA time zone of the expression; UTC if there is none.
    pub timezone: Option<String>,
    /// The JSON of the parameters, an array or an object, as it is in the file.
    pub params: Option<String>,
    /// The line of the schedule in the file, from 1.
    pub line: usize,
}

impl Schedule {
    /// The event that the schedule sends to the function of `statement`: the `Input` of its target.
    pub fn event(&self, statement: &str) -> String {
        let name = serde_json::Value::from(statement);
        match &self.params {
            Some(params) => format!(r#"{{"statement":{name},"params":{params}}}"#),
            None => format!(r#"{{"statement":{name}}}"#),
        }
    }
}

/// Reads the value of an option `schedule`: an expression, and perhaps a time zone.
pub(super) fn read(value: &str) -> Result<(String, Option<String>), String> {
    let form = || {
        format!(
            "a schedule is cron(…), rate(…) or at(…), and perhaps a time zone such as \
             Europe/Berlin, not {value:?}"
        )
    };
    let (expression, zone) = value.split_once(')').ok_or_else(form)?;
    let (kind, inside) = expression.split_once('(').ok_or_else(form)?;
    match kind {
        "cron" => cron(inside)?,
        "rate" => rate(inside)?,
        "at" => at(inside)?,
        _ => return Err(form()),
    }
    if expression.len() >= MAX_EXPRESSION {
        return Err(format!("a schedule has at most {MAX_EXPRESSION} characters"));
    }
    let timezone = match zone.trim() {
        "" => None,
        zone if is_timezone(zone) => Some(zone.to_owned()),
        zone => {
            return Err(format!(
                "a time zone is an IANA name such as UTC or Europe/Berlin, not {zone:?}"
            ));
        }
    };
    Ok((format!("{expression})"), timezone))
}

/// `rate(5 minutes)`: the unit is singular after 1, and plural after any other number.
fn rate(inside: &str) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("{why}, not rate({inside})"));
    let words: Vec<_> = inside.split_whitespace().collect();
    let &[value, unit] = &*words else {
        return wrong("a rate is a number and a unit, such as rate(5 minutes)");
    };
    let value = value.bytes().all(|b| b.is_ascii_digit()).then(|| value.parse::<u32>());
    match (value, unit) {
        (Some(Ok(1)), "minute" | "hour" | "day") => Ok(()),
        (Some(Ok(2..)), "minutes" | "hours" | "days") => Ok(()),
        (Some(Ok(1)), "minutes" | "hours" | "days") => wrong("the unit is singular after 1"),
        (Some(Ok(2..)), "minute" | "hour" | "day") => wrong("the unit is plural after 2 or more"),
        (Some(Ok(1..)), _) => wrong("the unit of a rate is minutes, hours or days"),
        _ => wrong("the number of a rate is a positive integer"),
    }
}

/// `at(2026-03-22T18:59:43)`, in the schedule's time zone.
fn at(inside: &str) -> Result<(), String> {
    let valid = || {
        let (date, time) = inside.split_once('T')?;
        is_date(date).then_some(())?;
        is_clock(time).then_some(())
    };
    valid().ok_or_else(|| {
        format!(
            "a single time is at(yyyy-mm-ddThh:mm:ss), with its time zone after it, not at({inside})"
        )
    })
}

/// A field of a cron expression.
struct Field {
    name: &'static str,
    range: std::ops::RangeInclusive<u16>,
    /// Names of its values, from the first of the range.
    names: &'static [&'static str],
    /// Whether it may be `?`.
    is_day: bool,
}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const FIELDS: [Field; 6] = [
    Field { name: "minutes", range: 0..=59, names: &[], is_day: false },
    Field { name: "hours", range: 0..=23, names: &[], is_day: false },
    Field { name: "day of the month", range: 1..=31, names: &[], is_day: true },
    Field { name: "month", range: 1..=12, names: &MONTHS, is_day: false },
    Field { name: "day of the week", range: 1..=7, names: &DAYS, is_day: true },
    Field { name: "year", range: 1970..=2199, names: &[], is_day: false },
];

/// Six fields, of which exactly one of the two days is `?`.
fn cron(inside: &str) -> Result<(), String> {
    let fields: Vec<_> = inside.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(format!(
            "a cron expression has six fields (minutes, hours, day of the month, month, day of the \
             week, year), but cron({inside}) has {}",
            fields.len()
        ));
    }
    for (field, text) in FIELDS.iter().zip(&fields) {
        let valid = match *text {
            "*" => true,
            "?" => field.is_day,
            text => text.split(',').all(|part| field.takes(part)),
        };
        if !valid {
            return Err(format!("{text:?} is no {} of a cron expression", field.name));
        }
    }
    match (fields[2], fields[4]) {
        ("?", "?") => Err("a cron expression needs a day of the month or of the week: one of the \
                           two is ?, not both"
            .into()),
        ("?", _) | (_, "?") => Ok(()),
        _ => {
            Err("of day of the month and day of the week in a cron expression, one must be ?"
                .into())
        }
    }
}

impl Field {
    /// Whether `part` is a value, a range, or a step: `5`, `MON-FRI`, `0/15`, `L`, `3W`, `FRI#2`.
    fn takes(&self, part: &str) -> bool {
        let month_day = self.name == "day of the month";
        let week_day = self.is_day && !month_day;
        let is_number = |text: &str, range: std::ops::RangeInclusive<u16>| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits && text.parse().is_ok_and(|number: u16| range.contains(&number))
        };
        let is_value = |text: &str| {
            let named = self.names.iter().any(|name| name.eq_ignore_ascii_case(text));
            named || is_number(text, self.range.clone())
        };
        let is_range = |text: &str| match text.split_once('-') {
            Some((first, last)) => is_value(first) && is_value(last),
            None => is_value(text),
        };
        if let Some((start, step)) = part.split_once('/') {
            return (start == "*" || is_range(start)) && is_number(step, 1..=*self.range.end());
        }
        if month_day && (part == "L" || part == "LW") {
            return true;
        }
        if month_day && let Some(day) = part.strip_suffix('W') {
            return is_value(day);
        }
        if week_day && let Some((day, nth)) = part.split_once('#') {
            return is_value(day) && is_number(nth, 1..=5);
        }
        if week_day && let Some(day) = part.strip_suffix('L') {
            return day.is_empty() || is_value(day);
        }
        is_range(part)
    }
}

/// Whether `name` has the form of a name in the IANA time zone database: `UTC`, `Europe/Berlin`,
/// `America/Argentina/Ushuaia`, `Etc/GMT+3`, `EST5EDT`.
fn is_timezone(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+');
    let is_part =
        |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.chars().all(plain);
    let parts: Vec<_> = name.split('/').collect();
    // `UTC+1` is an offset; only Etc has names with a plus, such as Etc/GMT+3.
    let alone = parts.len() > 1 || !name.contains('+');
    let capital = name.starts_with(|c: char| c.is_ascii_uppercase());
    capital
        && alone
        && parts.len() <= 3
        && name.len() <= MAX_TIMEZONE
        && parts.into_iter().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_aws_are_schedules() {
        for (value, expression, timezone) in [
            ("cron(0 4 * * ? *) Europe/Berlin", "cron(0 4 * * ? *)", Some("Europe/Berlin")),
            ("cron(0/15 8-17 ? * MON-FRI *)", "cron(0/15 8-17 ? * MON-FRI *)", None),
            ("cron(0 0 L JAN,jul ? 2026-2030)", "cron(0 0 L JAN,jul ? 2026-2030)", None),
            ("cron(15 10 ? * 6L 2026)", "cron(15 10 ? * 6L 2026)", None),
            ("cron(15 10 ? * FRI#2 *)", "cron(15 10 ? * FRI#2 *)", None),
            ("cron(0 8 3W,LW * ? *) UTC", "cron(0 8 3W,LW * ? *)", Some("UTC")),
            ("cron(*/5 * * * ? *)", "cron(*/5 * * * ? *)", None),
            ("rate(1 minute)", "rate(1 minute)", None),
            ("rate(12 hours)  Etc/GMT+3", "rate(12 hours)", Some("Etc/GMT+3")),
            ("at(2028-02-29T18:59:43) EST5EDT", "at(2028-02-29T18:59:43)", Some("EST5EDT")),
            (
                "rate(2 days) America/Argentina/Ushuaia",
                "rate(2 days)",
                Some("America/Argentina/Ushuaia"),
            ),
        ] {
            let read = read(value).unwrap_or_else(|why| panic!("{value}: {why}"));
            assert_eq!(read, (expression.to_owned(), timezone.map(str::to_owned)));
        }
    }

    #[test]
    fn what_aws_would_refuse_is_refused() {
        for (value, why) in [
            ("nightly", "a schedule is cron(…), rate(…) or at(…)"),
            ("every(5 minutes)", "a schedule is cron"),
            ("cron(0 4 * * *)", "has six fields"),
            ("cron(0 4 * * ? *", "a schedule is cron"),
            ("cron(60 4 * * ? *)", "\"60\" is no minutes"),
            ("cron(0 24 * * ? *)", "\"24\" is no hours"),
            ("cron(0 4 0 * ? *)", "\"0\" is no day of the month"),
            ("cron(0 4 * 13 ? *)", "\"13\" is no month"),
            ("cron(0 4 ? * 0 *)", "\"0\" is no day of the week"),
            ("cron(0 4 ? * MON#6 *)", "no day of the week"),
            ("cron(0 4 * * ? 1969)", "\"1969\" is no year"),
            ("cron(0 4 ? JANUARY ? *)", "no month"),
            ("cron(? 4 * * ? *)", "\"?\" is no minutes"),
            ("cron(0 4, * * ? *)", "\"4,\" is no hours"),
            ("cron(0/0 4 * * ? *)", "no minutes"),
            ("cron(0 4 * * * *)", "one must be ?"),
            ("cron(0 4 1 * MON *)", "one must be ?"),
            ("cron(0 4 ? * ? *)", "not both"),
            ("rate(1 minutes)", "singular after 1"),
            ("rate(5 minute)", "plural after 2"),
            ("rate(0 minutes)", "a positive integer"),
            ("rate(+5 minutes)", "a positive integer"),
            ("rate(5 weeks)", "minutes, hours or days"),
            ("rate(5)", "a number and a unit"),
            ("at(2026-02-29T00:00:00)", "a single time is at"),
            ("at(2026-02-28T24:00:00)", "a single time is at"),
            ("at(2026-02-28T00:00:00Z)", "a single time is at"),
            ("at(2026-02-28 00:00:00)", "a single time is at"),
            ("rate(5 minutes) +01:00", "a time zone is an IANA name"),
            ("rate(5 minutes) UTC+1", "a time zone is an IANA name"),
            ("rate(5 minutes) europe/berlin", "a time zone is an IANA name"),
            ("rate(5 minutes) Europe/Berlin please", "a time zone is an IANA name"),
        ] {
            let told = read(value).expect_err(value);
            assert!(told.contains(why), "{value}: {told}");
        }
    }

    #[test]
    fn the_event_is_that_of_a_statement() {
        let mut schedule = Schedule {
            expression: "rate(1 day)".into(),
            timezone: None,
            params: Some(r#"{"days":30}"#.into()),
            line: 1,
        };
        assert_eq!(schedule.event("purge"), r#"{"statement":"purge","params":{"days":30}}"#);
        schedule.params = None;
        assert_eq!(schedule.event("purge"), r#"{"statement":"purge"}"#);
    }
}

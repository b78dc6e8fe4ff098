//! The options of a statement: comments at the top of its file.
//!
//! A comment that starts with one of the names, a colon and a value is an option. A comment that
//! looks like a misspelt option is refused, so that no option is silently ignored. All other
//! comments describe the statement.

use diagnosis::Cause;
use serde_json::value::RawValue;
use std::time::Duration;

use super::declared::{self, Declared};
use super::schedule::{self, Schedule};
use super::{Mode, Refusal};
use crate::near::{distance, most};
use crate::sql::Dialect;

pub(super) const DEFAULT_MAX_ROWS: u64 = 10_000;
/// The maximum timeout that all servers accept: PostgreSQL's `statement_timeout` is an `int` of
/// milliseconds. Lambda stops every function long before.
pub(super) const MAX_TIMEOUT: Duration = Duration::from_millis(i32::MAX as u64);
const NAMES: [&str; 7] =
    ["mode", "exclusive", "timeout", "max_rows", "param", "params", "schedule"];
/// Words that are near a name but begin comments of their own.
const WORDS: [&str; 11] = [
    "code",
    "made",
    "model",
    "more",
    "move",
    "node",
    "exclusion",
    "inclusive",
    "parts",
    "scheduled",
    "schedules",
];

/// The options in a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) mode: Option<Mode>,
    pub(super) exclusive: Option<bool>,
    pub(super) timeout: Option<Duration>,
    pub(super) max_rows: Option<u64>,
    pub(super) declared: Vec<Declared>,
    /// The line of each declaration.
    pub(super) lines: Vec<usize>,
    pub(super) schedules: Vec<Schedule>,
    /// The comments that are no option, by line.
    pub(super) description: String,
}

/// One option.
enum Setting {
    Mode(Mode),
    Exclusive(bool),
    Timeout(Duration),
    MaxRows(u64),
    Param(Declared),
    Params(String),
    Schedule(String, Option<String>),
}

/// Reads the options in the comments at the top of `sql`.
pub(super) fn read(sql: &str, dialect: Dialect) -> Result<Options, Refusal> {
    let mut options = Options::default();
    let mut description = vec![];
    for (line, comment) in header(sql, dialect) {
        let refuse = |(name, why)| Refusal {
            line: Some(line),
            why,
            fix: fix(name).to_owned(),
            cause: Cause::StatementFile,
        };
        match option(comment).map_err(refuse)? {
            Some((name, setting)) => {
                options.set(line, name, setting).map_err(|why| refuse((name, why)))?;
            }
            None => description.push(comment),
        }
    }
    options.description = description.join("\n").trim().to_owned();
    Ok(options)
}

/// How the option called `name` is written.
fn fix(name: &str) -> &'static str {
    match name {
        "param" => {
            "write \"-- param: NAME TYPE WORDS\", such as \"-- param: days int how old a row must \
             be\": the type is int, number, text, boolean, date, time, timestamp, uuid, json or \
             base64, with [] after it for an array of PostgreSQL's, and ? if it may be null"
        }
        "params" => {
            "write the parameters of a schedule on the line after it, such as \"-- params: [30]\" or \
             \"-- params: {\"days\": 30}\"; a parameter is declared by \"-- param: NAME TYPE WORDS\""
        }
        "schedule" => {
            "write a schedule as EventBridge Scheduler has it, such as \"-- schedule: \
             cron(0 4 * * ? *) Europe/Berlin\", \"-- schedule: rate(5 minutes)\" or \"-- schedule: \
             at(2027-03-22T04:00:00)\"; the time zone is UTC if there is none"
        }
        _ => {
            "an option is a comment at the top of the file, such as \"-- mode: write\": mode is read \
             or write, exclusive is true or false, timeout is a time such as 250ms, 30s or 5m, \
             max_rows is a number; the others are param (NAME TYPE WORDS), schedule (cron(…), \
             rate(…) or at(…)) and params (of a schedule, as JSON)"
        }
    }
}

/// The comment lines before the first word of SQL, with their numbers.
fn header(sql: &str, dialect: Dialect) -> Vec<(usize, &str)> {
    let mysql = matches!(dialect, Dialect::MySql { .. });
    let mut lines = vec![];
    let mut in_block = false;
    for (index, line) in sql.lines().enumerate() {
        let mut rest = line.trim();
        loop {
            let comment = if in_block {
                let (inside, after) = match rest.split_once("*/") {
                    Some((inside, after)) => (inside, Some(after)),
                    None => (rest, None),
                };
                in_block = after.is_none();
                rest = after.unwrap_or_default().trim_start();
                inside.trim_start_matches('*')
            } else if let Some(after) =
                rest.strip_prefix("/*").filter(|after| !is_executed(after, mysql))
            {
                in_block = true;
                rest = after;
                continue;
            } else if let Some(comment) =
                rest.strip_prefix("--").or_else(|| rest.strip_prefix('#').filter(|_| mysql))
            {
                rest = "";
                comment
            } else if rest.is_empty() {
                break;
            } else {
                return lines;
            };
            lines.push((index + 1, comment.trim()));
            if rest.is_empty() {
                break;
            }
        }
    }
    lines
}

/// Whether what follows `/*` is executed by a server, or a hint.
fn is_executed(after: &str, mysql: bool) -> bool {
    after.starts_with(['!', '+']) || (mysql && after.starts_with("M!"))
}

/// The option that the comment is, if it is one. An error, with the name of the option, if it is
/// invalid or looks like a misspelt one.
fn option(comment: &str) -> Result<Option<(&'static str, Setting)>, (&'static str, String)> {
    let Some(at) = comment.find([':', '=', ' ']) else { return Ok(None) };
    let (word, rest) = comment.split_at(at);
    let rest = rest.trim_start();
    let (colon, equals) = (rest.starts_with(':'), rest.starts_with('='));
    let value = rest.trim_start_matches([':', '=']).trim();
    // Any single word after the sign is taken for a value, since the value may be wrong too.
    let is_word = value.split_whitespace().count() == 1;
    if let Some(name) = NAMES.into_iter().find(|name| name.eq_ignore_ascii_case(word)) {
        // A sentence may begin with the name.
        let prose = word != name && value.contains(' ');
        return match (colon, setting(name, value)) {
            (true, Err(_)) if prose => Ok(None),
            (true, setting) => {
                setting.map(|setting| Some((name, setting))).map_err(|why| (name, why))
            }
            (false, Ok(_)) => {
                Err((name, format!("an option needs a colon after its name: \"{name}: {value}\"")))
            }
            (false, Err(why)) if equals && is_word => {
                Err((name, format!("an option needs a colon after its name, and {why}")))
            }
            (false, Err(_)) => Ok(None),
        };
    }
    let word = word.to_ascii_lowercase();
    let is_option = (colon || equals) && is_word && !WORDS.contains(&word.as_str());
    let near = NAMES.into_iter().filter_map(|name| {
        let distance = Some(distance(&word, name)).filter(|distance| *distance <= most(name))?;
        let is_value = setting(name, value).is_ok();
        (is_option || is_value).then_some((!is_value, distance, name))
    });
    match near.min() {
        Some((_, _, name)) => Err((name, format!("unknown option {word}; did you mean {name}?"))),
        None => Ok(None),
    }
}

/// The option called `name` with this value.
fn setting(name: &str, value: &str) -> Result<Setting, String> {
    Ok(match (name, value) {
        ("mode", "read") => Setting::Mode(Mode::Read),
        ("mode", "write") => Setting::Mode(Mode::Write),
        ("mode", _) => return Err(format!("mode must be read or write, not {value:?}")),
        ("exclusive", "true") => Setting::Exclusive(true),
        ("exclusive", "false") => Setting::Exclusive(false),
        ("exclusive", _) => return Err(format!("exclusive must be true or false, not {value:?}")),
        ("timeout", _) => Setting::Timeout(duration(value).ok_or_else(|| not_a_duration(value))?),
        ("param", _) => Setting::Param(declared::read(value)?),
        ("params", _) => Setting::Params(params(value)?),
        ("schedule", _) => {
            let (expression, timezone) = schedule::read(value)?;
            Setting::Schedule(expression, timezone)
        }
        _ => Setting::MaxRows(
            value
                .parse()
                .map_err(|_| format!("max_rows must be a number of rows, not {value:?}"))?,
        ),
    })
}

/// The parameters of a schedule: a JSON array or object.
fn params(value: &str) -> Result<String, String> {
    let json = serde_json::from_str::<&RawValue>(value).ok();
    let json = json.filter(|json| json.get().starts_with(['[', '{']));
    let wrong = || {
        format!(
            "params must be a JSON array or object, such as [30] or {{\"days\": 30}}, not {value:?}"
        )
    };
    json.map(|json| json.get().to_owned()).ok_or_else(wrong)
}

impl Options {
    fn set(&mut self, line: usize, name: &str, setting: Setting) -> Result<(), String> {
        let twice = match setting {
            Setting::Mode(mode) => self.mode.replace(mode).is_some(),
            Setting::Exclusive(exclusive) => self.exclusive.replace(exclusive).is_some(),
            Setting::Timeout(timeout) => self.timeout.replace(timeout).is_some(),
            Setting::MaxRows(rows) => self.max_rows.replace(rows).is_some(),
            Setting::Param(declared) => {
                self.declared.push(declared);
                self.lines.push(line);
                false
            }
            Setting::Schedule(expression, timezone) => {
                self.schedules.push(Schedule { expression, timezone, params: None, line });
                false
            }
            Setting::Params(params) => {
                let schedule = self.schedules.last_mut();
                let schedule =
                    schedule.ok_or("params belong to a schedule, and none is before them")?;
                schedule.params.replace(params).is_some()
            }
        };
        if twice { Err(format!("{name} is given twice")) } else { Ok(()) }
    }
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return None,
    };
    let millis = count.parse::<u64>().ok()?.checked_mul(unit)?;
    (millis > 0).then(|| Duration::from_millis(millis).min(MAX_TIMEOUT))
}

/// Says that `value` is no duration, and proposes seconds for a bare number.
fn not_a_duration(value: &str) -> String {
    let why = format!("timeout must be a time such as 250ms, 30s or 5m, not {value:?}");
    let seconds = format!("{value}s");
    let is_bare = value.bytes().all(|byte| byte.is_ascii_digit());
    match is_bare && duration(&seconds).is_some() {
        true => format!("{why}; did you mean {seconds}?"),
        false => why,
    }
}

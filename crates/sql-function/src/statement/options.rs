//! The options of a statement: comments at the top of its file.
//!
//! A comment that starts with one of the four names, a colon and a value is an option. A comment
//! that looks like a misspelt option is refused, so that no option is silently ignored. Any other
//! comment is only a comment.

use diagnosis::Cause;
use std::time::Duration;

use super::{Mode, Refusal};
use crate::sql::Dialect;

pub(super) const DEFAULT_MAX_ROWS: u64 = 10_000;
/// The maximum timeout that all servers accept: PostgreSQL's `statement_timeout` is an `int` of
/// milliseconds. Lambda stops every function long before.
pub(super) const MAX_TIMEOUT: Duration = Duration::from_millis(i32::MAX as u64);
const NAMES: [&str; 4] = ["mode", "exclusive", "timeout", "max_rows"];
/// Words that are near a name but begin comments of their own.
const WORDS: [&str; 8] =
    ["code", "made", "model", "more", "move", "node", "exclusion", "inclusive"];

/// The options in a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) mode: Option<Mode>,
    pub(super) exclusive: Option<bool>,
    pub(super) timeout: Option<Duration>,
    pub(super) max_rows: Option<u64>,
}

/// Reads the options in the comments at the top of `sql`.
pub(super) fn read(sql: &str, dialect: Dialect) -> Result<Options, Refusal> {
    let mut options = Options::default();
    for (line, comment) in header(sql, dialect) {
        let read = option(comment).and_then(|option| match option {
            Some((name, value)) => options.set(name, value),
            None => Ok(()),
        });
        read.map_err(|why| Refusal {
            line: Some(line),
            why,
            fix: "an option is a comment at the top of the file, such as \"-- mode: write\": \
                      mode is read or write, exclusive is true or false, timeout is a time such as \
                      250ms, 30s or 5m, max_rows is a number"
                .into(),
            cause: Cause::StatementFile,
        })?;
    }
    Ok(options)
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
                rest.strip_prefix("/*").filter(|after| !after.starts_with(['!', '+']))
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

/// The name and value of an option, if the comment is one. An error if it looks like a misspelt
/// one.
fn option(comment: &str) -> Result<Option<(&'static str, &str)>, String> {
    let Some(at) = comment.find([':', '=', ' ']) else { return Ok(None) };
    let (word, rest) = comment.split_at(at);
    let rest = rest.trim_start();
    let colon = rest.starts_with(':');
    let value = rest.trim_start_matches([':', '=']).trim();
    let is_value = |name| Options::default().set(name, value).is_ok();
    if let Some(name) = NAMES.into_iter().find(|name| name.eq_ignore_ascii_case(word)) {
        // A sentence may begin with the name.
        let prose = word != name && value.contains(' ');
        return match colon {
            true if prose && !is_value(name) => Ok(None),
            true => Ok(Some((name, value))),
            false if is_value(name) => {
                Err(format!("an option needs a colon after its name: \"{name}: {value}\""))
            }
            false => Ok(None),
        };
    }
    let word = word.to_ascii_lowercase();
    let near = |name: &&str| distance(&word, name) <= if name.len() > 5 { 2 } else { 1 };
    // Any single word after the colon is taken for a value, since the value may be wrong too.
    let is_option =
        colon && value.split_whitespace().count() == 1 && !WORDS.contains(&word.as_str());
    match NAMES.into_iter().find(|name| near(name) && (is_option || is_value(name))) {
        Some(name) => Err(format!("unknown option {word}; did you mean {name}?")),
        None => Ok(None),
    }
}

impl Options {
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let twice = match (name, value) {
            ("mode", "read") => self.mode.replace(Mode::Read).is_some(),
            ("mode", "write") => self.mode.replace(Mode::Write).is_some(),
            ("mode", _) => return Err(format!("mode must be read or write, not {value:?}")),
            ("exclusive", "true") => self.exclusive.replace(true).is_some(),
            ("exclusive", "false") => self.exclusive.replace(false).is_some(),
            ("exclusive", _) => {
                return Err(format!("exclusive must be true or false, not {value:?}"));
            }
            ("timeout", _) => {
                let time = duration(value).ok_or_else(|| not_a_duration(value))?;
                self.timeout.replace(time).is_some()
            }
            _ => {
                let rows = value
                    .parse()
                    .map_err(|_| format!("max_rows must be a number of rows, not {value:?}"))?;
                self.max_rows.replace(rows).is_some()
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

/// The edit distance of two words: inserted, deleted, replaced and transposed letters.
fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for i in 0..=one.len() {
        for j in 0..=other.len() {
            rows[i][j] = match (i, j) {
                (0, _) => j,
                (_, 0) => i,
                _ => {
                    let same = usize::from(one[i - 1] != other[j - 1]);
                    let mut least =
                        (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + same);
                    let swapped =
                        i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
                    if swapped {
                        least = least.min(rows[i - 2][j - 2] + 1);
                    }
                    least
                }
            };
        }
    }
    rows[one.len()][other.len()]
}

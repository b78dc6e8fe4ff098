//! The declared parameters of a statement: names, types and words.
//!
//! ```sql
//! -- param: days int how old a row must be
//! ```
//!
//! The lines are in the order of the placeholders. A statement declares all of its parameters or
//! none.

use diagnosis::Cause;
use std::fmt;

use super::{Refusal, Statement, counted};
use crate::sql::{Dialect, TokenKind};

/// The longest name of a parameter.
const MAX_NAME: usize = 64;

/// A declared parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The name, which events use: letters, digits and `_`.
    pub name: String,
    /// The type that its values must have.
    pub param_type: ParamType,
    /// What it is for, in words; may be empty.
    pub description: String,
}

/// The type of a declared parameter: `int`, `text[]`, `date?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamType {
    /// The type of the value, or of the elements.
    pub scalar: Scalar,
    /// Whether it is an array, which only PostgreSQL has.
    pub is_array: bool,
    /// Whether it may be null.
    pub is_nullable: bool,
}

/// The type of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A whole number of 64 bits, signed or unsigned.
    Int,
    /// A number with all its digits.
    Number,
    /// Any string.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A day: `2026-03-22`.
    Date,
    /// A time of day: `18:59:43`.
    Time,
    /// An instant: `2026-03-22T18:59:43Z`.
    Timestamp,
    /// A UUID in its usual form.
    Uuid,
    /// A JSON document.
    Json,
    /// Bytes, in base64.
    Base64,
}

impl Scalar {
    /// All of them.
    pub const ALL: [Scalar; 10] = [
        Scalar::Int,
        Scalar::Number,
        Scalar::Text,
        Scalar::Boolean,
        Scalar::Date,
        Scalar::Time,
        Scalar::Timestamp,
        Scalar::Uuid,
        Scalar::Json,
        Scalar::Base64,
    ];

    /// Its name in a file.
    pub const fn name(self) -> &'static str {
        match self {
            Scalar::Int => "int",
            Scalar::Number => "number",
            Scalar::Text => "text",
            Scalar::Boolean => "boolean",
            Scalar::Date => "date",
            Scalar::Time => "time",
            Scalar::Timestamp => "timestamp",
            Scalar::Uuid => "uuid",
            Scalar::Json => "json",
            Scalar::Base64 => "base64",
        }
    }
}

impl fmt::Display for ParamType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let array = if self.is_array { "[]" } else { "" };
        let nullable = if self.is_nullable { "?" } else { "" };
        write!(f, "{}{array}{nullable}", self.scalar.name())
    }
}

impl Declared {
    /// Its name and type, for an error.
    pub(super) fn shown(&self) -> String {
        format!("{} ({})", self.name, self.param_type)
    }
}

/// Reads the value of an option `param`: a name, a type, and words.
pub(super) fn read(value: &str) -> Result<Declared, String> {
    let mut words = value.splitn(2, char::is_whitespace);
    let name = words.next().unwrap_or_default();
    let rest = words.next().unwrap_or_default().trim_start();
    let mut words = rest.splitn(2, char::is_whitespace);
    let type_name = words.next().unwrap_or_default();
    let description = words.next().unwrap_or_default().trim().to_owned();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !begins || !name.chars().all(plain) || name.len() > MAX_NAME {
        return Err(format!(
            "a parameter's name is a letter and then letters, digits and _, not {name:?}"
        ));
    }
    let param_type = ParamType::read(type_name).ok_or_else(|| match type_name {
        "" => format!("the parameter {name} has no type"),
        _ => format!("unknown type {type_name:?} of the parameter {name}"),
    })?;
    Ok(Declared { name: name.to_owned(), param_type, description })
}

impl ParamType {
    fn read(text: &str) -> Option<ParamType> {
        let (text, is_nullable) = strip(text, "?");
        let (text, is_array) = strip(text, "[]");
        let scalar = Scalar::ALL.into_iter().find(|scalar| scalar.name() == text)?;
        // A JSON document may itself be an array.
        let is_known = !(is_array && scalar == Scalar::Json);
        is_known.then_some(ParamType { scalar, is_array, is_nullable })
    }
}

fn strip<'a>(text: &'a str, end: &str) -> (&'a str, bool) {
    text.strip_suffix(end).map_or((text, false), |rest| (rest, true))
}

/// Checks that the declarations, which begin at these `lines`, fit the SQL.
pub(super) fn check(statement: &Statement, lines: &[usize]) -> Result<(), Refusal> {
    let declared = &statement.declared;
    let refuse = |index: usize, why: String, fix: &str| Refusal {
        line: lines.get(index).copied(),
        why,
        fix: fix.to_owned(),
        cause: Cause::StatementFile,
    };
    let Some(last) = declared.len().checked_sub(1) else { return Ok(()) };
    let mysql = matches!(statement.dialect, Dialect::MySql { .. });
    for (index, param) in declared.iter().enumerate() {
        let twin = declared[..index].iter().find(|other| other.name == param.name);
        match twin {
            Some(_) if !mysql => {
                let why = format!("the parameter {} is declared twice", param.name);
                return Err(refuse(
                    index,
                    why,
                    "give it another name, or use one $n in both places",
                ));
            }
            Some(twin) if twin.param_type != param.param_type => {
                let why = format!(
                    "the parameter {} is declared with two types, {} and {}",
                    param.name, twin.param_type, param.param_type
                );
                let fix = "one name stands for one value: give both the same type, or two names";
                return Err(refuse(index, why, fix));
            }
            _ => {}
        }
        if mysql && param.param_type.is_array {
            let why = format!(
                "the parameter {} is declared as {}, but MySQL has no arrays",
                param.name, param.param_type
            );
            let fix = "declare it as json, and use JSON_TABLE in the statement";
            return Err(refuse(index, why, fix));
        }
    }
    if declared.len() != statement.params() {
        let why = format!(
            "{} declared, but the SQL has {}",
            match declared.len() {
                1 => "1 parameter is".to_owned(),
                many => format!("{many} parameters are"),
            },
            counted(statement.params()),
        );
        let each = if mysql { "each ?" } else { "$1, $2 …" };
        let fix =
            format!("write one line \"-- param: NAME TYPE WORDS\" for {each}, in order, or none");
        return Err(refuse(last, why, &fix));
    }
    if mysql && let Some(index) = decoded(statement) {
        let name = &declared[index].name;
        return Err(refuse(
            index,
            format!("the parameter {name} is declared as base64, and is in FROM_BASE64 too"),
            "remove FROM_BASE64: the statement gets the bytes",
        ));
    }
    Ok(())
}

/// The first parameter of type base64 that MySQL would decode a second time: `FROM_BASE64(?)`.
fn decoded(statement: &Statement) -> Option<usize> {
    let tokens: Vec<_> = statement.tokens().collect();
    let places = (0..tokens.len()).filter(|at| tokens[*at].kind == TokenKind::Placeholder);
    let mut numbered = places.enumerate();
    let found = numbered.find(|(index, at)| {
        let is_bytes = statement.declared[*index].param_type.scalar == Scalar::Base64;
        let before = at.checked_sub(2).map(|at| &tokens[at..at + 2]);
        is_bytes && before.is_some_and(|two| two[0].is("FROM_BASE64") && two[1].is_sign('('))
    });
    found.map(|(index, _)| index)
}

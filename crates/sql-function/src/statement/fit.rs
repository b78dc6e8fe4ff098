//! From the parameters of an event to the values of a statement's placeholders.
//!
//! Names become positions. A value of a declared parameter must have its type; it reaches the
//! engine in one form, whichever of the type's forms was sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use diagnosis::Cause;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::calendar::{is_date, is_time, utc};
use super::{Declared, ParamType, Refusal, Scalar, Schedule, Statement};
use crate::error::{Error, Kind};
use crate::event::is_uuid;
use crate::loggable;
use crate::param::{Elements, Given, Param, Params};
use crate::said::Said;
use crate::schema;

/// What EventBridge Scheduler replaces by the time for which a run was scheduled, and such a time:
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>.
const SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";
const SOME_TIME: &str = "2026-03-22T18:59:43Z";

/// Checks that the parameters of each schedule fit.
pub(super) fn check_schedules(statement: &Statement) -> Result<(), Refusal> {
    for Schedule { params, line, .. } in &statement.schedules {
        let written = params.as_deref().unwrap_or("[]");
        let params = written.replace(SCHEDULED_TIME, SOME_TIME);
        let fit = || {
            let json: &RawValue = serde_json::from_str(&params).map_err(|error| {
                Error::new(Kind::Statement, "they are not JSON").caused_by(error)
            })?;
            let given = Params::read(json)
                .map_err(|why| Error::new(Kind::Statement, "they are not parameters").says(why))?;
            let values = statement.arguments(given)?;
            statement.check_params(statement.params(), values.len())
        };
        fit().map_err(|error| Refusal {
            line: Some(*line),
            why: format!("the parameters of this schedule do not fit: {}", error.chain()),
            fix: schedule_fix(written, &error),
            cause: Cause::StatementFile,
        })?;
    }
    Ok(())
}

/// How parameters that do not fit are written after a schedule: what the error of such an event
/// says, and where.
fn schedule_fix(written: &str, error: &Error) -> String {
    let mut fix = error.log_advice().map(|advice| format!("{advice}; ")).unwrap_or_default();
    if written.to_ascii_lowercase().contains("aws.scheduler") {
        fix += &format!(
            "the time of the run is written {SCHEDULED_TIME:?}, and fits the types timestamp and text \
             alone; "
        );
    }
    fix + "the parameters are on the line after the schedule, such as \"-- params: [30]\" or, by their \
           names, \"-- params: {\"days\": 30}\""
}

impl Statement {
    /// The values of the placeholders, in order, from the parameters of an event.
    ///
    /// # Errors
    /// [`Kind::Statement`] if the statement is declared and they do not fit; [`Kind::Event`] if one
    /// is an object, but is not declared as JSON.
    pub(crate) fn arguments(&self, params: Params) -> Result<Vec<Param>, Error> {
        match params {
            Params::Positions(given) if self.declared.is_empty() => given
                .into_iter()
                .enumerate()
                .map(|(at, given)| self.undeclared(at, given))
                .collect(),
            Params::Positions(given) => {
                self.check_params(self.declared.len(), given.len())?;
                let pairs = self.declared.iter().zip(given);
                pairs.map(|(declared, given)| self.value(declared, given)).collect()
            }
            Params::Names(given) => self.named(given),
        }
    }

    fn undeclared(&self, at: usize, given: Given) -> Result<Param, Error> {
        match given {
            Given::Param(param) => Ok(param),
            Given::Document(_, why) => Err(Error::new(
                Kind::Event,
                loggable!("parameter {} of {:?}: {why}", at + 1, self.name),
            )
            .advice("send a JSON document as a string, or declare it: \"-- param: NAME json\"")),
        }
    }

    fn named(&self, given: Vec<(String, Given)>) -> Result<Vec<Param>, Error> {
        let refused = |message| Error::new(Kind::Statement, message);
        if self.declared.is_empty() {
            if given.is_empty() && self.params() == 0 {
                return Ok(vec![]);
            }
            let message =
                loggable!("statement {:?} declares no names for its parameters", self.name);
            return Err(refused(message).advice(
                "send them as an array, in the order of the placeholders, or declare them at the top of \
                 the file: \"-- param: NAME TYPE WORDS\"",
            ));
        }
        let mut values: Vec<Option<Param>> = vec![None; self.declared.len()];
        for (name, given) in given {
            // MySQL's placeholders may share a name.
            let mut places = (0..values.len()).filter(|at| self.declared[*at].name == name);
            let Some(first) = places.next() else {
                let message = loggable!("statement {:?} has no such parameter", self.name);
                return Err(refused(message).says(Said::name(&name)).advice(self.names()));
            };
            if values[first].is_some() {
                let declared = &self.declared[first].name;
                let message = loggable!("parameter {declared:?} of {:?} is given twice", self.name);
                return Err(refused(message).advice("send each parameter once"));
            }
            let value = self.value(&self.declared[first], given)?;
            for place in places {
                values[place] = Some(value.clone());
            }
            values[first] = Some(value);
        }
        let missing = values.iter().position(Option::is_none);
        if let Some(at) = missing {
            let message = loggable!(
                "parameter {:?} of {:?} is missing in the event",
                self.declared[at].name,
                self.name
            );
            return Err(refused(message).advice(self.names()));
        }
        Ok(values.into_iter().flatten().collect())
    }

    /// Advice that shows the names and types of the parameters.
    fn names(&self) -> crate::Loggable {
        let mut names: Vec<String> = vec![];
        for shown in self.declared.iter().map(Declared::shown) {
            if !names.contains(&shown) {
                names.push(shown);
            }
        }
        loggable!("send each of its parameters once: {}", names.join(", "))
    }

    /// The value of a declared parameter.
    fn value(&self, declared: &Declared, given: Given) -> Result<Param, Error> {
        let Declared { name, param_type, .. } = declared;
        param_type.value(given).map_err(|is| {
            let message = loggable!(
                "parameter {name:?} of {:?} is {is}, but its type is {param_type}",
                self.name
            );
            let form = param_type.scalar.form();
            let advice = match (is, param_type.is_array) {
                ("null", _) => {
                    loggable!("send {form}, or declare it as {param_type}? if it may be null")
                }
                (_, true) => loggable!("send an array, and for each element {form}"),
                (_, false) => loggable!("send {form}"),
            };
            Error::new(Kind::Statement, message).advice(advice)
        })
    }
}

impl ParamType {
    /// The value as the engine gets it, or what it is instead, in words that quote nothing.
    fn value(self, given: Given) -> Result<Param, &'static str> {
        match given {
            Given::Param(Param::Null) if self.is_nullable => Ok(Param::Null),
            Given::Param(Param::Array(elements)) if self.is_array => self.elements(elements),
            given if self.is_array => Err(kind(&given)),
            given => self.scalar.value(given),
        }
    }

    /// An array of one dimension, without nulls.
    fn elements(self, elements: Elements) -> Result<Param, &'static str> {
        const OTHER: &str = "an array with an element of another type";
        let mut numbers = vec![];
        elements.each(|element| {
            match self.scalar.value(Given::Param(element)).map_err(|_| OTHER)? {
                Param::Number(digits) if self.scalar == Scalar::Int => numbers.push(digits),
                _ => {}
            }
            Ok::<(), &'static str>(())
        })?;
        let elements = match self.scalar {
            Scalar::Int => Elements::of_numbers(&numbers).ok_or(OTHER)?,
            _ => elements,
        };
        Ok(Param::Array(elements))
    }

    /// The JSON that events may send.
    pub fn schema(self) -> Value {
        let scalar = self.scalar.schema();
        let schema = if self.is_array { schema::array_of(scalar) } else { scalar };
        if self.is_nullable { schema::nullable(schema) } else { schema }
    }
}

impl Scalar {
    fn value(self, given: Given) -> Result<Param, &'static str> {
        const ANOTHER: &str = "a string of another form";
        let text = |text: String, is_of_form: bool| {
            if is_of_form { Ok(Param::Text(text)) } else { Err(ANOTHER) }
        };
        let given = match (self, given) {
            (Scalar::Json, Given::Document(json, _)) => {
                return Ok(Param::Text(json.get().to_owned()));
            }
            (_, Given::Param(param)) => param,
            (_, given) => return Err(kind(&given)),
        };
        match (self, given) {
            (Scalar::Int, Param::Number(number)) => {
                let whole = whole(&number).ok_or("a number that is not whole or beyond 64 bits")?;
                Ok(Param::Number(whole))
            }
            (Scalar::Int, Param::Text(digits)) if is_digits(&digits) => {
                Ok(Param::Number(whole(&digits).ok_or("a number beyond 64 bits")?))
            }
            (Scalar::Number, Param::Number(number)) => Ok(Param::Number(number)),
            (Scalar::Number, Param::Text(number)) if is_number(&number) => {
                Ok(Param::Number(number))
            }
            (Scalar::Boolean, Param::Bool(value)) => Ok(Param::Bool(value)),
            (Scalar::Text, Param::Text(value)) => Ok(Param::Text(value)),
            (Scalar::Date, Param::Text(day)) => {
                let is_date = is_date(&day);
                text(day, is_date)
            }
            (Scalar::Time, Param::Text(time)) => {
                let is_time = is_time(&time);
                text(time, is_time)
            }
            (Scalar::Timestamp, Param::Text(instant)) => {
                utc(&instant).map(Param::Text).ok_or(ANOTHER)
            }
            (Scalar::Uuid, Param::Text(id)) => {
                let is_uuid = is_uuid(&id);
                text(id, is_uuid)
            }
            (Scalar::Json, Param::Array(elements)) => Ok(Param::Text(elements.json().to_owned())),
            (Scalar::Json, Param::Text(document)) => {
                let is_json = serde_json::from_str::<&RawValue>(&document).is_ok();
                text(document, is_json)
            }
            (Scalar::Base64, Param::Text(bytes)) => {
                let is_base64 = BASE64.decode(&bytes).is_ok();
                text(bytes, is_base64)
            }
            (Scalar::Int | Scalar::Number, Param::Text(_)) => Err(ANOTHER),
            (_, param) => Err(kind(&Given::Param(param))),
        }
    }

    /// What to send, for an error.
    fn form(self) -> &'static str {
        match self {
            Scalar::Int => "a whole number of at most 64 bits, such as 30 or \"9007199254740993\"",
            Scalar::Number => "a number, such as 9.99 or \"9.99\"",
            Scalar::Text => "a string",
            Scalar::Boolean => "true or false",
            Scalar::Date => "a day as a string, such as \"2026-03-22\"",
            Scalar::Time => "a time of day as a string, such as \"18:59:43\" or \"18:59:43.5\"",
            Scalar::Timestamp => {
                "an instant as a string in RFC 3339, such as \"2026-03-22T18:59:43Z\" or \
                 \"2026-03-22T19:59:43.5+01:00\", with at most six digits after the point"
            }
            Scalar::Uuid => "a UUID as a string, such as \"00112233-4455-6677-8899-aabbccddeeff\"",
            Scalar::Json => "a JSON object or array, or a string with the text of a JSON document",
            Scalar::Base64 => "bytes as a string in padded base64, as in a response",
        }
    }

    /// The JSON that events may send, as [`value`](Self::value) takes it.
    fn schema(self) -> Value {
        const DAY: &str = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
        const CLOCK: &str = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?";
        match self {
            Scalar::Int => json!({
                "type": ["integer", "string"],
                "minimum": i64::MIN,
                "maximum": u64::MAX,
                "pattern": "^-?[0-9]{1,18}$",
            }),
            Scalar::Number => {
                schema::matching(&["number", "string"], "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?$")
            }
            Scalar::Text => schema::text(),
            Scalar::Boolean => schema::boolean(),
            Scalar::Date => {
                json!({"type": "string", "format": "date", "pattern": format!("^{DAY}$")})
            }
            Scalar::Time => schema::matching(&["string"], &format!("^{CLOCK}$")),
            Scalar::Timestamp => json!({
                "type": "string",
                "format": "date-time",
                "pattern": format!("^{DAY}[Tt]{CLOCK}([Zz]|[+-][0-9]{{2}}:[0-9]{{2}})$"),
            }),
            Scalar::Uuid => json!({"type": "string", "format": "uuid"}),
            Scalar::Json => json!({
                "type": ["object", "array", "string"],
                "contentMediaType": "application/json",
            }),
            Scalar::Base64 => schema::base64(),
        }
    }
}

/// What a value is, in words that quote nothing.
fn kind(given: &Given) -> &'static str {
    match given {
        Given::Param(Param::Null) => "null",
        Given::Param(Param::Bool(_)) => "a boolean",
        Given::Param(Param::Number(_)) => "a number",
        Given::Param(Param::Text(_)) => "a string",
        Given::Param(Param::Array(_)) => "an array",
        Given::Document(json, _) if json.get().starts_with('{') => "an object",
        Given::Document(..) => "an array that is a JSON document",
    }
}

fn is_digits(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether it is the text of a JSON number.
fn is_number(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    let number = serde_json::from_str::<&RawValue>(text);
    begins && number.is_ok_and(|number| number.get() == text)
}

/// The digits of a JSON number that is whole, of 64 bits with or without a sign: `30`, `30.0`,
/// `3e1`.
fn whole(number: &str) -> Option<String> {
    let (number, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    // No number of 64 bits has more digits, unless they are zeros after the point.
    let exponent = exponent.parse::<i32>().ok().filter(|exponent| exponent.abs() <= 40)?;
    let fraction = fraction.trim_end_matches('0');
    let zeros = usize::try_from(exponent).ok()?.checked_sub(fraction.len())?;
    let digits = format!("{whole}{fraction}{}", "0".repeat(zeros));
    let value = digits.parse::<i128>().ok()?;
    let range = i128::from(i64::MIN)..=i128::from(u64::MAX);
    range.contains(&value).then(|| value.to_string())
}

#[cfg(test)]
mod tests;

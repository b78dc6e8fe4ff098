//! The schedules that the statements of a function declare.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::Failure;
use crate::functions::Function;

/// A schedule of a statement, and what it sends to the function.
#[derive(Clone, Debug, Serialize)]
pub struct Scheduled {
    /// The statement's name.
    pub statement: String,
    /// Which one of the statement's schedules it is, from 1, in the order of the file.
    pub number: usize,
    /// `cron(…)`, `rate(…)` or `at(…)`.
    pub expression: String,
    /// The time zone of the expression; UTC if there is none.
    pub timezone: Option<String>,
    /// The statement's parameters, as they are in the file.
    pub params: Option<Box<RawValue>>,
    /// The event.
    #[serde(skip)]
    pub event: String,
    /// What the statement does, in its own words; may be empty.
    #[serde(skip)]
    pub description: String,
}

impl Function {
    /// The schedules of its statements, by name and by their order in a file.
    ///
    /// # Errors
    /// A statement is invalid, or the folder cannot be read.
    pub fn schedules(&self) -> Result<Vec<Scheduled>, Failure> {
        let catalogue = self.catalogue().map_err(|error| error.report())?;
        let mut schedules = vec![];
        for (name, statement) in catalogue.iter() {
            let statement = statement.map_err(|error| error.report())?;
            for (index, schedule) in statement.schedules.iter().enumerate() {
                let params = schedule.params.clone().map(RawValue::from_string).transpose()?;
                schedules.push(Scheduled {
                    statement: name.to_owned(),
                    number: index + 1,
                    expression: schedule.expression.clone(),
                    timezone: schedule.timezone.clone(),
                    params,
                    event: schedule.event(name),
                    description: statement.description.clone(),
                });
            }
        }
        Ok(schedules)
    }
}

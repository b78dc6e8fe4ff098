//! The parameters that a handler passes to a statement which declares them.

use std::borrow::Cow;

use crate::error::{Error, Fate};
use crate::param::{Given, Param, Params};
use crate::statement::Statement;

/// The values of the statement's placeholders: `params`, checked against their declared types.
///
/// # Errors
/// [`Kind::Statement`](crate::Kind::Statement): they do not fit.
pub(crate) fn of<'a>(
    statement: &Statement,
    params: &'a [Param],
) -> Result<Cow<'a, [Param]>, Error> {
    if statement.declared.is_empty() {
        return Ok(params.into());
    }
    let given = params.iter().cloned().map(Given::Param).collect();
    let arguments = statement.arguments(Params::Positions(given));
    Ok(arguments.map_err(|error| error.with_fate(Fate::NotRun))?.into())
}

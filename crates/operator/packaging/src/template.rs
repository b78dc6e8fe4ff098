//! The template that is deployed: deploy/template.yaml, with a schedule for each that a statement declares,
//! with the entries of an engine renamed for each further function of the engine, and with a dashboard.
//!
//! The text is put together line by line, so that it keeps the comments of deploy/template.yaml. It is plain
//! SAM, in ASCII, because CloudFormation returns other characters of a template as question marks.

mod copies;
mod dashboard;
mod entries;
mod names;
mod quoted;
mod rules;
mod schedules;

use std::fs;

use crate::Failure;
use crate::cargo::workspace;
use crate::functions::Function;
use entries::{Entries, Place};

/// Where the zips are, seen from deploy/template.yaml. The template that is built is beside them.
const ZIPS: &str = "../target/lambda/";

/// What CloudFormation accepts in one template:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>.
const LIMITS: [(&str, usize); 3] = [("Parameters", 200), ("Resources", 500), ("Outputs", 200)];

/// The template for these functions.
///
/// # Errors
/// A statement is invalid, two functions would have entries of the same name, there are more entries than
/// CloudFormation accepts, or deploy/template.yaml cannot be read.
pub fn template(functions: &[Function]) -> Result<String, Failure> {
    let path = workspace()?.join("deploy/template.yaml");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    of(&text, functions)
}

/// The file of the last build's template in `target/lambda`, beside the folders of the functions.
pub(crate) const TEMPLATE: &str = "template.yaml";

/// The template of the last build, and its functions, with the statements that were packed.
///
/// # Errors
/// Nothing is built.
pub fn built() -> Result<(String, Vec<Function>), Failure> {
    let lambda = pinned_tools::target()?.join("lambda");
    let path = lambda.join(TEMPLATE);
    let text = fs::read_to_string(&path).map_err(|error| {
        format!("{}: {error}; build the functions first: cargo xtask build", path.display())
    })?;
    let zip = |line: &str| {
        let name = line.trim().strip_prefix("CodeUri: ")?.strip_suffix("/bootstrap.zip")?;
        Function::named(name, lambda.join(name).join("statements"))
    };
    let functions = text.lines().filter_map(zip).collect();
    Ok((text, functions))
}

/// The template for these functions, made from the text of deploy/template.yaml.
fn of(text: &str, functions: &[Function]) -> Result<String, Failure> {
    let mut entries = Entries::read(text);
    entries.replace(|entry| copies::first(entry, functions));
    for function in functions.iter().filter(|function| function.further().is_some()) {
        entries.extend(copies::of(text, function)).map_err(|entry| {
            format!(
                "{}: the template has an entry {entry} already, so that no function can have this name; \
                 choose another",
                function.folder.display()
            )
        })?;
    }
    rules::complete(&mut entries, functions);
    let mut scheduled = vec![];
    for function in functions {
        let schedules = function.schedules()?;
        if !schedules.is_empty() {
            scheduled.push((function, schedules));
        }
    }
    entries.extend(schedules::entries(&scheduled)).map_err(|entry| {
        format!("the template has two entries {entry}; rename the statement of this schedule")
    })?;
    let dashboard = dashboard::entries(functions, !scheduled.is_empty());
    entries.extend(dashboard).map_err(|entry| format!("the template has two entries {entry}"))?;
    for (section, most) in LIMITS {
        let count = entries.names(&Place::Section(section.to_owned())).count();
        if count > most {
            return Err(format!(
                "the template would have {count} {section}, and CloudFormation accepts {most}; deploy some \
                 of the functions in a stack of their own"
            )
            .into());
        }
    }
    Ok(entries.to_string().replace(ZIPS, ""))
}

#[cfg(test)]
mod tests;

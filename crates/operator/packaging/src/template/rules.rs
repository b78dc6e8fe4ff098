//! The rules about all functions together: at least one is deployed, and `ConnectTo` is for one database.

use super::entries::{Entries, Entry, Place};
use crate::FUNCTIONS;
use crate::functions::Function;

/// The most conditions in one `Fn::Or`, and the fewest:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html>.
const MOST: usize = 10;

/// Rewrites the rules, unless the functions are those of deploy/template.yaml.
pub(super) fn complete(entries: &mut Entries, functions: &[Function]) {
    let is_first = |function: &Function| function.further().is_none();
    if functions.len() == FUNCTIONS.len() && functions.iter().all(is_first) {
        return;
    }
    entries.replace(|entry| {
        let text = match (&entry.place, entry.name.as_str()) {
            (Place::Section(_), "SomethingIsDeployed") => Some(something(functions)),
            (Place::Section(_), "OneIsDialled") => one(functions),
            _ => return Some(entry),
        };
        text.map(|text| Entry { text, ..entry })
    });
}

fn something(functions: &[Function]) -> String {
    let names: Vec<_> = functions.iter().map(endpoint).collect();
    format!(
        "  SomethingIsDeployed:\n    Assertions:\n      - Assert: {}\n        AssertDescription: Set {}.\n",
        any_is_set(functions),
        names.join(" or ")
    )
}

/// No two functions with different endpoints. `None` for fewer than two functions.
fn one(functions: &[Function]) -> Option<String> {
    let mut assertions = vec![];
    for (index, function) in functions.iter().enumerate() {
        for other in &functions[..index] {
            let (one, other) = (endpoint(other), endpoint(function));
            assertions.push(format!(
                "      - Assert: !Or [!Equals [!Ref {one}, \"\"], !Equals [!Ref {other}, \"\"], !Equals \
                 [!Ref {one}, !Ref {other}]]\n        AssertDescription: >-\n          ConnectTo is the \
                 address of one database, and {one} and {other} are two. Deploy two stacks.\n"
            ));
        }
    }
    let rule = "  OneIsDialled:\n    RuleCondition: !Not [!Equals [!Ref ConnectTo, \"\"]]\n    Assertions:\n";
    (!assertions.is_empty()).then(|| format!("{rule}{}", assertions.concat()))
}

/// A condition: one of these functions has an endpoint.
pub(super) fn any_is_set<'a>(functions: impl IntoIterator<Item = &'a Function>) -> String {
    let is_set = |function| format!("!Not [!Equals [!Ref {}, \"\"]]", endpoint(function));
    let mut conditions: Vec<_> = functions.into_iter().map(is_set).collect();
    while conditions.len() > 1 {
        let or = |some: &[String]| match some {
            [one] => one.clone(),
            some => format!("!Or [{}]", some.join(", ")),
        };
        conditions = conditions.chunks(MOST).map(or).collect();
    }
    conditions.concat()
}

fn endpoint(function: &Function) -> String {
    format!("{}Endpoint", function.prefix())
}

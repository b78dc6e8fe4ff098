//! The entries of an engine: as they are for its first function, and renamed for each further one.

use super::entries::{Entries, Entry, Place};
use super::names::PREFIXES;
use crate::functions::Function;

/// An entry as the first function of its engine has it. `None` if the engine has no such function.
pub(super) fn first(entry: Entry, functions: &[Function]) -> Option<Entry> {
    let is_first = |prefix: &str| functions.iter().any(|function| function.prefix() == prefix);
    prefix_of(&entry).is_none_or(is_first).then_some(entry)
}

/// The entries of the engine of `function` in `text`, renamed for it.
pub(super) fn of(text: &str, function: &Function) -> Vec<Entry> {
    let (prefix, name) = (function.first_prefix(), function.further().unwrap_or_default());
    let renamed = |text: &str| {
        text.replace(prefix, &function.prefix())
            .replace(function.engine.function(), &function.name)
            .replace("SQL function", &format!("SQL function ({name})"))
            .replace(" (optional)", &format!(" {name} (optional)"))
    };
    let all = Entries::read(text);
    let own = all.iter().filter(|entry| prefix_of(entry) == Some(prefix));
    own.cloned()
        .map(Entry::bare)
        .map(|entry| Entry {
            place: entry.place,
            name: renamed(&entry.name),
            text: renamed(&entry.text),
        })
        .collect()
}

/// The engine that an entry belongs to, by its name, or by what a group of parameters contains.
fn prefix_of(entry: &Entry) -> Option<&'static str> {
    let says = match entry.place {
        Place::Elsewhere => return None,
        Place::Section(_) => &entry.name,
        Place::Form => &entry.text,
    };
    PREFIXES.into_iter().find(|prefix| says.contains(prefix))
}

//! Identifiers for names that need not be identifiers: `order-total`, `count(*)`, `größe`, `class`.

use std::collections::BTreeSet;

use deunicode::deunicode;
use heck::{ToLowerCamelCase, ToPascalCase, ToSnakeCase};

/// Identifiers that must differ from each other and from some words.
pub(crate) struct Scope {
    taken: BTreeSet<String>,
    reserved: &'static [&'static str],
}

impl Scope {
    /// An empty scope. Words of `reserved` are given out with a final `_`.
    pub(crate) fn new(reserved: &'static [&'static str]) -> Self {
        Self { taken: BTreeSet::new(), reserved }
    }

    /// Identifiers of `name`, none of which was given out before. `forms` makes them of the name in ASCII,
    /// which begins with a letter; `kind` is put before one that does not.
    pub(crate) fn distinct<const N: usize>(
        &mut self,
        name: &str,
        kind: &str,
        forms: impl Fn(&str) -> [String; N],
    ) -> [String; N] {
        let ascii = ascii(name, kind);
        let mut suffixes = (2u64..).map(|number| number.to_string());
        let mut suffix = String::new();
        loop {
            let is_reserved = |identifier: &str| self.reserved.contains(&identifier);
            let identifiers = forms(&format!("{ascii}{suffix}")).map(|identifier| {
                if is_reserved(&identifier) { identifier + "_" } else { identifier }
            });
            if identifiers.iter().all(|identifier| !self.taken.contains(identifier)) {
                self.taken.extend(identifiers.iter().cloned());
                return identifiers;
            }
            // There is no end to numbers.
            suffix = format!(" {}", suffixes.next().unwrap_or_default());
        }
    }
}

/// `PurgeItems`.
pub(crate) fn pascal(ascii: &str) -> String {
    ascii.to_pascal_case()
}

/// `purgeItems`.
pub(crate) fn camel(ascii: &str) -> String {
    ascii.to_lower_camel_case()
}

/// `purge_items`.
pub(crate) fn snake(ascii: &str) -> String {
    ascii.to_snake_case()
}

/// Words of ASCII letters and digits, the first of which begins with a letter.
fn ascii(name: &str, kind: &str) -> String {
    let ascii = deunicode(name);
    let words: Vec<_> =
        ascii.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    match words.first() {
        Some(first) if first.starts_with(|c: char| c.is_ascii_alphabetic()) => words.join(" "),
        _ => [&[kind], &*words].concat().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::{Scope, camel, pascal, snake};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn named(names: &[&str]) -> Vec<String> {
        let mut scope = Scope::new(&["class", "type", "self"]);
        let name = |name: &&str| scope.distinct(name, "column", |ascii| [snake(ascii)]);
        names.iter().map(name).map(|[name]| name).collect()
    }

    #[test]
    fn any_name_becomes_an_identifier() {
        assert_eq!(
            named(&[
                "id",
                "order-total",
                "orderTotal",
                "count(*)",
                "größe",
                "数量",
                "1st",
                "*",
                ""
            ]),
            [
                "id",
                "order_total",
                "order_total_2",
                "count",
                "grosse",
                "shu_liang",
                "column_1st",
                "column",
                "column_2"
            ]
        );
        assert_eq!(named(&["class", "Class", "class 2"]), ["class_", "class_2", "class_2_2"]);
    }

    #[test]
    fn names_that_belong_together_are_given_out_together() {
        let mut scope = Scope::new(&[]);
        let mut name =
            |name| scope.distinct(name, "statement", |it| [pascal(it), pascal(it) + "Row"]);
        assert_eq!(name("purge"), ["Purge", "PurgeRow"]);
        assert_eq!(name("purge-row"), ["PurgeRow2", "PurgeRow2Row"]);
        assert_eq!(name("_purge"), ["Purge2", "Purge2Row"]);
    }

    proptest! {
        #[test]
        fn identifiers_are_valid_and_distinct(names in prop::collection::vec("\\PC{0,12}|[ab_2-]{0,4}", 0..40)) {
            let reserved = &["a", "b", "A", "ab"];
            let mut scope = Scope::new(reserved);
            let mut all = BTreeSet::new();
            for name in &names {
                let given = scope.distinct(name, "column", |it| [snake(it), camel(it) + "X", pascal(it) + "Y"]);
                for identifier in given {
                    let valid = |(at, c): (usize, char)| match at {
                        0 => c.is_ascii_alphabetic(),
                        _ => c.is_ascii_alphanumeric() || c == '_',
                    };
                    prop_assert!(identifier.char_indices().all(valid) && !identifier.is_empty(), "{}", identifier);
                    prop_assert!(!reserved.contains(&&*identifier), "{}", identifier);
                    prop_assert!(all.insert(identifier.clone()), "{} twice", identifier);
                }
            }
        }
    }
}

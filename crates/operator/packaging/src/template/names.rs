//! The names of functions and statements as parts of the template's names, which have letters and digits only.

use engine::Engine;
use reproducible_zip::sha256;

use crate::functions::Function;

/// What stands for MySQL and for PostgreSQL in the template's names.
pub(super) const PREFIXES: [&str; 2] = ["MySql", "Postgres"];

impl Function {
    /// What the names of its parameters, resources and outputs in the template start with: `MySql`, or
    /// `MySqlReports` for `mysql-reports`.
    pub fn prefix(&self) -> String {
        format!("{}{}", self.first_prefix(), pascal_case(self.further().unwrap_or_default()))
    }

    /// The prefix of the engine's first function.
    pub(super) fn first_prefix(&self) -> &'static str {
        match self.engine {
            Engine::MySql | Engine::MariaDb => PREFIXES[0],
            Engine::Postgres => PREFIXES[1],
        }
    }
}

/// `purge-items` as `PurgeItems`, without other characters than letters and digits.
pub(super) fn pascal_case(name: &str) -> String {
    let words = name.split(|other: char| !other.is_ascii_alphanumeric());
    let capital = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{}{rest}", first.to_ascii_uppercase())
    };
    words.map(capital).collect()
}

/// `purge-items` as `PurgeItems`. A name that another one could be written like, such as `purge_items`, or
/// that the number would be read as a part of, ends in its SHA-256.
pub(super) fn of_statement(statement: &str) -> String {
    let is_word = |word: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        word.starts_with(|first: char| first.is_ascii_lowercase()) && word.bytes().all(plain)
    };
    let ends_in_a_letter = statement.ends_with(|last: char| last.is_ascii_lowercase());
    let name = pascal_case(statement);
    if statement.len() <= LONGEST_NAME && ends_in_a_letter && statement.split('-').all(is_word) {
        return name;
    }
    let start: String = name.chars().take(LONGEST_NAME).collect();
    format!("{start}X{}", &sha256(statement.as_bytes())[..8])
}

/// The longest part of a resource's name, which has 255 characters at most.
const LONGEST_NAME: usize = 100;

#[cfg(test)]
mod tests {
    use super::of_statement;

    #[test]
    fn every_statement_has_a_of_statement_its_own() {
        assert_eq!(of_statement("purge-items"), "PurgeItems");
        assert_eq!(of_statement("a1-b2c"), "A1B2c");
        let long = "a".repeat(300);
        let other = [
            "purge_items",
            "PurgeItems",
            "purgeItems",
            "purge--items",
            "purge-items-",
            "-purge-items",
            "a-1b",
            "a1-b",
            "a",
            "a1",
            "a11",
            &long,
        ];
        let names: std::collections::BTreeSet<_> =
            other.iter().chain(&["purge-items"]).map(|name| of_statement(name)).collect();
        assert_eq!(names.len(), other.len() + 1, "{names:?}");
        for name in names {
            assert!(
                name.len() < 150 && name.bytes().all(|it| it.is_ascii_alphanumeric()),
                "{name}"
            );
        }
    }
}

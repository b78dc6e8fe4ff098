//! The languages of a client.

use crate::{Description, json_schema, rust, typescript};

/// A language of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// A TypeScript module without dependencies.
    TypeScript,
    /// A Rust module, which needs serde (with `derive`) and serde_json.
    Rust,
    /// A JSON Schema, draft 2020-12.
    JsonSchema,
}

impl Language {
    /// All languages.
    pub const ALL: [Self; 3] = [Self::TypeScript, Self::Rust, Self::JsonSchema];

    /// The option of `cargo xtask describe`, without its dashes.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Self::TypeScript => "typescript",
            Self::Rust => "rust",
            Self::JsonSchema => "json-schema",
        }
    }

    /// The client for a function. Its head says that `command` wrote it. Files that cannot run are left out,
    /// and named there.
    #[must_use]
    pub fn client(self, description: &Description, command: &str) -> String {
        match self {
            Self::TypeScript => typescript::client(description, command),
            Self::Rust => rust::client(description, command),
            Self::JsonSchema => json_schema::document(description, command),
        }
    }
}

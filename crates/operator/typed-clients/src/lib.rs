//! Typed clients of a function: its answer to `{"describe": true}` becomes a TypeScript module, a Rust
//! module, or a JSON Schema. The same description gives the same text.
//!
//! ```
//! use typed_clients::{Description, Language};
//!
//! let answer = br#"{"describe": {"engine": "postgres", "statements": [
//!     {"name": "count-items", "description": "", "mode": "read", "exclusive": false, "max_rows": 10000,
//!      "params": [], "schedules": [],
//!      "columns": [{"name": "items", "type": "int4", "schema": {"type": ["integer", "null"]}}]}]}}"#;
//! let description = Description::of_answer(answer)?;
//! let client = Language::TypeScript.client(&description, "cargo xtask describe --typescript");
//! assert!(client.contains("export function countItems(): CountItemsEvent {"));
//! # Ok::<(), typed_clients::NoDescription>(())
//! ```

#![forbid(unsafe_code)]

// What a function says of itself.
mod description;
mod shape;

// What all languages have in common.
mod names;
mod words;

// The languages.
mod json_schema;
mod language;
mod rust;
mod typescript;

pub use description::{
    Bad, Column, Description, EVENT, Entry, NoDescription, Param, Schedule, Statement,
    StatementError,
};
pub use language::Language;

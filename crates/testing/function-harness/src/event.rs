//! The events that scenarios send most.

/// Runs the example statement that reads.
pub const ITEMS: &str = r#"{"statement":"items"}"#;

/// Runs the example statement that writes.
pub const ADD: &str = r#"{"statement":"add-item","params":[4,"four"]}"#;

/// Runs a statement without parameters.
pub fn call(name: &str) -> String {
    format!(r#"{{"statement":"{name}"}}"#)
}

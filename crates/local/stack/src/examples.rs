//! The example statements and their table.

use engine::Engine;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// SQL for the table of the example statements, for every engine.
pub const ITEMS: &str = include_str!("../../../../examples/schema.sql");

/// The files of the example statements, for every engine.
const EXAMPLES: [&str; 3] = ["add-item.sql", "items.sql", "purge-items.sql"];

/// The folder of the statements that are deployed for `engine`.
///
/// # Errors
/// This program runs outside the workspace.
pub fn statements(engine: Engine) -> Result<PathBuf, pinned_tools::Error> {
    Ok(pinned_tools::workspace()?.join("deploy/statements").join(engine.statements()))
}

/// Copies the statements of `examples` for `engine` into `folder`: what tests deploy, whatever a user
/// deploys.
///
/// # Errors
/// This program runs outside the workspace, or a file cannot be copied.
pub fn copy_examples(engine: Engine, folder: &Path) -> Result<(), Box<dyn Error>> {
    let examples = pinned_tools::workspace()?.join("examples/statements");
    let statements = examples.join(engine.statements());
    for name in EXAMPLES {
        fs::copy(statements.join(name), folder.join(name))?;
    }
    Ok(())
}

//! Texts that options give: in a file, or on standard input.

use local_stack::Failure;
use std::fs;
use std::io;
use std::path::Path;

/// The text in `file`, or on standard input if that is `-`. `what` it is, and the `option`, are for errors.
///
/// # Errors
/// It cannot be read, or the option has the text itself.
pub(crate) fn text(file: &Path, what: &str, option: &str) -> Result<String, Failure> {
    if file.as_os_str().as_encoded_bytes().starts_with(b"{") && !file.exists() {
        // It may have values that no error shows.
        return Err(format!(
            "{option} takes the path of a file with {what}, or - to read standard input, and not the JSON itself"
        )
        .into());
    }
    let text = match file.as_os_str().as_encoded_bytes() {
        b"-" => io::read_to_string(io::stdin()),
        _ => fs::read_to_string(file),
    };
    text.map_err(|error| format!("cannot read {what} {}: {error}", file.display()).into())
}

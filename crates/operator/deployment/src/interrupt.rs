//! Ctrl-C: ends this process, and says what continues at AWS.

use std::sync::Mutex;

use crate::Failure;

/// What would continue at AWS if this process ended now.
static CONTINUES: Mutex<Option<String>> = Mutex::new(None);

/// Ends the process on Ctrl-C, with exit code 130, and says what continues at AWS. Temporary files may
/// remain in the system's temporary folder.
///
/// # Errors
/// The signal handler cannot be set.
#[allow(clippy::print_stderr)] // it talks to a person
pub fn listen() -> Result<(), Failure> {
    ctrlc::set_handler(|| {
        let continues = CONTINUES.lock().map(|text| text.clone()).unwrap_or_default();
        eprintln!(
            "\n{}",
            continues.as_deref().unwrap_or("interrupted; nothing was changed at AWS")
        );
        std::process::exit(130); // 128 + SIGINT, as shells count
    })?;
    Ok(())
}

/// Sets what an interruption does not end; `None` when it ends everything.
pub(crate) fn continues(text: Option<String>) {
    if let Ok(mut continues) = CONTINUES.lock() {
        *continues = text;
    }
}

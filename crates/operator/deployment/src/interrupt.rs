//! Ctrl-C: what it ends, and what goes on at AWS all the same.

use std::sync::Mutex;

use crate::Failure;

/// What goes on when this process ends now.
static GOES_ON: Mutex<Option<String>> = Mutex::new(None);

/// Ends the process on Ctrl-C, with what goes on at AWS. Files that tell of the moment are in
/// temporary folders of the system.
///
/// # Errors
/// The system refuses the handler.
#[allow(clippy::print_stderr)] // it talks to a person
pub fn listen() -> Result<(), Failure> {
    ctrlc::set_handler(|| {
        let goes_on = GOES_ON.lock().map(|text| text.clone()).unwrap_or_default();
        eprintln!("\n{}", goes_on.as_deref().unwrap_or("interrupted; nothing was changed at AWS"));
        std::process::exit(130); // 128 + SIGINT, as shells count
    })?;
    Ok(())
}

/// Says what an interruption does not end; `None` when it ends everything.
pub(crate) fn goes_on(text: Option<String>) {
    if let Ok(mut goes_on) = GOES_ON.lock() {
        *goes_on = text;
    }
}

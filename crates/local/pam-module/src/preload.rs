//! The `LD_PRELOAD` object: PAM services are read from another folder.

use std::env;
use std::ffi::{CString, c_char, c_int};
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::ptr;

use plugin_protocol::PAM_FOLDER_VARIABLE;

use crate::linux_pam::{Conversation, Handle, PAM_ABORT, StartConfdir, function};

/// Replaces libpam's `pam_start`, which reads `/etc/pam.d`.
///
/// # Safety
/// The arguments are those of `pam_start(3)`.
#[unsafe(no_mangle)]
unsafe extern "C" fn pam_start(
    service: *const c_char,
    user: *const c_char,
    conversation: *const Conversation,
    handle: *mut *mut Handle,
) -> c_int {
    // SAFETY: the type is that of pam_start_confdir(3).
    let start = match unsafe { function::<StartConfdir>(c"pam_start_confdir") } {
        Ok(start) => start,
        Err(error) => {
            // If the log cannot be written, the caller still gets the code.
            let _ = writeln!(io::stderr(), "rds-iam: {error}");
            return PAM_ABORT;
        }
    };
    let folder =
        env::var_os(PAM_FOLDER_VARIABLE).and_then(|path| CString::new(path.into_vec()).ok());
    // Without a folder PAM reads its default one.
    let folder = folder.as_ref().map_or(ptr::null(), |folder| folder.as_ptr());
    // SAFETY: the caller's arguments, and a C string that lives until the call returns.
    unsafe { start(service, user, conversation, folder, handle) }
}

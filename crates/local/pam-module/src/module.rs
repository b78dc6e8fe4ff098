//! The PAM module: takes the password and asks the verifier.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io::{self, Write};
use std::panic;
use std::ptr;

use plugin_protocol::{Login, ask};

use crate::linux_pam::{
    Conversation, GetItem, Handle, Message, PAM_AUTH_ERR, PAM_CONV, PAM_PROMPT_ECHO_OFF,
    PAM_SUCCESS, PAM_USER, Response, explicit_bzero, free, function,
};

/// Whether the user may log in with the password they give.
///
/// # Safety
/// To be called only by libpam.
#[unsafe(no_mangle)]
unsafe extern "C" fn pam_sm_authenticate(
    handle: *mut Handle,
    _flags: c_int,
    _argument_count: c_int,
    _arguments: *const *const c_char,
) -> c_int {
    // A panic must not unwind into the server.
    let verdict = panic::catch_unwind(|| {
        // SAFETY: libpam passes its own handle, valid for the length of this call.
        let login = unsafe { Login { user: user(handle)?, password: password(handle)? } };
        ask(&login)
    });
    match verdict {
        Ok(Ok(true)) => PAM_SUCCESS,
        Ok(Ok(false)) => PAM_AUTH_ERR,
        Ok(Err(error)) => refuse_because(&error.to_string()),
        Err(_) => refuse_because("the module panicked"),
    }
}

/// There are no credentials to set.
#[unsafe(no_mangle)]
extern "C" fn pam_sm_setcred(
    _handle: *mut Handle,
    _flags: c_int,
    _argument_count: c_int,
    _arguments: *const *const c_char,
) -> c_int {
    PAM_SUCCESS
}

/// Every authenticated account is valid.
#[unsafe(no_mangle)]
extern "C" fn pam_sm_acct_mgmt(
    _handle: *mut Handle,
    _flags: c_int,
    _argument_count: c_int,
    _arguments: *const *const c_char,
) -> c_int {
    PAM_SUCCESS
}

/// Writes to the server's log why a login is refused that the verifier does not know of.
fn refuse_because(reason: &str) -> c_int {
    // A log that cannot be written to does not change the verdict.
    let _ = writeln!(io::stderr(), "rds-iam: login refused: {reason}");
    PAM_AUTH_ERR
}

/// # Safety
/// The handle is libpam's.
unsafe fn user(handle: *const Handle) -> io::Result<Vec<u8>> {
    // SAFETY: this item is a C string that belongs to the handle.
    unsafe { Ok(CStr::from_ptr(item(handle, PAM_USER)?.cast()).to_bytes().to_vec()) }
}

/// Makes the server ask the client for its password.
///
/// # Safety
/// The handle is libpam's.
unsafe fn password(handle: *const Handle) -> io::Result<Vec<u8>> {
    // SAFETY: this item is a conversation that belongs to the handle.
    let conversation = unsafe { &*item(handle, PAM_CONV)?.cast::<Conversation>() };
    let message = Message { style: PAM_PROMPT_ECHO_OFF, text: c"Password: ".as_ptr() };
    let messages = [&raw const message];
    let mut response: *mut Response = ptr::null_mut();
    // SAFETY: as many messages as the count says, and a place for the response.
    let code =
        unsafe { (conversation.talk)(1, messages.as_ptr(), &raw mut response, conversation.data) };
    if code != PAM_SUCCESS || response.is_null() {
        return Err(io::Error::other("the client sent no password"));
    }
    // SAFETY: a successful conversation returns one response from malloc, whose text is null or a
    // C string from malloc; both are ours now.
    unsafe {
        let text = (*response).text;
        free(response.cast());
        if text.is_null() {
            return Err(io::Error::other("the client sent no password"));
        }
        let password = CStr::from_ptr(text).to_bytes().to_vec();
        // PAM's copy must not stay in freed memory.
        explicit_bzero(text.cast(), password.len());
        free(text.cast());
        Ok(password)
    }
}

/// # Safety
/// The handle is libpam's.
unsafe fn item(handle: *const Handle, item: c_int) -> io::Result<*const c_void> {
    let mut value = ptr::null();
    // SAFETY: the type is that of pam_get_item(3), which writes to `value` alone.
    let code = unsafe { function::<GetItem>(c"pam_get_item")?(handle, item, &raw mut value) };
    if code != PAM_SUCCESS || value.is_null() {
        return Err(io::Error::other(format!("the server gave PAM no item {item}")));
    }
    Ok(value)
}

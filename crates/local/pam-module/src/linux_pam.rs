//! The part of Linux-PAM's ABI that is used here (`_pam_types.h`).
//!
//! Functions are looked up when they are called. If they were linked, no program without PAM that
//! inherits `LD_PRELOAD` from the server could start.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::ptr;

/// Success.
pub(crate) const PAM_SUCCESS: c_int = 0;
/// Authentication failed.
pub(crate) const PAM_AUTH_ERR: c_int = 7;
/// The operation was aborted.
pub(crate) const PAM_ABORT: c_int = 26;

/// The item of a handle that holds the user's name.
pub(crate) const PAM_USER: c_int = 2;
/// The item of a handle that holds the application's conversation function.
pub(crate) const PAM_CONV: c_int = 5;
/// A message that asks for a text without showing it.
pub(crate) const PAM_PROMPT_ECHO_OFF: c_int = 1;

/// `pam_handle_t`, which is opaque.
pub(crate) type Handle = c_void;

/// `struct pam_message`.
#[repr(C)]
pub(crate) struct Message {
    pub(crate) style: c_int,
    pub(crate) text: *const c_char,
}

/// `struct pam_response`. It and its text are from `malloc`, for the receiver to free.
#[repr(C)]
pub(crate) struct Response {
    pub(crate) text: *mut c_char,
    pub(crate) return_code: c_int,
}

/// `struct pam_conv`.
#[repr(C)]
pub(crate) struct Conversation {
    pub(crate) talk: unsafe extern "C" fn(
        c_int,
        *const *const Message,
        *mut *mut Response,
        *mut c_void,
    ) -> c_int,
    pub(crate) data: *mut c_void,
}

/// `pam_get_item`.
pub(crate) type GetItem = unsafe extern "C" fn(*const Handle, c_int, *mut *const c_void) -> c_int;

/// `pam_start_confdir`, since Linux-PAM 1.4.
pub(crate) type StartConfdir = unsafe extern "C" fn(
    *const c_char,
    *const c_char,
    *const Conversation,
    *const c_char,
    *mut *mut Handle,
) -> c_int;

// Of the C library, which every Rust program links.
unsafe extern "C" {
    /// `dlsym(3)`. A null handle is `RTLD_DEFAULT`.
    fn dlsym(handle: *mut c_void, symbol: *const c_char) -> *mut c_void;
    /// `free(3)`.
    pub(crate) fn free(memory: *mut c_void);
    /// `explicit_bzero(3)`.
    pub(crate) fn explicit_bzero(memory: *mut c_void, length: usize);
}

/// Looks up a function among the libraries of this process.
///
/// # Safety
/// `F` is the type of a pointer to that function.
pub(crate) unsafe fn function<F: Copy>(name: &CStr) -> io::Result<F> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: the name is a C string.
    let address = unsafe { dlsym(ptr::null_mut(), name.as_ptr()) };
    if address.is_null() {
        return Err(io::Error::other(format!(
            "this process has no {}: its libpam is missing, or older than 1.4",
            name.to_string_lossy()
        )));
    }
    // SAFETY: the caller vouches for the type, and the size was checked above.
    Ok(unsafe { std::mem::transmute_copy(&address) })
}

//! One login: reads the token from the client and asks the verifier about it.

use std::ffi::{CStr, c_char, c_int, c_uchar, c_uint, c_ulong, c_void};
use std::io::{self, Write};
use std::panic;
use std::slice;

use plugin_protocol::{Login, ask};

/// `CR_OK`: the login is accepted.
const ACCEPTED: c_int = -1;
/// `CR_ERROR`: the login is refused, and the server says `Access denied`.
const REFUSED: c_int = 0;

/// `MYSQL_PLUGIN_VIO`: the conversation with the client.
#[repr(C)]
pub(crate) struct Conversation {
    read_packet: unsafe extern "C" fn(*mut Conversation, *mut *mut c_uchar) -> c_int,
    write_packet: unsafe extern "C" fn(*mut Conversation, *const c_uchar, c_int) -> c_int,
    info: unsafe extern "C" fn(*mut Conversation, *mut c_void),
}

/// `MYSQL_SERVER_AUTH_INFO` as far as both servers agree on it: they differ in the lengths of two
/// buffers, and in what follows.
#[repr(C)]
pub(crate) struct Account<const AUTHENTICATED_AS: usize, const EXTERNAL_USER: usize> {
    user_name: *const c_char,
    user_name_length: c_uint,
    auth_string: *const c_char,
    auth_string_length: c_ulong,
    authenticated_as: [c_char; AUTHENTICATED_AS],
    external_user: [c_char; EXTERNAL_USER],
    password_used: c_int,
}

/// The callback `authenticate_user` of both servers.
pub(crate) unsafe extern "C" fn authenticate<const A: usize, const E: usize>(
    conversation: *mut Conversation,
    account: *mut Account<A, E>,
) -> c_int {
    // A panic must not unwind into the server.
    let verdict = panic::catch_unwind(|| {
        // SAFETY: the server calls with both pointers valid for the length of this call.
        let login = unsafe { receive(conversation, account) }?;
        ask(&login)
    });
    match verdict {
        Ok(Ok(true)) => ACCEPTED,
        Ok(Ok(false)) => REFUSED,
        Ok(Err(error)) => refuse_because(&error.to_string()),
        Err(_) => refuse_because("the plugin panicked"),
    }
}

/// Writes to the server's log why a login is refused that the verifier does not know of.
fn refuse_because(reason: &str) -> c_int {
    // A log that cannot be written to does not change the verdict.
    let _ = writeln!(io::stderr(), "AWSAuthenticationPlugin: login refused: {reason}");
    REFUSED
}

/// Asks the client for its password, and tells the server whether there was one.
///
/// # Safety
/// Both pointers are those that the server gave to [`authenticate`].
unsafe fn receive<const A: usize, const E: usize>(
    conversation: *mut Conversation,
    account: *mut Account<A, E>,
) -> io::Result<Login> {
    let mut packet = std::ptr::null_mut();
    // SAFETY: the server's own callback, with its own conversation.
    let length = unsafe { ((*conversation).read_packet)(conversation, &raw mut packet) };
    let length = usize::try_from(length)
        .ok()
        .filter(|_| !packet.is_null())
        .ok_or_else(|| io::Error::other("the client sent no password"))?;
    // SAFETY: the server's buffer holds that many bytes until the next packet is read.
    let packet = unsafe { slice::from_raw_parts(packet, length) };
    // The password ends at the first NUL byte; a packet without one is the password itself.
    let password = CStr::from_bytes_until_nul(packet).map_or(packet, CStr::to_bytes);

    // SAFETY: the server owns the account and fills the user's name before the call.
    let user = unsafe {
        // The error message then says `using password: YES`, as on RDS.
        (*account).password_used = c_int::from(!password.is_empty());
        slice::from_raw_parts((*account).user_name.cast(), (*account).user_name_length as usize)
    };
    Ok(Login { user: user.to_vec(), password: password.to_vec() })
}

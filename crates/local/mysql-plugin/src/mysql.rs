//! What MySQL loads: `plugin.h` and `plugin_auth.h` of 8.0, 8.4 and 9.x, which agree.

use std::ffi::{c_char, c_int, c_uchar, c_uint, c_ulong, c_void};
use std::mem::size_of;
use std::ptr;

use crate::login::{Account, Conversation, authenticate};
use crate::{AUTHENTICATION, AUTHOR, CLIENT_PLUGIN, DESCRIPTION, Exported, NAME};

/// `PLUGIN_LICENSE_BSD`, MySQL's closest value to a permissive licence.
const PERMISSIVE: c_int = 2;

/// `st_mysql_plugin`.
#[repr(C)]
struct Plugin {
    kind: c_int,
    info: *const Descriptor,
    name: *const c_char,
    author: *const c_char,
    description: *const c_char,
    license: c_int,
    init: *const c_void,
    check_uninstall: *const c_void,
    deinit: *const c_void,
    version: c_uint,
    status_variables: *const c_void,
    system_variables: *const c_void,
    reserved: *const c_void,
    flags: c_ulong,
}

/// `st_mysql_auth`.
#[repr(C)]
struct Descriptor {
    interface_version: c_int,
    client_plugin: *const c_char,
    authenticate_user: unsafe extern "C" fn(*mut Conversation, *mut Account<97, 512>) -> c_int,
    generate_authentication_string:
        unsafe extern "C" fn(*mut c_char, *mut c_uint, *const c_char, c_uint) -> c_int,
    validate_authentication_string: extern "C" fn(*const c_char, c_uint) -> c_int,
    set_salt: unsafe extern "C" fn(*const c_char, c_uint, *mut c_uchar, *mut c_uchar) -> c_int,
    authentication_flags: c_ulong,
    compare_password_with_hash: *const c_void,
}

static DESCRIPTOR: Exported<Descriptor> = Exported(Descriptor {
    interface_version: 0x0201,
    client_plugin: CLIENT_PLUGIN.as_ptr(),
    authenticate_user: authenticate,
    generate_authentication_string,
    validate_authentication_string,
    set_salt,
    authentication_flags: 0,
    compare_password_with_hash: ptr::null(),
});

/// `MYSQL_PLUGIN_INTERFACE_VERSION`.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static _mysql_plugin_interface_version_: c_int = 0x010b;

/// The length of one entry of the list of plugins.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static _mysql_sizeof_struct_st_plugin_: c_int = {
    assert!(size_of::<Plugin>() == 112);
    112
};

/// The list of plugins in this library, ended by an entry of zeros.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static _mysql_plugin_declarations_: Exported<[Plugin; 2]> = Exported([
    Plugin {
        kind: AUTHENTICATION,
        info: &raw const DESCRIPTOR.0,
        name: NAME.as_ptr(),
        author: AUTHOR.as_ptr(),
        description: DESCRIPTION.as_ptr(),
        license: PERMISSIVE,
        version: 1,
        ..NOTHING
    },
    NOTHING,
]);

const NOTHING: Plugin = Plugin {
    kind: 0,
    info: ptr::null(),
    name: ptr::null(),
    author: ptr::null(),
    description: ptr::null(),
    license: 0,
    init: ptr::null(),
    check_uninstall: ptr::null(),
    deinit: ptr::null(),
    version: 0,
    status_variables: ptr::null(),
    system_variables: ptr::null(),
    reserved: ptr::null(),
    flags: 0,
};

/// `IDENTIFIED WITH AWSAuthenticationPlugin BY '…'` is refused: IAM users have no password.
unsafe extern "C" fn generate_authentication_string(
    _output: *mut c_char,
    output_length: *mut c_uint,
    _password: *const c_char,
    password_length: c_uint,
) -> c_int {
    // SAFETY: the server passes the place of the output's length.
    unsafe { *output_length = 0 };
    c_int::from(password_length > 0)
}

/// `AS 'RDS'`: the text means nothing to the plugin.
extern "C" fn validate_authentication_string(_text: *const c_char, _length: c_uint) -> c_int {
    0
}

/// There is no stored password, so there is no salt.
unsafe extern "C" fn set_salt(
    _text: *const c_char,
    _length: c_uint,
    _salt: *mut c_uchar,
    salt_length: *mut c_uchar,
) -> c_int {
    // SAFETY: the server passes the place of the salt's length.
    unsafe { *salt_length = 0 };
    0
}

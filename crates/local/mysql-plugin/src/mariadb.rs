//! What MariaDB loads: `plugin.h` and `plugin_auth.h` of 10.4 and later.

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::mem::size_of;
use std::ptr;

use crate::login::{Account, Conversation, authenticate};
use crate::{AUTHENTICATION, AUTHOR, CLIENT_PLUGIN, DESCRIPTION, Exported, NAME};

/// `PLUGIN_LICENSE_BSD`, MariaDB's closest value to a permissive licence.
const PERMISSIVE: c_int = 2;
/// `MariaDB_PLUGIN_MATURITY_STABLE`: a server loads nothing less mature by default.
const STABLE: c_uint = 5;

/// `st_maria_plugin`.
#[repr(C)]
struct Plugin {
    kind: c_int,
    info: *const Descriptor,
    name: *const c_char,
    author: *const c_char,
    description: *const c_char,
    license: c_int,
    init: *const c_void,
    deinit: *const c_void,
    version: c_uint,
    status_variables: *const c_void,
    system_variables: *const c_void,
    version_text: *const c_char,
    maturity: c_uint,
}

/// `st_mysql_auth`, which shares only its name and its beginning with MySQL's.
#[repr(C)]
struct Descriptor {
    interface_version: c_int,
    client_plugin: *const c_char,
    authenticate_user: unsafe extern "C" fn(*mut Conversation, *mut Account<513, 513>) -> c_int,
    hash_password: *const c_void,
    preprocess_hash: *const c_void,
}

static DESCRIPTOR: Exported<Descriptor> = Exported(Descriptor {
    interface_version: 0x0202,
    client_plugin: CLIENT_PLUGIN.as_ptr(),
    authenticate_user: authenticate,
    hash_password: ptr::null(),
    preprocess_hash: ptr::null(),
});

/// `MARIA_PLUGIN_INTERFACE_VERSION`.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static _maria_plugin_interface_version_: c_int = 0x010f;

/// The length of one entry of the list of plugins.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static _maria_sizeof_struct_st_plugin_: c_int = {
    assert!(size_of::<Plugin>() == 104);
    104
};

/// The list of plugins in this library, ended by an entry of zeros.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
static _maria_plugin_declarations_: Exported<[Plugin; 2]> = Exported([
    Plugin {
        kind: AUTHENTICATION,
        info: &raw const DESCRIPTOR.0,
        name: NAME.as_ptr(),
        author: AUTHOR.as_ptr(),
        description: DESCRIPTION.as_ptr(),
        license: PERMISSIVE,
        version: 0x0100,
        version_text: c"1.0".as_ptr(),
        maturity: STABLE,
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
    deinit: ptr::null(),
    version: 0,
    status_variables: ptr::null(),
    system_variables: ptr::null(),
    version_text: ptr::null(),
    maturity: 0,
};

//! What is needed of Linux and glibc, whose layouts are the same on x86-64 and arm64.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem;
use std::net::SocketAddr;
use std::ptr;

pub(crate) const AF_UNSPEC: c_int = 0;
const AF_INET: c_int = 2;
const AF_INET6: c_int = 10;
const SOCK_STREAM: c_int = 1;
const IPPROTO_TCP: c_int = 6;
pub(crate) const EAI_SYSTEM: c_int = -11;
pub(crate) const EIO: c_int = 5;
pub(crate) const EAFNOSUPPORT: c_int = 97;

/// `struct addrinfo` of `netdb.h`.
#[repr(C)]
pub(crate) struct AddrInfo {
    flags: c_int,
    pub(crate) family: c_int,
    kind: c_int,
    protocol: c_int,
    length: u32,
    address: *mut Address,
    canonical_name: *mut c_char,
    next: *mut AddrInfo,
}

/// `struct sockaddr_in6`, which begins as `struct sockaddr_in` does and is longer.
#[repr(C)]
struct Address {
    family: u16,
    /// In network order.
    port: u16,
    /// The flow of IPv6, or the address of IPv4.
    first: [u8; 4],
    v6: [u8; 16],
    scope: u32,
}

/// An entry of a list, and what it points to.
#[repr(C)]
struct Entry {
    info: AddrInfo,
    address: Address,
}

pub(crate) type GetAddrInfo = unsafe extern "C" fn(
    *const c_char,
    *const c_char,
    *const AddrInfo,
    *mut *mut AddrInfo,
) -> c_int;
pub(crate) type Socket = unsafe extern "C" fn(c_int, c_int, c_int) -> c_int;

unsafe extern "C" {
    fn malloc(size: usize) -> *mut c_void;
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn __errno_location() -> *mut c_int;
}

/// An entry for `address`, followed by `next`; `None` without memory. One block holds the entry and its
/// address, as glibc makes it, so that glibc's `freeaddrinfo(3)` frees it.
pub(crate) fn entry(
    address: SocketAddr,
    hint: Option<&AddrInfo>,
    next: *mut AddrInfo,
) -> Option<*mut AddrInfo> {
    let (family, length) = if address.is_ipv4() { (AF_INET, 16) } else { (AF_INET6, 28) };
    let (first, v6) = match address {
        SocketAddr::V4(address) => (address.ip().octets(), [0; 16]),
        SocketAddr::V6(address) => ([0; 4], address.ip().octets()),
    };
    let kind = hint.map_or(0, |hint| hint.kind);
    let address =
        Address { family: family as u16, port: address.port().to_be(), first, v6, scope: 0 };
    // SAFETY: any size may be asked for.
    let block = unsafe { malloc(mem::size_of::<Entry>()) }.cast::<Entry>();
    if block.is_null() {
        return None;
    }
    let info = AddrInfo {
        flags: 0,
        family,
        kind: if kind == 0 { SOCK_STREAM } else { kind },
        protocol: if kind == 0 || kind == SOCK_STREAM { IPPROTO_TCP } else { 0 },
        length,
        // SAFETY: the block is an entry; nothing is read.
        address: unsafe { &raw mut (*block).address },
        canonical_name: ptr::null_mut(),
        next,
    };
    // SAFETY: malloc's blocks are long enough and aligned for it.
    unsafe { block.write(Entry { info, address }) };
    Some(block.cast())
}

/// The function that this object hides.
///
/// # Safety
/// `F` is a function pointer of that function's type.
pub(crate) unsafe fn real<F: Copy>(name: &CStr) -> Option<F> {
    const { assert!(mem::size_of::<F>() == mem::size_of::<*mut c_void>()) };
    let next = ptr::without_provenance_mut(usize::MAX); // RTLD_NEXT
    // SAFETY: a handle and a C string as dlsym(3) takes them.
    let found = unsafe { dlsym(next, name.as_ptr()) };
    // SAFETY: not null, and of the caller's type.
    (!found.is_null()).then(|| unsafe { mem::transmute_copy(&found) })
}

pub(crate) fn set_errno(value: c_int) {
    // SAFETY: this thread's own errno.
    unsafe { *__errno_location() = value };
}

//! Another user of this machine. The tests of `local-rds` share this file.

use std::thread;

/// A user of the system who has nothing to do with servers.
pub(crate) const STRANGER: u32 = 54_321;

/// Runs `act` as that user in a new thread. Only root may.
#[allow(unsafe_code, reason = "the standard library cannot set the user of a thread")]
pub(crate) fn as_stranger<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    let as_other = move || {
        // SAFETY: the system calls take numbers, and an empty list. They concern this thread alone.
        unsafe {
            let none = std::ptr::null::<u32>();
            assert_eq!(libc::syscall(libc::SYS_setgroups, 0, none), 0);
            assert_eq!(libc::syscall(libc::SYS_setresgid, STRANGER, STRANGER, STRANGER), 0);
            assert_eq!(libc::syscall(libc::SYS_setresuid, STRANGER, STRANGER, STRANGER), 0);
        }
        act()
    };
    thread::scope(|scope| scope.spawn(as_other).join().unwrap())
}

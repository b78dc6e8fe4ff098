//! What was measured once does not grow unnoticed.

#![allow(clippy::unwrap_used)] // a test

use bench::guard;

#[test]
#[allow(clippy::print_stderr)]
fn nothing_has_grown() {
    let measured = guard::measure(&mut |line| eprintln!("{line}")).unwrap();
    let changes = guard::changes(&guard::baseline().unwrap(), &measured);
    assert!(
        changes.is_empty(),
        "{}\nIf that is what you want, and the reason is in your commit: cargo xtask bench --accept",
        changes.join("\n")
    );
}

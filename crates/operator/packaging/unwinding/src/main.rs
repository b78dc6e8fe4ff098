//! Panics and catches the panic, as Lambda's runtime does. With `panic = "abort"`, or linked without an
//! unwinder, it would end before it prints a line.

#![forbid(unsafe_code)]

use std::panic::{self, AssertUnwindSafe};

/// Counts its drops, which must happen during a panic too.
struct Connection<'a>(&'a mut u32);

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        *self.0 += 1;
    }
}

#[allow(clippy::print_stdout)] // the answer
fn main() {
    let mut dropped = 0;
    let caught = panic::catch_unwind(AssertUnwindSafe(|| {
        let _connection = Connection(&mut dropped);
        let arguments: Vec<_> = std::env::args().collect();
        arguments[arguments.len()].len() // out of bounds
    }));
    println!("caught: {}, dropped: {dropped}", caught.is_err());
}

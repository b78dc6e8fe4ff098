//! The doctor's program, with the real functions, real servers, the unmodified `aws` client and an emulator
//! of AWS's APIs.

#![allow(clippy::unwrap_used, clippy::expect_used)] // clippy's own setting reaches test functions alone

mod access;
mod cloud;
mod deployed;
mod here;
mod mended;
mod proc;
mod run;

//! stub
use local_stack::Failure;
use std::ffi::OsString;
pub(crate) async fn run(_: impl Iterator<Item = OsString>) -> Result<u8, Failure> { Ok(0) }

//! A child process as a value.

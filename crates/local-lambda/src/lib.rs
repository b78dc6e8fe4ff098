//! The Lambda Runtime API and Invoke API on loopback: runs a function as Lambda does.

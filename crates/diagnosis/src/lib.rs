//! What is known to go wrong on the way to a database: steps, causes, checks and fixes.

#![forbid(unsafe_code)]

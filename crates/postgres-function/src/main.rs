//! The Lambda function for PostgreSQL and Aurora PostgreSQL.

#![forbid(unsafe_code)]

postgres_function::main!();

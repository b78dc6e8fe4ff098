//! The Lambda function for MySQL, MariaDB and Aurora MySQL.

#![forbid(unsafe_code)]

mysql_function::main!();

//! `AWSAuthenticationPlugin` for local MySQL and MariaDB servers.
//!
//! On Amazon RDS an IAM user is `IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'`. This shared
//! library provides that plugin locally: it asks the client for its token as a clear-text password,
//! and the verifier behind [`plugin_protocol`] whether to allow the login. It decides nothing itself,
//! and refuses the login on any error.
//!
//! MySQL and MariaDB look for different symbols, so one library serves both: see `mysql.rs` and
//! `mariadb.rs`. Neither ABI tells a plugin reliably whether the connection is encrypted;
//! `REQUIRE SSL` and `require_secure_transport` enforce that.

#![allow(unsafe_code)] // the servers call a C ABI

mod login;
mod mariadb;
mod mysql;

use std::ffi::{CStr, c_int};

/// The plugin's name in SQL.
const NAME: &CStr = c"AWSAuthenticationPlugin";
const AUTHOR: &CStr = c"rds-iam-lambda";
const DESCRIPTION: &CStr = c"IAM database authentication for local servers";
/// The client's plugin: it sends the password in clear text.
const CLIENT_PLUGIN: &CStr = c"mysql_clear_password";
/// `MYSQL_AUTHENTICATION_PLUGIN`, the plugin's type in both servers.
const AUTHENTICATION: c_int = 7;

/// A structure that the server reads while it loads the plugin.
#[repr(transparent)]
struct Exported<T>(T);

// SAFETY: the pointers in the exported structures lead to constants, which nobody writes to.
unsafe impl<T> Sync for Exported<T> {}

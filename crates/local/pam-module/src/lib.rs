//! The PAM service `rds-iam` for local PostgreSQL servers, without root.
//!
//! On Amazon RDS, PostgreSQL authenticates members of the role `rds_iam` with PAM. This shared library
//! does the same locally, in two roles that need no change to the system:
//! - as a PAM module it takes the password, which is a token, and asks the verifier behind
//!   [`plugin_protocol`] about it; it decides nothing itself, and refuses the login on any error;
//! - as an `LD_PRELOAD` object it makes the server read its PAM services from the folder named by
//!   [`plugin_protocol::PAM_FOLDER_VARIABLE`] instead of `/etc/pam.d`, which only root can write to.

#![allow(unsafe_code)] // PAM is a C ABI

mod linux_pam;
mod module;
mod preload;

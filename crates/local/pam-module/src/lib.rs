//! The PAM service `rds-iam` for local PostgreSQL servers, without root.
//!
//! On Amazon RDS, PostgreSQL sends members of the role `rds_iam` to PAM. This shared library does the
//! same for a server of one's own, in two ways that need no change to the system:
//! - as a PAM module it takes the password, which is a token, and asks the verifier behind
//!   [`plugin_protocol`] about it; it decides nothing itself, and refuses whatever goes wrong;
//! - as an `LD_PRELOAD` object it has the server read its PAM services from the folder named by
//!   [`CONFIGURATION_VARIABLE`] in place of `/etc/pam.d`, which only root may write to.

#![allow(unsafe_code)] // PAM is a C ABI

mod linux_pam;
mod module;
mod preload;

/// The environment variable of a server process that names the folder of its PAM services.
pub const CONFIGURATION_VARIABLE: &str = "LOCAL_RDS_PAM_FOLDER";

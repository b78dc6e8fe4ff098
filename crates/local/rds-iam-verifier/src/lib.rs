//! Verifies IAM auth tokens as Amazon RDS does.

#![forbid(unsafe_code)]

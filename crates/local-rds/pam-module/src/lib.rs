//! The PAM service rds-iam for local PostgreSQL servers, without root.

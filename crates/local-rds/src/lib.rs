//! Real MySQL, MariaDB and PostgreSQL servers on loopback that enforce IAM tokens as Amazon RDS does.

pub mod certificates;
pub mod iam;

//! The templates are what their comments and docs/DEPLOYMENT.md say, as translated and rendered.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // tests, helpers included

mod alarms;
mod attacks;
mod authorization;
mod calls;
mod dashboard;
mod database;
mod deployer;
mod functions;
mod lint;
mod login;
mod parameters;
mod policies;
mod proxy;
mod schedules;
mod stack;
mod stolen;
mod switches;
mod users;

//! What a program's `main` reads for the function: its argument, its environment and its clock.

use std::ffi::OsString;

use crate::login::Clock;

/// What only a program's `main` reads. [`surroundings!`](crate::surroundings) reads it there.
pub struct Surroundings {
    /// The program's first argument.
    pub argument: Option<OsString>,
    /// Looks up an environment variable.
    pub variable: fn(&str) -> Option<String>,
    /// Returns the time of day.
    pub clock: Clock,
    /// The program's crate, whose own log lines are shown.
    pub program: &'static str,
}

/// Reads the [`Surroundings`] of a program. Only `main` uses it: everything below is passed them.
#[macro_export]
macro_rules! surroundings {
    () => {
        $crate::Surroundings {
            argument: ::std::env::args_os().nth(1),
            variable: |name| ::std::env::var(name).ok(),
            clock: {
                #[allow(clippy::disallowed_methods)] // the only place that reads the time of day
                fn now() -> ::std::time::SystemTime {
                    ::std::time::SystemTime::now()
                }
                now
            },
            program: ::std::module_path!(),
        }
    };
}

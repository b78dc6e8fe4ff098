//! Why something could not start.

use std::error::Error;

/// Why something could not start, for the person who started it.
pub type Failure = Box<dyn Error + Send + Sync>;

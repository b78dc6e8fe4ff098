//! Reads a function's diagnosis and renders it for a terminal.
//!
//! The function makes the diagnosis in answer to `{"diagnose": true}`, because only the function sees the
//! network that it runs in. This library reads the answer and renders it. The program of the same name,
//! which `cargo xtask doctor` runs, also asks the function, and adds what AWS's APIs report.
//!
//! ```
//! use doctor::Terminal;
//!
//! let answer = br#"{"diagnose":{"ok":true,"causes":[],
//!     "steps":[{"step":"dns","verdict":"ok","ms":0.4,"seen":"db.example resolves to 10.0.1.7"}]}}"#;
//! let diagnosis = doctor::read_answer(answer, None)?;
//! assert!(diagnosis.is_healthy());
//! println!("{}", doctor::render(&diagnosis, Terminal::plain(80)));
//! # Ok::<(), doctor::NoDiagnosis>(())
//! ```

#![forbid(unsafe_code)]

mod answer;
pub mod client;
mod no_diagnosis;
mod render;
mod terminal;
mod visible;
mod wrap;

pub use answer::read_answer;
pub use no_diagnosis::NoDiagnosis;
pub use render::{render, summary};
pub use terminal::Terminal;
pub use visible::visible;

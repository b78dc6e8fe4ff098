//! The doctor's face for people: a function's diagnosis, read and shown on a terminal.
//!
//! The diagnosis itself is made by the function, which alone sees the network it runs in, in answer
//! to `{"diagnose": true}`. This library reads that answer and renders it; the program of the same
//! name, which `cargo xtask doctor` runs, also asks for it, and adds what AWS's APIs know.
//!
//! ```
//! use doctor::Terminal;
//!
//! let answer = br#"{"diagnose":{"ok":true,"causes":[],
//!     "steps":[{"step":"dns","verdict":"ok","ms":0.4,"seen":"10.0.1.7, private"}]}}"#;
//! let diagnosis = doctor::read_answer(answer, None)?;
//! assert!(diagnosis.is_healthy());
//! println!("{}", doctor::render(&diagnosis, Terminal::plain(80)));
//! # Ok::<(), doctor::NoDiagnosis>(())
//! ```

#![forbid(unsafe_code)]

mod answer;
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

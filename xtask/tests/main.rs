//! The repository is as its documents describe it.

#![allow(clippy::unwrap_used)] // tests' bodies

mod circles;
mod map;
mod package;
mod pages;
mod readme;
mod security;
mod workspace;

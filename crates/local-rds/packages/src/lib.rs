//! Finds database servers, or unpacks private copies from the system's package manager.

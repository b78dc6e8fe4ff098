//! A function's answer to a request for its diagnosis.

use diagnosis::Diagnosis;
use serde::Deserialize;

use crate::no_diagnosis::NoDiagnosis;

#[derive(Deserialize)]
struct Answer {
    diagnose: Diagnosis,
}

/// Reads the payload of an answer. `function_error` is what Lambda returns beside it when the function
/// failed: `Unhandled`.
///
/// # Errors
/// The function failed, or the payload is not a diagnosis: why, and what to do.
pub fn read_answer(payload: &[u8], function_error: Option<&str>) -> Result<Diagnosis, NoDiagnosis> {
    if function_error.is_some() {
        return Err(NoDiagnosis::failed(payload));
    }
    match serde_json::from_slice::<Answer>(payload) {
        Ok(answer) => Ok(answer.diagnose),
        Err(error) => Err(NoDiagnosis::unreadable(payload, &error)),
    }
}

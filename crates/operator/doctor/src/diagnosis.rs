//! What a function answers to `{"diagnose": true}`, typed. Fields that a later version adds pass
//! through unread.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::no_diagnosis::NoDiagnosis;

/// The way of a login, walked step by step, and what may be wrong with it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Diagnosis {
    /// Whether every step went well, as the function says. [`is_healthy`](Self::is_healthy) checks.
    pub ok: bool,
    /// The steps, in the order in which a login takes them.
    pub steps: Vec<Step>,
    /// What may be wrong, the most likely first.
    #[serde(default)]
    pub causes: Vec<Cause>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// One step of a login.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Step {
    /// Its stable name: `settings`, `credentials`, `endpoint`, …
    #[serde(rename = "step")]
    pub name: String,
    /// How it went.
    pub verdict: Verdict,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub ms: Option<f64>,
    /// What was seen, for a person.
    #[serde(default)]
    pub seen: String,
    /// What was seen, under stable names, for programs.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub facts: Map<String, Value>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// How a step went.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It went well.
    Ok,
    /// It went, but not as it should.
    Warning,
    /// It failed, and the login with it.
    Failed,
    /// A step before it failed.
    NotReached,
    /// One that a later version knows.
    #[serde(other)]
    Unknown,
}

/// What may be wrong.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Cause {
    /// Its stable name, in kebab-case.
    #[serde(rename = "cause")]
    pub id: String,
    /// What it is.
    pub title: String,
    /// What was seen that speaks for it.
    #[serde(default)]
    pub because: String,
    /// A check or command that tells whether it is this.
    #[serde(default)]
    pub confirm: String,
    /// What to do.
    #[serde(default)]
    pub fix: String,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

#[derive(Deserialize)]
struct Answer {
    diagnose: Diagnosis,
}

impl Diagnosis {
    /// Reads a function's answer to `{"diagnose": true}`. `function_error` is what Lambda says beside
    /// it when the function failed: `Unhandled`.
    ///
    /// # Errors
    /// The function failed, or its answer is no diagnosis: why, and what to do.
    pub fn from_answer(
        payload: &[u8],
        function_error: Option<&str>,
    ) -> Result<Diagnosis, NoDiagnosis> {
        if function_error.is_some() {
            return Err(NoDiagnosis::failed(payload));
        }
        match serde_json::from_slice::<Answer>(payload) {
            Ok(answer) => Ok(answer.diagnose),
            Err(error) => Err(NoDiagnosis::unreadable(payload, &error)),
        }
    }

    /// Whether everything is right: the function says so, and every step of it.
    pub fn is_healthy(&self) -> bool {
        self.ok
            && !self.steps.is_empty()
            && self.steps.iter().all(|step| step.verdict == Verdict::Ok)
    }

    /// The first thing that is wrong: the first step that failed, else the first that did not go as
    /// it should.
    pub fn first_wrong(&self) -> Option<&Step> {
        let first =
            |is_wrong: fn(Verdict) -> bool| self.steps.iter().find(|step| is_wrong(step.verdict));
        first(|verdict| verdict == Verdict::Failed).or_else(|| first(|v| v != Verdict::Ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(answer: Value) -> Diagnosis {
        Diagnosis::from_answer(answer.to_string().as_bytes(), None).unwrap()
    }

    #[test]
    fn what_a_later_version_adds_passes_through() {
        let diagnose = json!({
            "ok": false,
            "engine": "mysql",
            "steps": [
                {"step": "dns", "verdict": "ok", "ms": 0.5, "seen": "x", "facts": {"a": [1]}},
                {"step": "tcp", "verdict": "failed", "ms": 1.0, "seen": "y", "tries": 2},
                {"step": "login", "verdict": "not_reached", "ms": null, "seen": ""},
            ],
            "causes": [{"cause": "c", "title": "t", "because": "b", "confirm": "c", "fix": "f",
                "doc": "url"}],
        });
        let diagnosis = read(json!({ "diagnose": diagnose }));
        assert_eq!(serde_json::to_value(&diagnosis).unwrap(), diagnose);
        assert_eq!(diagnosis.first_wrong().unwrap().name, "tcp");
    }

    #[test]
    fn healthy_is_what_every_step_says() {
        let with = |ok: bool, verdicts: &[&str]| {
            let step = |verdict| json!({"step": "s", "verdict": verdict});
            let steps: Vec<_> = verdicts.iter().map(step).collect();
            read(json!({"diagnose": {"ok": ok, "steps": steps}}))
        };
        assert!(with(true, &["ok", "ok"]).is_healthy());
        for (ok, verdicts) in [
            (false, &["ok"][..]),
            (true, &["ok", "warning"]),
            (true, &["ok", "failed", "not_reached"]),
            (true, &["a later verdict"]),
            (true, &[]),
        ] {
            assert!(!with(ok, verdicts).is_healthy(), "{ok} {verdicts:?}");
        }
    }

    #[test]
    fn what_failed_comes_before_what_only_warns() {
        let diagnosis = read(json!({"diagnose": {"ok": false, "steps": [
            {"step": "trust", "verdict": "warning"}, {"step": "login", "verdict": "failed"}]}}));
        assert_eq!(diagnosis.first_wrong().unwrap().name, "login");
    }
}

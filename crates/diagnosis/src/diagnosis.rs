//! The diagnosis that a function gives in answer to [`EVENT`](crate::EVENT). Fields that a later
//! version adds pass through unread.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::cause::Cause;
use crate::placeholders::Filled;
use crate::step::{Step, Verdict};

/// The steps of a login, and what may be wrong with it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Diagnosis {
    /// Whether every step is ok, as its maker says. [`is_healthy`](Self::is_healthy) checks it.
    pub ok: bool,
    /// The steps, in the order in which a login takes them.
    pub steps: Vec<Step>,
    /// What may be wrong, the most likely first.
    #[serde(default)]
    pub causes: Vec<Suspect>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A cause that fits what was seen.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Suspect {
    /// The cause's stable name, in kebab-case: [`Cause::id`], or one that a later version knows.
    #[serde(rename = "cause")]
    pub id: String,
    /// What it is.
    pub title: String,
    /// What was seen that suggests it.
    #[serde(default)]
    pub because: String,
    /// The check or command that tells whether it is the cause.
    #[serde(default)]
    pub confirm: String,
    /// What to do about it.
    #[serde(default)]
    pub fix: String,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Suspect {
    /// `cause`, with its texts filled in.
    pub fn new(cause: Cause, filled: Filled, because: String) -> Suspect {
        let Filled { title, confirm, fix } = filled;
        Suspect { id: cause.id().to_owned(), title, because, confirm, fix, more: Map::new() }
    }
}

impl Diagnosis {
    /// A diagnosis of these steps, ok when all of them are.
    pub fn new(steps: Vec<Step>, causes: Vec<Suspect>) -> Diagnosis {
        let ok = steps.iter().all(|step| step.verdict == Verdict::Ok);
        Diagnosis { ok, steps, causes, more: Map::new() }
    }

    /// Whether everything is right: the diagnosis says so, and every step of it.
    pub fn is_healthy(&self) -> bool {
        self.ok
            && !self.steps.is_empty()
            && self.steps.iter().all(|step| step.verdict == Verdict::Ok)
    }

    /// Whether the function logs in and runs its statements, even if a step warns.
    pub fn works(&self) -> bool {
        let verdicts = || self.steps.iter().map(|step| step.verdict);
        let warns = verdicts().any(|verdict| verdict == Verdict::Warning);
        let goes_on = |verdict| matches!(verdict, Verdict::Ok | Verdict::Warning);
        self.is_healthy() || warns && verdicts().all(goes_on)
    }

    /// The first step that failed, or else the first that is not ok.
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

    fn read(diagnosis: Value) -> Diagnosis {
        serde_json::from_value(diagnosis).unwrap()
    }

    #[test]
    fn what_a_later_version_adds_passes_through() {
        let value = json!({
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
        let diagnosis = read(value.clone());
        assert_eq!(serde_json::to_value(&diagnosis).unwrap(), value);
        assert_eq!(diagnosis.first_wrong().unwrap().name, "tcp");
    }

    fn with(ok: bool, verdicts: &[&str]) -> Diagnosis {
        let step = |verdict| json!({"step": "s", "verdict": verdict});
        let steps: Vec<_> = verdicts.iter().map(step).collect();
        read(json!({"ok": ok, "steps": steps}))
    }

    #[test]
    fn what_only_warns_works() {
        for (ok, verdicts, works) in [
            (true, &["ok", "ok"][..], true),
            (false, &["ok", "warning"], true),
            (false, &["ok", "ok"], false),
            (false, &["warning", "failed"], false),
            (false, &["warning", "not_reached"], false),
            (false, &["warning", "a later verdict"], false),
            (true, &[], false),
        ] {
            assert_eq!(with(ok, verdicts).works(), works, "{ok} {verdicts:?}");
        }
    }

    #[test]
    fn healthy_is_what_every_step_says() {
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
        let diagnosis = read(json!({"ok": false, "steps": [
            {"step": "trust", "verdict": "warning"}, {"step": "login", "verdict": "failed"}]}));
        assert_eq!(diagnosis.first_wrong().unwrap().name, "login");
    }
}

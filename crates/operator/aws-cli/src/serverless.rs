//! Aurora Serverless v2: whether a cluster pauses, and what that asks of a function.
//!
//! Source: "Scaling to Zero ACUs with automatic pause and resume for Aurora Serverless v2",
//! <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html>.

use serde::Deserialize;

/// How many seconds a function's time-out should have, for a login to wait until a paused database has
/// resumed: "approximately 15 seconds", and 30 or longer after a pause of more than a day.
pub const RESUME_TIMEOUT: u64 = 45;

/// The scaling of an Aurora Serverless v2 cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Serverless {
    pub(crate) scaling: Scaling,
    /// Whether the cluster is one of a global database.
    pub(crate) is_global: bool,
}

/// `ServerlessV2ScalingConfiguration` of `describe-db-clusters`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Scaling {
    #[serde(default)]
    pub(crate) min_capacity: f64,
    #[serde(default)]
    pub(crate) max_capacity: f64,
    pub(crate) seconds_until_auto_pause: Option<u64>,
}

/// When nobody says, a cluster pauses after five minutes.
const SECONDS_UNTIL_AUTO_PAUSE: u64 = 300;

impl Serverless {
    /// The fewest and the most Aurora capacity units.
    #[must_use]
    pub fn capacity(&self) -> (f64, f64) {
        (self.scaling.min_capacity, self.scaling.max_capacity)
    }

    /// After how many seconds without a connection the cluster pauses, by its scaling; `None` if it has a
    /// minimum above 0.
    #[must_use]
    pub fn pauses_after(&self) -> Option<u64> {
        let pauses = self.scaling.min_capacity <= 0.0;
        pauses.then(|| self.scaling.seconds_until_auto_pause.unwrap_or(SECONDS_UNTIL_AUTO_PAUSE))
    }

    /// What keeps a cluster with a minimum of 0 from pausing, as far as its description tells.
    #[must_use]
    pub fn kept_awake_by(&self) -> Option<&'static str> {
        self.is_global.then_some("a cluster of a global database never pauses")
    }

    /// Whether a login may find the cluster paused.
    #[must_use]
    pub fn may_be_paused(&self) -> bool {
        self.pauses_after().is_some() && self.kept_awake_by().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_pauses_at_zero_alone() {
        let of = |scaling: &str, is_global| Serverless {
            scaling: serde_json::from_str(scaling).unwrap(),
            is_global,
        };
        let zero = r#"{"MinCapacity": 0.0, "MaxCapacity": 4.0, "SecondsUntilAutoPause": 600}"#;
        assert_eq!(of(zero, false).pauses_after(), Some(600));
        assert!(of(zero, false).may_be_paused() && !of(zero, true).may_be_paused());
        let unsaid = of(r#"{"MinCapacity": 0, "MaxCapacity": 4.0}"#, false);
        assert_eq!((unsaid.pauses_after(), unsaid.capacity()), (Some(300), (0.0, 4.0)));
        let half = of(r#"{"MinCapacity": 0.5, "MaxCapacity": 4.0}"#, false);
        assert!(half.pauses_after().is_none() && !half.may_be_paused());
    }
}

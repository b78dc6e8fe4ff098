//! Aurora Serverless v2: whether a cluster pauses, and what that asks of a function.
//!
//! Source: "Scaling to Zero ACUs with automatic pause and resume for Aurora Serverless v2",
//! <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html>.

use serde::Deserialize;

/// How many seconds a function's time-out should have, for a login to wait until a paused database has
/// resumed: "approximately 15 seconds", and 30 or longer after a pause of more than a day.
pub const RESUME_TIMEOUT: u64 = 45;

/// The scaling of an Aurora Serverless v2 cluster: `ServerlessV2ScalingConfiguration` of
/// `describe-db-clusters`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase")]
pub struct Serverless {
    /// The fewest Aurora capacity units (ACUs).
    #[serde(default)]
    pub min_capacity: f64,
    /// The most.
    #[serde(default)]
    pub max_capacity: f64,
    /// After how many seconds without a connection it pauses, if anybody said.
    pub seconds_until_auto_pause: Option<u64>,
    /// Whether the cluster is one of a global database.
    #[serde(skip)]
    pub is_global: bool,
}

/// When nobody says, a cluster pauses after five minutes.
const SECONDS_UNTIL_AUTO_PAUSE: u64 = 300;

impl Serverless {
    /// After how many seconds without a connection the cluster pauses, by its scaling; `None` if it has a
    /// minimum above 0.
    #[must_use]
    pub fn pauses_after(&self) -> Option<u64> {
        let pauses = self.min_capacity <= 0.0;
        pauses.then(|| self.seconds_until_auto_pause.unwrap_or(SECONDS_UNTIL_AUTO_PAUSE))
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
        let of = |min_capacity, seconds_until_auto_pause, is_global| Serverless {
            min_capacity,
            max_capacity: 4.0,
            seconds_until_auto_pause,
            is_global,
        };
        assert_eq!(of(0.0, Some(600), false).pauses_after(), Some(600));
        assert_eq!(of(0.0, None, false).pauses_after(), Some(300));
        assert!(of(0.0, None, false).may_be_paused() && !of(0.0, None, true).may_be_paused());
        assert!(of(0.5, None, false).pauses_after().is_none());
    }
}

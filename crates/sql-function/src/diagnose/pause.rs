//! A database that was paused: Aurora Serverless v2 with a minimum of 0 ACUs. It resumes when somebody
//! connects, and answers after that: nothing on the wire tells it from a server or a network that is slow
//! or silent for another reason, so it is a suspicion.
//!
//! Source: <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html>.

use diagnosis::{Cause, StepName, Verdict};
use iam_auth::EndpointKind;
use std::time::Duration;

use super::examination::Examination;
use super::seen::Seen;
use crate::driver::Connector;
use crate::login::Login;

/// A step that took longer waited for the server: each takes a few round trips.
const LONG: Duration = Duration::from_secs(5);

impl<C: Connector> Examination<'_, C> {
    /// Suspects a pause if the step `name` went well after a long time, or the environment's own login did
    /// before the diagnosis.
    pub(super) fn was_it_paused(&mut self, name: StepName, seen: &mut Seen, took: Duration) {
        let waits = matches!(name, StepName::Tcp | StepName::Tls | StepName::Login);
        let went_well = seen.verdict != Verdict::Failed;
        if !waits || !went_well || !may_pause(self.login()) {
            return;
        }
        let before =
            if name == StepName::Login { self.login().took.take() } else { Duration::ZERO };
        let because = match (took >= LONG, before >= LONG) {
            (true, _) => format!("this took {}", then(took)),
            (false, true) => format!("the login before this one took {}", then(before)),
            (false, false) => return,
        };
        seen.verdict = Verdict::Warning;
        seen.text += &format!("; {because}");
        self.find(Cause::DatabasePaused, format!("the step {}: {because}", name.as_str()));
    }
}

fn then(took: Duration) -> String {
    format!("{:.1} s, and went well then", took.as_secs_f64())
}

/// Whether a pause explains that the server was silent until the time was up, and whether it explains
/// that better than a server that hangs or a network that is closed: the endpoint is a cluster's, or the
/// server has let this environment in before.
pub(super) fn explains_silence(login: &Login) -> Option<bool> {
    let is_clusters = login.endpoint().kind() != EndpointKind::Instance;
    may_pause(login).then(|| is_clusters || login.accepted.is_known())
}

/// Whether the database may be one that pauses. An RDS Proxy keeps it from that, and so does a global
/// database; an instance may be a cluster's.
fn may_pause(login: &Login) -> bool {
    matches!(
        login.endpoint().kind(),
        EndpointKind::Instance
            | EndpointKind::ClusterWriter
            | EndpointKind::ClusterReader
            | EndpointKind::ClusterCustom
    )
}

//! What the steps of a diagnosis share. Each step is a method in the file of its stage: `configured`,
//! `network`, `handshake`, `trial` and `inside`.

use diagnosis::Cause;

use super::evidence::Evidence;
use super::seen::Seen;
use super::subject::Subject;
use crate::deadline::Deadline;
use crate::driver::Connector;
use crate::error::Error;
use crate::login::Login;

/// An examination in progress.
pub(super) struct Examination<'a, C> {
    pub(super) subject: &'a Subject<'a, C>,
    pub(super) deadline: Deadline,
    pub(super) evidence: Evidence,
}

impl<'a, C: Connector> Examination<'a, C> {
    pub(super) fn new(subject: &'a Subject<'a, C>, deadline: Deadline) -> Examination<'a, C> {
        Examination { subject, deadline, evidence: Evidence::default() }
    }

    pub(super) fn login(&self) -> &'a Login {
        self.subject.connector.login()
    }

    /// Records `cause`, which a step has seen directly.
    pub(super) fn find(&mut self, cause: Cause, because: impl Into<String>) {
        self.evidence.findings.push((cause, because.into()));
    }

    /// Records the error that fails a step.
    pub(super) fn fail(&mut self, error: Error) -> Seen {
        let seen = Seen::failed(error.chain()).fact("error_type", error.error_type());
        self.evidence.failure = Some(error);
        seen
    }
}

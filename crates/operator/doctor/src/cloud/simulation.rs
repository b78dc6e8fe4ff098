//! What IAM's policy simulator decides about a login.

use aws_cli::{Aws, Error};
use serde::Deserialize;

use super::documents::ACTION;
use super::principal::Identity;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simulation {
    evaluation_results: Vec<Evaluation>,
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html>
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Evaluation {
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    pub(super) eval_decision: String,
    pub(super) organizations_decision_detail: Option<ByOrganizations>,
    pub(super) permissions_boundary_decision_detail: Option<ByBoundary>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ByOrganizations {
    pub(super) allowed_by_organizations: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ByBoundary {
    pub(super) allowed_by_permissions_boundary: bool,
}

/// Asks the simulator whether the policies allow the login on `resource`.
///
/// # Errors
/// The caller may not ask: `iam:SimulatePrincipalPolicy`.
pub(super) fn simulate(
    aws: &Aws,
    identity: &Identity,
    resource: &str,
) -> Result<Evaluation, Error> {
    let Simulation { evaluation_results } = aws.call(&[
        "iam",
        "simulate-principal-policy",
        "--policy-source-arn",
        &identity.arn,
        "--action-names",
        ACTION,
        "--resource-arns",
        resource,
    ])?;
    let none = Evaluation {
        eval_decision: "implicitDeny".into(),
        organizations_decision_detail: None,
        permissions_boundary_decision_detail: None,
    };
    Ok(evaluation_results.into_iter().next().unwrap_or(none))
}

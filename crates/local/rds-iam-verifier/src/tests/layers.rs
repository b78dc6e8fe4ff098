//! Identity policies, permissions boundary, session policies and service control policies together.

use super::{database, login};
use crate::{Policies, Policy, Refusal};

/// What a policy says of the login.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Allow,
    Nothing,
    Deny,
}

use Says::{Allow, Deny, Nothing};

const ALL: [Says; 3] = [Allow, Nothing, Deny];

fn policy(says: Says) -> Policy {
    let (effect, action) = match says {
        Allow => ("Allow", "rds-db:connect"),
        Nothing => ("Allow", "s3:GetObject"),
        Deny => ("Deny", "*"),
    };
    let json = format!(
        r#"{{"Statement": {{"Effect": "{effect}", "Action": "{action}", "Resource": "*"}}}}"#
    );
    Policy::parse(&json).unwrap()
}

/// Every combination of what up to seven policies say, against the rule in one sentence.
#[test]
fn the_whole_truth_table() {
    let mut seen = [0_u32; 3];
    for number in 0..3_usize.pow(7) {
        let says = |place: u32| ALL[number / 3_usize.pow(place) % 3];
        // Each kind is there or not, by the parts of the number that it does not use otherwise.
        for kinds in 0..8 {
            let (boundary, session, levels) = (kinds & 1 != 0, kinds & 2 != 0, kinds & 4 != 0);
            let mut layers = vec![vec![says(0), says(1)]];
            layers.extend(boundary.then(|| vec![says(2)]));
            layers.extend(session.then(|| vec![says(3)]));
            layers.extend(levels.then(|| vec![says(4), says(5)]));
            layers.extend(levels.then(|| vec![says(6)]));
            let policies = Policies {
                identity: vec![policy(says(0)), policy(says(1))],
                boundary: boundary.then(|| policy(says(2))),
                session: if session { vec![policy(says(3))] } else { vec![] },
                service_control: if levels {
                    vec![vec![policy(says(4)), policy(says(5))], vec![policy(says(6))]]
                } else {
                    vec![]
                },
            };
            let is_denied = layers.iter().flatten().any(|says| *says == Deny);
            let is_allowed = layers.iter().all(|layer| layer.contains(&Allow));
            let decision = policies.decide(&login());
            let (expected, kind) = match (is_denied, is_allowed) {
                (true, _) => (matches!(decision, Err(Refusal::Denied { .. })), 0),
                (false, false) => (matches!(decision, Err(Refusal::NotAllowed { .. })), 1),
                (false, true) => (decision.is_ok(), 2),
            };
            assert!(expected, "{number}, {kinds}: {decision:?}");
            seen[kind] += 1;
        }
    }
    assert!(seen.iter().all(|times| *times > 100), "{seen:?}");
}

#[test]
fn a_refusal_names_the_policy_that_decided() {
    let full = || policy(Allow).named("FullAWSAccess");
    let arn = database().arn("lambda-user");
    for (policies, says) in [
        (
            Policies { identity: vec![policy(Nothing).named("app.json")], ..Policies::default() },
            format!("no statement of the policy app.json allows rds-db:connect on {arn}"),
        ),
        (
            Policies {
                identity: vec![full()],
                boundary: Some(policy(Nothing).named("boundary.json")),
                ..Policies::default()
            },
            format!(
                "no statement of the permissions boundary boundary.json allows rds-db:connect on {arn}"
            ),
        ),
        (
            Policies { identity: vec![full()], session: vec![policy(Deny)], ..Policies::default() },
            format!("statement 1 of the session policy denies rds-db:connect on {arn}"),
        ),
        (
            Policies {
                identity: vec![full()],
                service_control: vec![vec![full()], vec![full(), policy(Deny).named("perimeter")]],
                ..Policies::default()
            },
            format!(
                "statement 1 of the service control policy perimeter denies rds-db:connect on {arn}"
            ),
        ),
        (
            Policies {
                identity: vec![full()],
                service_control: vec![
                    vec![full()],
                    vec![policy(Nothing).named("a"), policy(Nothing).named("b")],
                ],
                ..Policies::default()
            },
            format!(
                "no statement of the service control policy a, b allows rds-db:connect on {arn}"
            ),
        ),
        (
            Policies { service_control: vec![vec![full()]], ..Policies::default() },
            format!("no statement of the policy allows rds-db:connect on {arn}"),
        ),
        (Policies::default(), format!("no policy is attached to allow rds-db:connect on {arn}")),
    ] {
        assert_eq!(policies.decide(&login()).unwrap_err().to_string(), says);
    }
}

//! Common misspellings of a user's name.

use diagnosis::Cause;

/// Other spellings of `user`: in lower case, and with MySQL's hyphens and PostgreSQL's underscores
/// exchanged.
pub(super) fn spellings(user: &str) -> Vec<String> {
    let lower = user.to_lowercase();
    let mut others = vec![];
    for other in [lower.clone(), lower.replace('_', "-"), lower.replace('-', "_")] {
        if other != user && !others.contains(&other) {
            others.push(other);
        }
    }
    others
}

/// The cause if the user is called `other` in the database.
pub(super) fn misspelt(user: &str, other: &str) -> Cause {
    let by_case = user.to_lowercase() == other.to_lowercase();
    if by_case { Cause::UserCase } else { Cause::UserSpelling }
}

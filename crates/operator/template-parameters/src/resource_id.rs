//! Ids of EC2 resources: their form, by the type of a parameter.
//!
//! CloudFormation checks whether they exist when it creates a change set:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html>.

use regex::Regex;

use crate::list;

/// Types of parameters, and the prefix of their ids.
const KINDS: [(&str, &str); 4] = [
    ("List<AWS::EC2::Subnet::Id>", "subnet"),
    ("List<AWS::EC2::SecurityGroup::Id>", "sg"),
    ("AWS::EC2::SecurityGroup::Id", "sg"),
    ("AWS::EC2::VPC::Id", "vpc"),
];

/// What is wrong with the ids of a parameter of this type.
pub(crate) fn broken(kind: &str, value: &str) -> Option<String> {
    let (_, start) = KINDS.iter().find(|(known, _)| *known == kind)?;
    // Valid: a literal of this file, with one of its prefixes.
    let form = Regex::new(&format!("^{start}-([0-9a-f]{{8}}|[0-9a-f]{{17}})$")).ok()?;
    let ids = if kind.starts_with("List<") { list::items(value).collect() } else { vec![value] };
    let bad = ids.into_iter().find(|id| !form.is_match(id))?;
    Some(format!("must have the form {start}-0123456789abcdef0, unlike {bad:?}"))
}

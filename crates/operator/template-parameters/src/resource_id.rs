//! Ids of EC2 resources: their form, by the type of a parameter, and how many Lambda accepts.
//!
//! Whether they exist is checked by CloudFormation when it creates a change set. How many Lambda
//! accepts is otherwise found out only when the function is created:
//! <https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html>.

use regex::Regex;

use crate::list;

/// Types of parameters, the prefix of their ids, and how many are accepted.
const KINDS: [(&str, &str, usize); 3] = [
    ("List<AWS::EC2::Subnet::Id>", "subnet", 16),
    ("List<AWS::EC2::SecurityGroup::Id>", "sg", 5),
    ("AWS::EC2::VPC::Id", "vpc", 1),
];

/// What is wrong with the ids of a parameter of this type.
pub(crate) fn broken(kind: &str, value: &str) -> Option<String> {
    let (_, start, most) = KINDS.iter().find(|(known, ..)| *known == kind)?;
    let ids: Vec<_> = list::items(value).collect();
    if ids.len() > *most {
        return Some(format!("must have at most {most} ids, not {}", ids.len()));
    }
    // Valid: a literal of this file, with one of three prefixes.
    let form = Regex::new(&format!("^{start}-([0-9a-f]{{8}}|[0-9a-f]{{17}})$")).ok()?;
    let bad = ids.iter().find(|id| !form.is_match(id))?;
    Some(format!("must have the form {start}-0123456789abcdef0, unlike {bad:?}"))
}

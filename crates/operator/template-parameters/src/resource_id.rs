//! The ids of resources of EC2's, by the type of a parameter, and how many of them a function takes.
//!
//! That they exist CloudFormation finds out, when it makes a change set. How many Lambda takes nobody
//! says before the function is made:
//! <https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html>.

use regex::Regex;

use crate::constraint;

/// Types of parameters, how their ids begin, and how many there may be.
const KINDS: [(&str, &str, usize); 3] = [
    ("List<AWS::EC2::Subnet::Id>", "subnet", 16),
    ("List<AWS::EC2::SecurityGroup::Id>", "sg", 5),
    ("AWS::EC2::VPC::Id", "vpc", 1),
];

/// What is wrong with the ids of a parameter of this type.
pub(crate) fn broken(kind: &str, value: &str) -> Option<String> {
    let (_, start, most) = KINDS.iter().find(|(known, ..)| *known == kind)?;
    let ids: Vec<_> = constraint::items(value).collect();
    if ids.len() > *most {
        return Some(format!("must name at most {most} of {start}-…, not {}", ids.len()));
    }
    // A literal of this file, with one of three words in it.
    let form = Regex::new(&format!("^{start}-([0-9a-f]{{8}}|[0-9a-f]{{17}})$")).ok()?;
    let bad = ids.iter().find(|id| !form.is_match(id))?;
    Some(format!("must be such as {start}-0123456789abcdef0, which {bad:?} is not"))
}

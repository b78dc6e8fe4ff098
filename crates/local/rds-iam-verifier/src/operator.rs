//! The condition operators, by name: `ForAnyValue:StringNotLikeIfExists` ("IAM JSON policy elements:
//! Condition operators", IAM User Guide).

/// An operator with its prefix and its suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operator {
    pub(crate) quantifier: Quantifier,
    pub(crate) comparison: Comparison,
    /// It holds for a value that equals none of the policy's: `StringNotEquals`.
    pub(crate) is_negated: bool,
    /// It holds without the key: `…IfExists`.
    pub(crate) if_exists: bool,
}

/// Which of the values of a key are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    /// No prefix: the key has one value.
    Single,
    /// `ForAnyValue:`
    Any,
    /// `ForAllValues:`
    All,
}

/// How a value of the request is compared with one of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// `StringEquals`
    Text,
    /// `StringEqualsIgnoreCase`
    TextInAnyCase,
    /// `StringLike`
    TextLike,
    /// `ArnEquals` and `ArnLike`, which are the same.
    Arn,
    /// `NumericEquals` and so on.
    Number(Relation),
    /// `DateEquals` and so on.
    Date(Relation),
    /// `Bool`
    Bool,
    /// `BinaryEquals`
    Binary,
    /// `IpAddress`
    Address,
    /// `Null`: whether the key is absent.
    Null,
}

/// What a number or date of the request must be to that of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// `…Equals`
    Equal,
    /// `…LessThan`
    Less,
    /// `…LessThanEquals`
    LessOrEqual,
    /// `…GreaterThan`
    Greater,
    /// `…GreaterThanEquals`
    GreaterOrEqual,
}

impl Operator {
    /// Reads the name of an operator.
    ///
    /// # Errors
    /// IAM has no such operator: the text names it.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        let unknown = || {
            let plain = name.rsplit(':').next().unwrap_or(name);
            format!(
                "{name:?} is no condition operator of IAM; names are case-sensitive, as in \
                 {:?}",
                closest(plain)
            )
        };
        let (quantifier, rest) = match name.split_once(':') {
            None => (Quantifier::Single, name),
            Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
            Some(("ForAllValues", rest)) => (Quantifier::All, rest),
            Some(_) => return Err(unknown()),
        };
        let (rest, if_exists) = match rest.strip_suffix("IfExists") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (_, comparison, is_negated) =
            *OPERATORS.iter().find(|(known, ..)| *known == rest).ok_or_else(unknown)?;
        let is_plain = quantifier == Quantifier::Single && !if_exists;
        if comparison == Comparison::Null && !is_plain {
            return Err(format!(
                "{name:?}: Null takes neither a prefix nor IfExists; write \"Null\""
            ));
        }
        Ok(Self { quantifier, comparison, is_negated, if_exists })
    }
}

/// The operators, and whether each is negated.
const OPERATORS: [(&str, Comparison, bool); 27] = {
    use Comparison::{
        Address, Arn, Binary, Bool, Date, Null, Number, Text, TextInAnyCase, TextLike,
    };
    use Relation::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    [
        ("StringEquals", Text, false),
        ("StringNotEquals", Text, true),
        ("StringEqualsIgnoreCase", TextInAnyCase, false),
        ("StringNotEqualsIgnoreCase", TextInAnyCase, true),
        ("StringLike", TextLike, false),
        ("StringNotLike", TextLike, true),
        ("ArnEquals", Arn, false),
        ("ArnLike", Arn, false),
        ("ArnNotEquals", Arn, true),
        ("ArnNotLike", Arn, true),
        ("NumericEquals", Number(Equal), false),
        ("NumericNotEquals", Number(Equal), true),
        ("NumericLessThan", Number(Less), false),
        ("NumericLessThanEquals", Number(LessOrEqual), false),
        ("NumericGreaterThan", Number(Greater), false),
        ("NumericGreaterThanEquals", Number(GreaterOrEqual), false),
        ("DateEquals", Date(Equal), false),
        ("DateNotEquals", Date(Equal), true),
        ("DateLessThan", Date(Less), false),
        ("DateLessThanEquals", Date(LessOrEqual), false),
        ("DateGreaterThan", Date(Greater), false),
        ("DateGreaterThanEquals", Date(GreaterOrEqual), false),
        ("Bool", Bool, false),
        ("BinaryEquals", Binary, false),
        ("IpAddress", Address, false),
        ("NotIpAddress", Address, true),
        ("Null", Null, false),
    ]
};

/// The operator that begins most like `name`, in any case.
fn closest(name: &str) -> &'static str {
    let common = |known: &str| {
        let pairs = known.bytes().zip(name.bytes());
        pairs.take_while(|(own, other)| own.eq_ignore_ascii_case(other)).count()
    };
    let names = OPERATORS.iter().map(|(known, ..)| *known);
    // Of several, the shortest.
    names.max_by_key(|known| (common(known), usize::MAX - known.len())).unwrap_or("StringEquals")
}

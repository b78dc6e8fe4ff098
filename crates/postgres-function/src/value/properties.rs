//! Any bytes for any type become a value or an error, without using much more memory than the
//! bytes.

use proptest::prelude::*;
use sql_function::Json;
use tokio_postgres::types::{Kind, Type};

use super::{Failure, is_read_here, write_value};
use crate::server_text::Questions;

/// More than any of these values takes, but for numerics.
const LIMIT: usize = 1 << 20;
/// How many characters of JSON a byte may become: an escape, or eight digits.
const TIMES: usize = 8;
/// The longest numeric has 131,072 digits before the point and 32,767 after it.
const NUMERIC: usize = 165_000;

/// All types that are converted here, one that is not, and arrays, domains and enums of them.
fn types() -> impl Strategy<Value = Type> {
    let read_here: Vec<_> = (0..10_000).filter_map(Type::from_oid).filter(is_read_here).collect();
    assert!(read_here.len() > 60, "{read_here:?}");
    let made = |kind| Type::new("made".into(), 100_000, kind, "public".into());
    let plain = prop_oneof![
        8 => prop::sample::select(read_here),
        1 => Just(Type::POINT),
        1 => Just(made(Kind::Enum(vec!["a".into()]))),
    ];
    plain.prop_flat_map(move |plain| {
        prop_oneof![
            Just(plain.clone()),
            Just(made(Kind::Array(plain.clone()))),
            Just(made(Kind::Domain(made(Kind::Array(plain.clone()))))),
        ]
    })
}

/// Words that lengths, counts and signs are read from, and the extremes of them.
fn word() -> impl Strategy<Value = Vec<u8>> {
    let extreme = prop::sample::select(vec![0, 1, -1, 2, 3, 6, 7, 8, i32::MAX, i32::MIN, 1 << 16]);
    prop_oneof![
        4 => extreme.prop_map(|word: i32| word.to_be_bytes().to_vec()),
        2 => (0..40_i32).prop_map(|word| word.to_be_bytes().to_vec()),
        1 => any::<i32>().prop_map(|word| word.to_be_bytes().to_vec()),
        1 => any::<i16>().prop_map(|word| word.to_be_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

/// The bytes of a value, and such that begin as an array does.
fn raw() -> impl Strategy<Value = Vec<u8>> {
    let words = || prop::collection::vec(word(), 0..20).prop_map(|words| words.concat());
    let array = (prop::collection::vec((0..4_i32, -1..2_i32), 0..7), words()).prop_map(
        |(dimensions, elements)| {
            let mut words = vec![dimensions.len() as i32, 0, 23];
            words.extend(dimensions.iter().flat_map(|(length, first)| [*length, *first]));
            let head = words.iter().flat_map(|word| word.to_be_bytes());
            head.chain(elements).collect()
        },
    );
    prop_oneof![words(), array, prop::collection::vec(any::<u8>(), 0..200)]
}

/// How much JSON the bytes become.
fn written(of: &Type, raw: &[u8], limit: usize) -> usize {
    let mut json = Json::new("", limit);
    let outcome = write_value(json.value(), of, Some(raw), &mut Questions::default());
    if let Err(Failure::NoJson(error)) = outcome {
        assert!(error.report().len() < 1000, "{error:?}");
    }
    json.len()
}

fn holds_numerics(of: &Type) -> bool {
    match of.kind() {
        Kind::Array(inner) | Kind::Domain(inner) => holds_numerics(inner),
        _ => *of == Type::NUMERIC,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60_000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_a_value_or_an_error(of in types(), raw in raw()) {
        let numerics = if holds_numerics(&of) { raw.len() / 8 } else { 0 };
        let most = (100 + TIMES * raw.len() + numerics * NUMERIC).min(LIMIT + NUMERIC);
        prop_assert!(written(&of, &raw, LIMIT) <= most, "{of}: {raw:?}");
    }
}

/// What a few bytes could make much of, were they believed.
#[test]
fn a_head_that_promises_too_much_is_refused() {
    let words = |words: &[i32]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<_>>();
    for raw in [
        words(&[6, 0, 23, i32::MAX, 1, i32::MAX, 1, i32::MAX, 1, i32::MAX, 1, i32::MAX, 1, 0, 1]),
        words(&[2, 0, 23, i32::MAX, 1, 0, 1]),
        words(&[1, 0, 23, -1, 1]),
        words(&[1, 0, 23, 1 << 20, 1, -1]),
    ] {
        let mut json = Json::new("", LIMIT);
        let outcome =
            write_value(json.value(), &Type::INT4_ARRAY, Some(&raw), &mut Questions::default());
        assert!(matches!(outcome, Err(Failure::Malformed(_))), "{raw:?}");
        assert_eq!(json.len(), 0);
    }
}

/// Numerics of 131,072 digits take a few bytes each: not all of them become text.
#[test]
fn an_array_of_long_numerics_ends_at_the_limit() {
    const COUNT: i32 = 400_000;
    let mut raw: Vec<u8> =
        [1, 0, 1700, COUNT, 1].iter().flat_map(|w: &i32| w.to_be_bytes()).collect();
    for _ in 0..COUNT {
        raw.extend(10_i32.to_be_bytes());
        raw.extend([1_i16, i16::MAX, 0, 0, 1].iter().flat_map(|w| w.to_be_bytes()));
    }
    let length = written(&Type::NUMERIC_ARRAY, &raw, LIMIT);
    assert!(length < LIMIT + 2 * COUNT as usize, "{length}");
}

//! Any bytes for a column of any type become a value or an error, without using much more memory.

use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::{Column, Value};
use proptest::prelude::*;
use sql_function::Json;

use super::{type_name, write};

/// How many characters of JSON a byte may become: an escape, or three digits.
const TIMES: usize = 6;

fn columns() -> impl Strategy<Value = Column> {
    let types = (0..=u8::MAX).filter_map(|number| ColumnType::try_from(number).ok());
    let types = prop::sample::select(types.collect::<Vec<_>>());
    let character_set = prop_oneof![Just(super::BINARY), any::<u16>()];
    (types, character_set, any::<u8>(), any::<u16>()).prop_map(|(of, set, decimals, flags)| {
        Column::new(of)
            .with_character_set(set)
            .with_decimals(decimals)
            .with_flags(ColumnFlags::from_bits_truncate(flags))
    })
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::NULL),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::UInt),
        any::<f32>().prop_map(Value::Float),
        any::<f64>().prop_map(Value::Double),
        (any::<u16>(), any::<[u8; 5]>(), any::<u32>())
            .prop_map(|(y, [m, d, h, i, s], micros)| { Value::Date(y, m, d, h, i, s, micros) }),
        (any::<bool>(), any::<u32>(), any::<[u8; 3]>(), any::<u32>())
            .prop_map(|(minus, days, [h, i, s], micros)| Value::Time(minus, days, h, i, s, micros)),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Value::Bytes),
        "[-+0-9.eE: {}\\[\\],\"a-z]{0,40}".prop_map(|text| Value::Bytes(text.into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60_000, ..ProptestConfig::default() })]

    #[test]
    fn anything_is_a_value_or_an_error(column in columns(), value in values()) {
        let length = if let Value::Bytes(bytes) = &value { bytes.len() } else { 0 };
        let mut json = Json::new("", 1 << 20);
        if let Err(error) = write(json.value(), &column, value) {
            prop_assert!(error.report().len() < 1000, "{error:?}");
        }
        prop_assert!(json.len() <= 60 + TIMES * length, "{} of {length}", json.len());
        prop_assert!(!type_name(&column).is_empty());
    }
}

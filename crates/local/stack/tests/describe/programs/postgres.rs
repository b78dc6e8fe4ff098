//! Uses what PostgreSQL alone has.

use crate::client::{Array, Arrays, Float, Number};
use serde_json::json;

pub(crate) fn run() {
    let list = Array::Elements([Some(1), None, Some(3)].map(|it| it.map(Into::into)).to_vec());
    let arrays = Arrays(Some(list), Some(Number::from(f64::NAN)));
    let row = crate::run(&arrays).unwrap().result.rows.remove(0);
    assert_eq!(row.list, Some(Array::Elements(vec![Some(1), None, Some(3)])));
    let [one, none] = [Some(1), None].map(|element| Array::Elements(vec![element]));
    assert_eq!(row.nested, Some(Array::Nested(vec![one, none])));
    assert_eq!(row.bounded, Some(Array::Text("[0:0]={1}".to_owned())));
    assert!(matches!(row.nan, Some(Float(nan)) if nan.is_nan()));
    assert!(matches!(row.number, Some(Float(nan)) if nan.is_nan()));
    assert_eq!(row.document, json!({ "a": [1] }));

    let decimal = Arrays(None, Some(Number::Digits("0.1".to_owned())));
    let row = crate::run(&decimal).unwrap().result.rows.remove(0);
    assert_eq!((row.list, row.number), (None, Some(Float(0.1))));
}

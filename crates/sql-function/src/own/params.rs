//! Rust values as parameters of a handler's statements, by the mapping of an event's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::param::Param;

impl Param {
    /// Bytes, in the base64 of events: PostgreSQL takes it for `bytea`; on MySQL write
    /// `FROM_BASE64(?)`.
    pub fn bytes(bytes: &[u8]) -> Param {
        Param::Text(BASE64.encode(bytes))
    }
}

impl From<bool> for Param {
    fn from(value: bool) -> Param {
        Param::Bool(value)
    }
}

impl From<&str> for Param {
    fn from(text: &str) -> Param {
        Param::Text(text.to_owned())
    }
}

impl From<&String> for Param {
    fn from(text: &String) -> Param {
        Param::Text(text.clone())
    }
}

impl From<String> for Param {
    fn from(text: String) -> Param {
        Param::Text(text)
    }
}

/// `None` is NULL.
impl<T: Into<Param>> From<Option<T>> for Param {
    fn from(value: Option<T>) -> Param {
        value.map_or(Param::Null, Into::into)
    }
}

macro_rules! integers {
    ($($integer:ty)*) => {
        $(impl From<$integer> for Param {
            fn from(value: $integer) -> Param {
                Param::Number(value.to_string())
            }
        })*
    };
}

integers! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }

macro_rules! floats {
    ($($float:ty)*) => {
        $(/// The shortest digits that are this number; an infinity or NaN is text, which PostgreSQL
        /// takes.
        impl From<$float> for Param {
            fn from(value: $float) -> Param {
                match value.is_finite() {
                    true => Param::Number(format!("{value:?}")),
                    false => Param::Text(value.to_string()),
                }
            }
        })*
    };
}

floats! { f32 f64 }

/// The parameters of a statement, in order: `params![id, &name, None::<i64>]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        [$($crate::Param::from($value)),*]
    };
}

#[cfg(test)]
mod tests {
    use crate::Param;

    #[test]
    fn values_have_the_digits_and_texts_of_an_event() {
        let name = String::from("a");
        let params =
            params![7_u64, i128::MIN, 0.1_f32, 1e300, f64::NAN, &name, "b", true, None::<i8>];
        let number = |digits: &str| Param::Number(digits.into());
        let text = |text: &str| Param::Text(text.into());
        let expected = [
            number("7"),
            number("-170141183460469231731687303715884105728"),
            number("0.1"),
            number("1e300"),
            text("NaN"),
            text("a"),
            text("b"),
            Param::Bool(true),
            Param::Null,
        ];
        assert!(params == expected, "{params:?}");
        assert!(Param::bytes(&[0, 255]) == text("AP8="));
        let none: [Param; 0] = params![];
        assert!(none.is_empty());
    }
}

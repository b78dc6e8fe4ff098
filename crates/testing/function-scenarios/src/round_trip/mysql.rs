//! The types of MySQL and MariaDB.

use engine::Engine;
use proptest::prelude::*;

use super::{
    Case, Form, any_base64, any_date_time, any_document, any_micros, any_text, edge_texts,
};

/// Lets the administrator insert zero dates.
pub(super) const ANY_DATE: &str = "SET SESSION sql_mode = '';\n";

const AS_TEXT: &str = "CAST(v AS CHAR)";
/// A float's own text has six digits: a double's has all that a float has.
const AS_DOUBLE: &str = "CAST(CAST(v AS DOUBLE) AS CHAR)";
const AS_NUMBER: &str = "CAST(v + 0 AS CHAR)";

const MEGABYTE: usize = 1 << 20;

pub(super) fn cases(engine: Engine) -> Vec<Case> {
    let mut cases = numbers();
    cases.extend(times());
    cases.extend(texts());
    cases.extend(binaries());
    if engine == Engine::MySql {
        let json = Case::new("JSON", AS_TEXT, Form::Json, any_document());
        cases.push(json.edges(["null", "[]", "{}", "18446744073709551615", "1.0", "\"😀\""]));
        // Bytes of a finite float.
        let vector = prop::collection::vec(-1e9..1e9_f32, 1..4).prop_map(|v| format!("{v:?}"));
        let vector = Case::new("VECTOR(3)", "HEX(v)", Form::Binary, vector);
        cases.push(Case { store: "STRING_TO_VECTOR(?)", ..vector }.since("9.0"));
    } else {
        let uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
        cases.push(Case::new("UUID", AS_TEXT, Form::Text, uuid).since("10.7"));
        let inet6 = any::<u128>().prop_map(|bits| std::net::Ipv6Addr::from(bits).to_string());
        cases.push(Case::new("INET6", AS_TEXT, Form::Text, inet6).edges(["::", "::1"]));
        let json = Case::new("JSON", AS_TEXT, Form::Text, any_document());
        cases.push(Case { kept: true, ..json });
    }
    cases
}

fn numbers() -> Vec<Case> {
    macro_rules! integer {
        ($sql_type:literal, $min:expr, $max:expr) => {
            Case::new($sql_type, AS_TEXT, Form::Integer, $min..=$max).edges([$min, $max, 0])
        };
    }
    let around_2_53 = [(1_i64 << 53) - 1, 1 << 53, (1 << 53) + 1, -(1 << 53), -(1 << 53) - 1];
    let big = any::<i64>().prop_map(|n| n >> (n & 31));
    let bigint = Case::new("BIGINT", AS_TEXT, Form::Integer, big)
        .edges(around_2_53.into_iter().chain([i64::MIN, i64::MAX]));
    let decimal = || "-?[0-9]{1,35}(\\.[0-9]{0,30})?";
    let double = || any::<f64>().prop_map(|double| format!("{double:e}"));
    let float = || any::<f32>().prop_map(|float| format!("{float:e}"));
    vec![
        integer!("TINYINT", i8::MIN, i8::MAX),
        integer!("BOOLEAN", i8::MIN, i8::MAX),
        integer!("TINYINT UNSIGNED", u8::MIN, u8::MAX),
        integer!("SMALLINT", i16::MIN, i16::MAX),
        integer!("SMALLINT UNSIGNED", u16::MIN, u16::MAX),
        integer!("MEDIUMINT", -8_388_608_i32, 8_388_607),
        integer!("MEDIUMINT UNSIGNED", 0_u32, 16_777_215),
        integer!("INT", i32::MIN, i32::MAX),
        integer!("INT UNSIGNED", u32::MIN, u32::MAX),
        bigint,
        integer!("BIGINT UNSIGNED", u64::MIN, u64::MAX),
        integer!("YEAR", 1901_u16, 2155),
        Case::new("DECIMAL(65,30)", AS_TEXT, Form::Text, decimal())
            .edges([format!("-{}.{}", "9".repeat(35), "9".repeat(30)), "-0.0".into()]),
        Case::new("DECIMAL(5,0)", AS_TEXT, Form::Text, -99_999..=99_999_i32),
        Case::new("FLOAT", AS_DOUBLE, Form::Float, float()).edges([
            "3.4028234663852886e38",
            "-1.17549435e-38",
            "0.1",
            "-0.0",
            "16777217",
        ]),
        Case::new("DOUBLE", AS_TEXT, Form::Rounded, double()).edges([
            "1.7976931348623157e308",
            "-2.2250738585072014e-308",
            "0.1",
            "5e-324",
        ]),
        Case { text: AS_NUMBER, ..integer!("BIT(1)", 0_u8, 1) },
        Case { text: AS_NUMBER, ..integer!("BIT(13)", 0_u16, 8191) },
        Case { text: AS_NUMBER, ..integer!("BIT(64)", u64::MIN, u64::MAX) },
    ]
}

fn times() -> Vec<Case> {
    let stamp = |years| any_date_time(years).prop_map(|(date, time)| format!("{date} {time}"));
    let date = any_date_time(1000..=9999).prop_map(|(date, _)| date);
    let time = (any::<bool>(), 0..838_u16, 0..60_u8, 0..60_u8, any_micros());
    let time = time.prop_map(|(negative, hours, minutes, seconds, micros)| {
        let sign = if negative { "-" } else { "" };
        format!("{sign}{hours:02}:{minutes:02}:{seconds:02}.{micros:06}")
    });
    let time = Case::new("TIME(6)", AS_TEXT, Form::Text, time).edges([
        "-838:59:59",
        "838:59:59",
        "00:00:00",
        "-00:00:00.000001",
    ]);
    let datetime = Case::new("DATETIME(6)", AS_TEXT, Form::DateTime, stamp(1000..=9999))
        .edges(["1000-01-01 00:00:00", "9999-12-31 23:59:59.999999"]);
    let datetime = Case { planted: &["'0000-00-00'", "'2024-00-00 01:02:03.4'"], ..datetime };
    let timestamp = Case::new("TIMESTAMP(6) NULL", AS_TEXT, Form::DateTime, stamp(1971..=2037))
        .edges(["1970-01-02 00:00:01", "2038-01-18 03:14:07.499999"]);
    let timestamp = Case { planted: &["'0000-00-00'"], ..timestamp };
    let date = Case::new("DATE", AS_TEXT, Form::Text, date).edges(["1000-01-01", "9999-12-31"]);
    vec![
        Case { planted: &["'0000-00-00'", "'2024-00-00'", "'2024-02-00'"], ..date },
        time.also("TIME"),
        time.also("TIME(1)"),
        time,
        datetime.also("DATETIME").edges(["9999-12-31 23:59:59"]),
        datetime.also("DATETIME(2)").edges(["9999-12-31 23:59:59.99"]),
        datetime,
        timestamp.also("TIMESTAMP NULL"),
        timestamp,
    ]
}

fn texts() -> Vec<Case> {
    let text = Case::new("LONGTEXT", AS_TEXT, Form::Text, any_text());
    let mut edges = edge_texts();
    edges.push("\0 within \0".into());
    let short = Case { kept: true, ..text }.edges(edges.clone());
    edges.extend(["x".repeat(MEGABYTE), "😀".repeat(MEGABYTE / 4)]);
    vec![
        // The server strips this one's trailing spaces.
        Case { kept: false, ..short.also("CHAR(20)").any("[ -~é😀]{0,20}") },
        short.also("VARCHAR(1000)"),
        short.also("VARCHAR(1000) COLLATE utf8mb4_bin"),
        short.also("TINYTEXT CHARACTER SET ascii").any("[ -~]{0,20}").edges(["", "\0", "a  "]),
        short.also("VARCHAR(20) CHARACTER SET latin1").any("[ -~é-ÿ€]{0,20}").edges(["", "ÿ  "]),
        short.also("TEXT CHARACTER SET utf16"),
        short.also("MEDIUMTEXT").edges(edges.clone()),
        short.also("LONGTEXT").edges(edges),
        Case::new("ENUM('', 'a', 'é', '7')", AS_TEXT, Form::Text, "(a|é|7)").edges([""]),
        Case::new("SET('a', 'é', '7')", AS_TEXT, Form::Text, "(a|é|7|a,7|é,a)").edges([""]),
    ]
}

fn binaries() -> Vec<Case> {
    let blob = Case::new("LONGBLOB", "HEX(v)", Form::Binary, any_base64(0..=200));
    let blob = Case { store: "FROM_BASE64(?)", ..blob }.edges(["", "AA==", "/////w=="]);
    let point = (any::<f64>(), any::<f64>()).prop_map(|(x, y)| format!("POINT({x:e} {y:e})"));
    let geometry = Case::new("GEOMETRY", "HEX(v)", Form::Binary, point);
    vec![
        blob.also("BINARY(20)").any(any_base64(0..=20)),
        blob.also("VARBINARY(20)").any(any_base64(0..=20)),
        blob.also("TINYBLOB"),
        blob.also("BLOB"),
        blob.also("MEDIUMBLOB"),
        blob,
        Case { store: "ST_GeomFromText(?)", ..geometry }
            .edges(["POLYGON((0 0, 0 1, 1 1, 0 0))", "GEOMETRYCOLLECTION(POINT(1 2))"]),
    ]
}

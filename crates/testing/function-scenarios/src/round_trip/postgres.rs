//! The types of PostgreSQL.

use proptest::prelude::*;
use serde_json::json;

use super::{Case, Form, any_date_time, any_document, any_text, edge_texts};

/// Types that some columns use.
pub(super) const TYPES: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'très content', '');
    CREATE TYPE pair AS (number INT, word TEXT);
    CREATE DOMAIN percent AS NUMERIC CHECK (VALUE <= 100);
    CREATE EXTENSION hstore;
    CREATE EXTENSION ltree;
    CREATE EXTENSION citext;
";

const AS_TEXT: &str = "v::text";
const AS_HEX: &str = "encode(v, 'hex')";
/// What `::text` shows of an address has a prefix in any case; this has none where `psql` shows none.
const AS_ADDRESS: &str = "abbrev(v)";
const IN_UTC: &str = "CASE WHEN isfinite(v) THEN (v AT TIME ZONE 'UTC')::text || 'Z' \
                      ELSE v::text END";
/// Elements of an array, in the form that `Form::Array` needs.
const ELEMENTS: &str = "
    CASE WHEN v IS NOT NULL THEN json_build_object(
        'lengths', (SELECT array_agg(array_length(v, d) ORDER BY d)
                    FROM generate_series(1, array_ndims(v)) d),
        'texts', (SELECT json_agg(e::text ORDER BY n) FROM unnest(v) WITH ORDINALITY u (e, n))
    )::text END";

const MEGABYTE: usize = 1 << 20;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = numbers();
    cases.extend(texts());
    cases.extend(times());
    cases.extend(networks_and_bits());
    cases.extend(geometry());
    cases.extend(arrays());
    cases.extend(others());
    cases
}

fn of<S>(sql_type: &'static str, any: S) -> Case
where
    S: Strategy + 'static,
    S::Value: Into<serde_json::Value>,
{
    Case::new(sql_type, AS_TEXT, Form::Text, any)
}

fn numbers() -> Vec<Case> {
    macro_rules! integer {
        ($sql_type:literal, $type:ty) => {
            Case::new($sql_type, AS_TEXT, Form::Integer, any::<$type>()).edges([
                <$type>::MIN,
                <$type>::MAX,
                0,
            ])
        };
    }
    let around_2_53 = [(1_i64 << 53) - 1, 1 << 53, (1 << 53) + 1, -(1 << 53), -(1 << 53) - 1];
    let big = any::<i64>().prop_map(|n| n >> (n & 31));
    let bigint = Case::new("BIGINT", AS_TEXT, Form::Integer, big)
        .edges(around_2_53.into_iter().chain([i64::MIN, i64::MAX]));
    let double = any::<f64>().prop_map(|double| format!("{double:e}"));
    let float = any::<f32>().prop_map(|float| format!("{float:e}"));
    let bool = Case::new("BOOLEAN", AS_TEXT, Form::Json, any::<bool>());
    let numeric = of("NUMERIC", "-?[0-9]{1,60}(\\.[0-9]{1,40})?(e-?[0-9]{1,2})?").edges([
        "NaN",
        "Infinity",
        "-Infinity",
        "0",
        "0.000",
        "-0.00012",
        "1e1000",
        "1e-1000",
        "10000",
        "100000000",
        "0.0001",
        "0.00001",
    ]);
    vec![
        integer!("SMALLINT", i16),
        integer!("INTEGER", i32),
        bigint,
        integer!("OID", u32),
        Case { store: "?::text::xid8", ..integer!("XID8", u64) },
        of("NUMERIC(9,5)", "-?[0-9]{1,4}(\\.[0-9]{1,9})?").edges(["NaN", "0"]),
        numeric,
        of("percent", "-?[0-9]{1,2}\\.[0-9]{0,9}").edges(["100"]),
        Case::new("REAL", AS_TEXT, Form::Float, float).edges([
            "NaN",
            "Infinity",
            "-Infinity",
            "-0",
            "3.4028235e38",
            "1e-45",
            "0.1",
        ]),
        Case::new("DOUBLE PRECISION", AS_TEXT, Form::Double, double).edges([
            "NaN",
            "Infinity",
            "-Infinity",
            "-0",
            "1.7976931348623157e308",
            "5e-324",
        ]),
        of("MONEY", any::<i64>().prop_map(|cents| format!("{}.{:02}", cents / 100, 7))),
        bool,
    ]
}

fn texts() -> Vec<Case> {
    // The server's texts cannot contain NUL.
    let any_text = || any_text().prop_map(|text| text.replace('\0', ""));
    let kept = |case: Case| Case { kept: true, ..case };
    let mut long = edge_texts();
    long.extend(["x".repeat(MEGABYTE), "😀".repeat(MEGABYTE / 4)]);
    let json = Case::new("JSON", AS_TEXT, Form::Json, any_document());
    let json = json.edges(["null", "{}", "1.000000000000000000001e400", "{\"a\":1,\"a\":2}"]);
    let jsonb = json.also("JSONB").edges(["null", "{}", "1.10", "\"😀\"", "[1e400]"]);
    let bytea = any::<Vec<u8>>().prop_map(|bytes| {
        let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
        format!("\\x{}", digits.collect::<String>())
    });
    let xml = any_text().prop_map(|text| {
        let printable: String = text.chars().filter(|c| !c.is_control()).collect();
        format!("<a b=\"1\"><![CDATA[{}]]></a>", printable.replace("]]>", ""))
    });
    vec![
        kept(of("TEXT", any_text()).edges(long)),
        kept(of("VARCHAR", any_text()).edges(edge_texts())),
        of("citext", any_text()).edges(edge_texts()),
        // As text, the server strips this one's trailing spaces.
        Case {
            text: "CASE WHEN v IS NOT NULL THEN format('%s', v) END",
            ..of("CHAR(30)", "[ -~é😀]{0,30}")
        }
        .edges(["", " ", "a "]),
        of("NAME", "[a-zé]{1,31}"),
        of("\"char\"", "[ -~]").edges([""]),
        of("mood", "(sad|ok|très content)").edges([""]),
        Case::new("BYTEA", AS_HEX, Form::Binary, bytea).edges(["\\x", "\\x00", "\\x00ff"]),
        json,
        jsonb,
        of("XML", xml),
        of("hstore", "[a-z]{1,5}=>(NULL|[0-9]{1,5}|\"é \\\\\"\")").edges([""]),
        of("ltree", "[a-zA-Z0-9]{1,9}(\\.[a-z]{1,9}){0,4}"),
        of("TSVECTOR", "([a-z]{1,5}:[1-9][0-9]?[ABC]? ){1,5}").edges(["", "'it''s':3"]),
        of("TSQUERY", "[a-z]{1,5} (&|<->) ![a-z]{1,5}"),
    ]
}

fn times() -> Vec<Case> {
    let stamp = |zone: &'static str| {
        (any_date_time(1..=200_000), any::<bool>()).prop_map(move |((date, time), ad)| {
            let year: u32 = date.split('-').next().and_then(|y| y.parse().ok()).unwrap_or(0);
            let era = if ad || year > 4_700 { "" } else { " BC" };
            format!("{date} {time}{zone}{era}")
        })
    };
    let stamps = ["infinity", "-infinity", "0001-01-01 00:00:00 BC", "4713-12-31 00:00:00 BC"];
    let date = (any_date_time(1..=4700), any::<bool>())
        .prop_map(|((date, _), ad)| if ad { date } else { format!("{date} BC") });
    let clock = || any_date_time(1..=1).prop_map(|(_, time)| time);
    let zoned = (clock(), -15..=15_i8, 0..60_u8, 0..60_u8).prop_map(|(time, hours, m, s)| {
        let (m, s) = if s < 40 { (if m < 30 { 0 } else { m }, 0) } else { (m, s) };
        format!("{time}{hours:+03}:{m:02}:{s:02}")
    });
    let interval = (any::<i32>(), any::<i32>(), any::<i64>(), 0..3_u8).prop_map(
        |(mo, d, us, kind)| match kind {
            0 => format!("{} months {} days {} us", mo % 100, d % 40, us % 1_000_000_000_000),
            1 => format!("{} months {us} us", mo % 3),
            _ => format!("{mo} months {d} days"),
        },
    );
    vec![
        Case::new("TIMESTAMP", AS_TEXT, Form::DateTime, stamp(""))
            .edges(stamps.into_iter().chain(["294276-12-31 23:59:59.999999"])),
        Case::new("TIMESTAMPTZ", IN_UTC, Form::DateTime, stamp("+05:30")).edges(stamps),
        Case::new("DATE", AS_TEXT, Form::DateTime, date).edges([
            "infinity",
            "-infinity",
            "5874897-12-31",
            "4713-01-01 BC",
            "0001-12-31 BC",
        ]),
        of("TIME", clock()).edges(["00:00:00", "24:00:00", "23:59:59.999999"]),
        of("TIMETZ", zoned).edges(["00:00:00+15:59:59", "24:00:00-15:59:59", "12:00:00+00"]),
        of("INTERVAL", interval)
            .edges([
                "0",
                "1 day",
                "-1 day",
                "1 mon",
                "1 year",
                "-1 year 1 mon 1 day",
                "1 mon -1 day 1 us",
                "-178956970 years -8 mons -2147483648 days -2562047788:00:54.775807",
                "178956970 years 7 mons 2147483647 days 2562047788:00:54.775807",
            ])
            // 14 does not read its own text of the lowest.
            .since("15"),
    ]
}

fn networks_and_bits() -> Vec<Case> {
    use std::net::{Ipv4Addr, Ipv6Addr};
    let v4 = || any::<u32>().prop_map(Ipv4Addr::from);
    let v6 = || {
        // Groups that are often zero, because their abbreviation differs.
        prop::array::uniform8(prop_oneof![2 => Just(0_u16), 1 => any::<u16>()])
            .prop_map(Ipv6Addr::from)
    };
    let inet = prop_oneof![
        v4().prop_map(|address| address.to_string()),
        (v4(), 0..=32_u8).prop_map(|(address, prefix)| format!("{address}/{prefix}")),
        v6().prop_map(|address| address.to_string()),
        (v6(), 0..=128_u8).prop_map(|(address, prefix)| format!("{address}/{prefix}")),
    ];
    let cidr = prop_oneof![
        (v4(), 1..=32_u8).prop_map(|(address, prefix)| {
            let network = Ipv4Addr::from(address.to_bits() >> (32 - prefix) << (32 - prefix));
            format!("{network}/{prefix}")
        }),
        (v6(), 1..=128_u8).prop_map(|(address, prefix)| {
            let network = Ipv6Addr::from(address.to_bits() >> (128 - prefix) << (128 - prefix));
            format!("{network}/{prefix}")
        }),
    ];
    vec![
        Case { text: AS_ADDRESS, ..of("INET", inet) }.edges([
            "::",
            "::1",
            "::ffff:1.2.3.4",
            "::1.2.3.4",
            "::1:0:0",
            "0.0.0.0/0",
            "::/0",
        ]),
        of("CIDR", cidr).edges(["0.0.0.0/0", "::/0", "::1/128", "192.0.2.1/32"]),
        of("MACADDR", "[0-9a-f]{12}"),
        of("MACADDR8", "[0-9a-f]{16}"),
        of("UUID", "[0-9a-f]{32}"),
        of("BIT(13)", "[01]{13}"),
        of("VARBIT", "[01]{0,40}").edges(["", "0", "1", "10000000", "000000001"]),
        of("PG_LSN", "[1-9A-F][0-9A-F]{0,7}/[1-9A-F][0-9A-F]{0,7}").edges(["0/0"]),
    ]
}

fn geometry() -> Vec<Case> {
    fn point() -> impl Strategy<Value = String> {
        let number = || prop_oneof![any::<f64>(), (-1000..1000_i32).prop_map(f64::from)];
        (number(), number()).prop_map(|(x, y)| format!("({x:e},{y:e})"))
    }
    let points = || prop::collection::vec(point(), 1..5).prop_map(|points| points.join(","));
    let circle =
        (point(), 0.0..1e9_f64).prop_map(|(centre, radius)| format!("<{centre},{radius}>"));
    vec![
        of("POINT", point()).edges(["(NaN,Infinity)", "(-Infinity,-0)", "(1e-300,0.1)"]),
        of("LSEG", (point(), point()).prop_map(|(a, b)| format!("[{a},{b}]"))),
        of("BOX", (point(), point()).prop_map(|(a, b)| format!("{a},{b}"))),
        of(
            "LINE",
            (1..9_i32, -9..9_i32, any::<f64>()).prop_map(|(a, b, c)| format!("{{{a},{b},{c:e}}}")),
        ),
        of("PATH", points().prop_map(|points| format!("[{points}]"))),
        of("POLYGON", points().prop_map(|points| format!("({points})"))),
        of("CIRCLE", circle),
    ]
}

fn arrays() -> Vec<Case> {
    fn nested<S>(element: S) -> impl Strategy<Value = serde_json::Value>
    where
        S: Strategy,
        S::Value: Into<serde_json::Value> + Clone,
    {
        let element = prop_oneof![
            1 => Just(serde_json::Value::Null),
            4 => element.prop_map(Into::into),
        ];
        (prop::collection::vec(element, 0..9), 1..=3_usize).prop_map(|(elements, width)| {
            match elements.chunks_exact(width).map(|row| json!(row)).collect::<Vec<_>>() {
                rows if width > 1 => json!(rows),
                _ => json!(elements),
            }
        })
    }
    let text = any_text().prop_map(|text| text.replace('\0', ""));
    let array = |sql_type, form, any| Case::new(sql_type, ELEMENTS, Form::Array(form), any);
    let vector = "[0-9]{1,4}( [0-9]{1,4}){0,4}".prop_map(Into::into).boxed();
    let bounds = (-3..9_i32, "[0-9]{1,4}(,[0-9]{1,4}){2}");
    let bounds = bounds.prop_filter("it does not begin at 1", |(from, _)| *from != 1);
    let bounds = bounds.prop_map(|(from, list)| format!("[{from}:{}]={{{list}}}", from + 2));
    vec![
        array("INTEGER[]", &Form::Integer, nested(any::<i32>()).boxed()),
        array("BIGINT[]", &Form::Integer, nested(any::<i64>()).boxed()),
        array("TEXT[]", &Form::Text, nested(text).boxed()).edges([
            json!(edge_texts()),
            json!([["{", "}"], [",", "NULL"]]),
            json!([[[["deep"]]]]),
            json!([]),
        ]),
        array("NUMERIC[]", &Form::Text, nested("-?[0-9]{1,30}\\.[0-9]{1,9}").boxed()),
        array("BOOLEAN[]", &Form::Json, nested(any::<bool>()).boxed()),
        array("UUID[]", &Form::Text, nested("[0-9a-f]{32}").boxed()),
        array("JSONB[]", &Form::Json, nested(any_document()).boxed()),
        array("INTERVAL[]", &Form::Text, nested("-?[0-9]{1,5} hours").boxed()),
        array("POINT[]", &Form::Text, nested("\\([0-9]{1,5},-[0-9]{1,5}\\)").boxed()),
        array("BOX[]", &Form::Text, nested("\\([0-9],[0-9]\\),\\([0-9],[0-9]\\)").boxed()),
        array("mood[]", &Form::Text, nested("(sad|ok|très content)").boxed()),
        array("percent[]", &Form::Text, nested("[0-9]\\.[0-9]{1,9}").boxed()),
        array("INT4RANGE[]", &Form::Text, nested("\\[-[0-9]{1,5},[0-9]{1,5}\\)").boxed()),
        of("SMALLINT[]", bounds).edges(["[0:0][2:3]={{1,NULL}}"]),
        array("INT2VECTOR", &Form::Integer, vector.clone()).edges([""]),
        array("OIDVECTOR", &Form::Integer, vector),
    ]
}

fn others() -> Vec<Case> {
    let word = any_text().prop_map(|text| {
        format!("(7,\"{}\")", text.replace('\0', "").replace('\\', "\\\\").replace('"', "\\\""))
    });
    vec![
        of("INT4RANGE", "[\\[\\(]-[0-9]{1,5},[0-9]{1,5}[\\]\\)]").edges(["empty", "(,)", "[5,)"]),
        of("INT8RANGE", "[\\[\\(]-[0-9]{1,9},[0-9]{1,9}[\\]\\)]").edges(["empty", "(,)"]),
        of("NUMRANGE", "[\\[\\(]-[0-9]\\.[0-9]{1,9},[0-9]{1,9}[\\]\\)]").edges(["(,NaN]"]),
        of("DATERANGE", "[\\[\\(]20[0-9][0-9]-01-01,21[0-9][0-9]-02-28[\\]\\)]"),
        of("TSRANGE", "[\\[\\(]20[0-9][0-9]-01-01 01:02:03\\.4,infinity[\\]\\)]"),
        of("TSTZRANGE", "[\\[\\(]20[0-9][0-9]-01-01 01:02:03\\+07,[\\]\\)]"),
        of("INT4MULTIRANGE", "\\{\\[1,[2-9]\\),\\[[1-9][0-9],[1-9][0-9]{3}\\]\\}").edges(["{}"]),
        of("NUMMULTIRANGE", "\\{\\[1\\.[0-9]{1,9},[2-9]\\),\\[1[0-9],\\)\\}"),
        of("pair", word).edges(["(,)", "(1,)", "(,\"\")"]),
        of("REGCLASS", "(pg_class|pg_type|pg_proc)"),
        of("REGTYPE", "(integer|text\\[\\]|numeric)"),
        of("JSONPATH", "\\$\\.[a-z]{1,5}\\[[0-9]\\]"),
        of("PG_SNAPSHOT", "1[0-9]:2[0-9]:").edges(["10:20:10,14"]),
        of("TID", "\\([0-9]{1,5},[0-9]{1,4}\\)"),
    ]
}

//! Whether a statement may have side effects on its session.
//!
//! The server does not tell, because the driver does not negotiate session tracking. A statement
//! that is not known to have none counts as having some, which only costs a reset.

use sql_function::sql::{Token, TokenKind};
use sql_function::{Mode, Statement};

/// Verbs that only show the server's state.
const SHOWS: [&str; 4] = ["SHOW", "EXPLAIN", "DESCRIBE", "DESC"];

/// Keywords that may precede a parenthesis.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "ALL", "AND", "ANY", "AS", "BETWEEN", "BINARY", "BY", "CASE", "COLUMNS", "DISTINCT",
    "DISTINCTROW", "DIV", "ELSE", "EXCEPT", "EXISTS", "FORCE", "FROM", "HAVING", "IGNORE", "IN",
    "INDEX", "INTERSECT", "INTERVAL", "IS", "JOIN", "KEY", "LATERAL", "LIKE", "LIMIT", "MINUS",
    "NOT", "OF", "ON", "OR", "OVER", "PARTITION", "REGEXP", "RETURNING", "RLIKE", "ROW", "SELECT",
    "SET", "SOME", "THEN", "UNION", "USING", "VALUE", "VALUES", "WHEN", "WHERE", "WITH", "XOR",
];

/// Keywords before a table's name, which its columns in parentheses may follow. So may the closing
/// parenthesis of a derived table.
const TABLE_FOLLOWS: &[&str] = &["AS", "IGNORE", "INSERT", "INTO", "REPLACE"];

/// Functions without side effects, and types with a length: those of
/// <https://dev.mysql.com/doc/refman/8.4/en/built-in-function-reference.html> and of MariaDB that
/// are used in statements about rows. A stored function of such a name can only be called with its
/// database's name before it.
#[rustfmt::skip]
const FUNCTIONS: &[&str] = &[
    "ABS", "ACOS", "ADDDATE", "ADDTIME", "AES_DECRYPT", "AES_ENCRYPT", "AGAINST", "ANY_VALUE",
    "ASCII", "ASIN", "ATAN", "ATAN2", "AVG", "BENCHMARK", "BIGINT", "BIN", "BIN_TO_UUID", "BIT",
    "BIT_AND", "BIT_COUNT", "BIT_LENGTH", "BIT_OR", "BIT_XOR", "BLOB", "CAST", "CEIL", "CEILING",
    "CHAR", "CHARACTER_LENGTH", "CHARSET", "CHAR_LENGTH", "COALESCE", "COERCIBILITY", "COLLATION",
    "COMPRESS", "CONCAT", "CONCAT_WS", "CONNECTION_ID", "CONV", "CONVERT", "CONVERT_TZ", "COS",
    "COT", "COUNT", "CRC32", "CRC32C", "CUME_DIST", "CURDATE", "CURRENT_DATE", "CURRENT_ROLE",
    "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_USER", "CURTIME", "DATABASE", "DATE",
    "DATEDIFF", "DATETIME", "DATE_ADD", "DATE_FORMAT", "DATE_SUB", "DAY", "DAYNAME", "DAYOFMONTH",
    "DAYOFWEEK", "DAYOFYEAR", "DECIMAL", "DEFAULT", "DEGREES", "DENSE_RANK", "DOUBLE", "ELT",
    "EXP", "EXPORT_SET", "EXTRACT", "EXTRACTVALUE", "FIELD", "FIND_IN_SET", "FIRST_VALUE",
    "FLOAT", "FLOOR", "FORMAT", "FORMAT_BYTES", "FORMAT_PICO_TIME", "FOUND_ROWS", "FROM_BASE64",
    "FROM_DAYS", "FROM_UNIXTIME", "FROM_VECTOR", "GEOMETRYCOLLECTION", "GET_FORMAT", "GREATEST",
    "GROUPING", "GROUP_CONCAT", "HEX", "HOUR", "ICU_VERSION", "IF", "IFNULL", "INET6_ATON",
    "INET6_NTOA", "INET_ATON", "INET_NTOA", "INSERT", "INSTR", "INT", "INTEGER", "ISNULL",
    "IS_FREE_LOCK", "IS_IPV4", "IS_IPV4_COMPAT", "IS_IPV4_MAPPED", "IS_IPV6", "IS_USED_LOCK",
    "IS_UUID", "JSON_ARRAY", "JSON_ARRAYAGG", "JSON_ARRAY_APPEND", "JSON_ARRAY_INSERT",
    "JSON_ARRAY_INTERSECT", "JSON_COMPACT", "JSON_CONTAINS", "JSON_CONTAINS_PATH", "JSON_DEPTH",
    "JSON_DETAILED", "JSON_EQUALS", "JSON_EXISTS", "JSON_EXTRACT", "JSON_INSERT", "JSON_KEYS",
    "JSON_LENGTH", "JSON_LOOSE", "JSON_MEMBER_OF", "JSON_MERGE", "JSON_MERGE_PATCH",
    "JSON_MERGE_PRESERVE", "JSON_NORMALIZE", "JSON_OBJECT", "JSON_OBJECTAGG",
    "JSON_OBJECT_FILTER_KEYS", "JSON_OBJECT_TO_ARRAY", "JSON_OVERLAPS", "JSON_PRETTY",
    "JSON_QUERY", "JSON_QUOTE", "JSON_REMOVE", "JSON_REPLACE", "JSON_SCHEMA_VALID",
    "JSON_SCHEMA_VALIDATION_REPORT", "JSON_SEARCH", "JSON_SET", "JSON_STORAGE_FREE",
    "JSON_STORAGE_SIZE", "JSON_TABLE", "JSON_TYPE", "JSON_UNQUOTE", "JSON_VALID", "JSON_VALUE",
    "LAG", "LAST_DAY", "LAST_VALUE", "LCASE", "LEAD", "LEAST", "LEFT", "LENGTH", "LENGTHB",
    "LINESTRING", "LN", "LOCALTIME", "LOCALTIMESTAMP", "LOCATE", "LOG", "LOG10", "LOG2", "LOWER",
    "LPAD", "LTRIM", "MAKEDATE", "MAKETIME", "MAKE_SET", "MATCH", "MAX", "MBRCONTAINS",
    "MBRCOVEREDBY", "MBRCOVERS", "MBRDISJOINT", "MBREQUALS", "MBRINTERSECTS", "MBROVERLAPS",
    "MBRTOUCHES", "MBRWITHIN", "MD5", "MEDIUMINT", "MICROSECOND", "MID", "MIN", "MINUTE", "MOD",
    "MONTH", "MONTHNAME", "MULTILINESTRING", "MULTIPOINT", "MULTIPOLYGON", "NATURAL_SORT_KEY",
    "NCHAR", "NOW", "NTH_VALUE", "NTILE", "NULLIF", "NUMERIC", "NVL", "NVL2", "OCT",
    "OCTET_LENGTH", "ORD", "PERCENTILE_CONT", "PERCENTILE_DISC", "PERCENT_RANK", "PERIOD_ADD",
    "PERIOD_DIFF", "PI", "POINT", "POLYGON", "POSITION", "POW", "POWER", "QUARTER", "QUOTE",
    "RADIANS", "RAND", "RANDOM_BYTES", "RANK", "REAL", "REGEXP_INSTR", "REGEXP_LIKE",
    "REGEXP_REPLACE", "REGEXP_SUBSTR", "REPEAT", "REPLACE", "REVERSE", "RIGHT", "ROUND",
    "ROW_COUNT", "ROW_NUMBER", "RPAD", "RTRIM", "SCHEMA", "SECOND", "SEC_TO_TIME", "SESSION_USER",
    "SHA", "SHA1", "SHA2", "SIGN", "SIN", "SLEEP", "SMALLINT", "SOUNDEX", "SPACE", "SQRT",
    "STATEMENT_DIGEST", "STATEMENT_DIGEST_TEXT", "STD", "STDDEV", "STDDEV_POP", "STDDEV_SAMP",
    "STRCMP", "STRING_TO_VECTOR", "STR_TO_DATE", "ST_AREA", "ST_ASBINARY", "ST_ASGEOJSON",
    "ST_ASTEXT", "ST_ASWKB", "ST_ASWKT", "ST_BUFFER", "ST_CENTROID", "ST_CONTAINS",
    "ST_CONVEXHULL", "ST_CROSSES", "ST_DIFFERENCE", "ST_DIMENSION", "ST_DISJOINT", "ST_DISTANCE",
    "ST_DISTANCE_SPHERE", "ST_ENDPOINT", "ST_ENVELOPE", "ST_EQUALS", "ST_EXTERIORRING",
    "ST_GEOHASH", "ST_GEOMCOLLFROMTEXT", "ST_GEOMETRYFROMTEXT", "ST_GEOMETRYN", "ST_GEOMETRYTYPE",
    "ST_GEOMFROMGEOJSON", "ST_GEOMFROMTEXT", "ST_GEOMFROMWKB", "ST_INTERIORRINGN",
    "ST_INTERSECTION", "ST_INTERSECTS", "ST_ISCLOSED", "ST_ISEMPTY", "ST_ISSIMPLE", "ST_ISVALID",
    "ST_LATFROMGEOHASH", "ST_LATITUDE", "ST_LENGTH", "ST_LINEFROMTEXT", "ST_LONGFROMGEOHASH",
    "ST_LONGITUDE", "ST_MAKEENVELOPE", "ST_NUMGEOMETRIES", "ST_NUMINTERIORRINGS", "ST_NUMPOINTS",
    "ST_OVERLAPS", "ST_POINTATDISTANCE", "ST_POINTFROMGEOHASH", "ST_POINTFROMTEXT", "ST_POINTN",
    "ST_POLYFROMTEXT", "ST_SIMPLIFY", "ST_SRID", "ST_STARTPOINT", "ST_SWAPXY", "ST_SYMDIFFERENCE",
    "ST_TOUCHES", "ST_TRANSFORM", "ST_UNION", "ST_VALIDATE", "ST_WITHIN", "ST_X", "ST_Y",
    "SUBDATE", "SUBSTR", "SUBSTRING", "SUBSTRING_INDEX", "SUBTIME", "SUM", "SYSDATE",
    "SYSTEM_USER", "SYS_GUID", "TAN", "TEXT", "TIME", "TIMEDIFF", "TIMESTAMP", "TIMESTAMPADD",
    "TIMESTAMPDIFF", "TIME_FORMAT", "TIME_TO_SEC", "TINYINT", "TO_BASE64", "TO_CHAR", "TO_DAYS",
    "TO_SECONDS", "TRIM", "TRUNCATE", "UCASE", "UNCOMPRESS", "UNHEX", "UNIX_TIMESTAMP",
    "UPDATEXML", "UPPER", "USER", "UTC_DATE", "UTC_TIME", "UTC_TIMESTAMP", "UUID", "UUID_SHORT",
    "UUID_TO_BIN", "VALIDATE_PASSWORD_STRENGTH", "VARBINARY", "VARCHAR", "VARIANCE", "VAR_POP",
    "VAR_SAMP", "VECTOR_DIM", "VECTOR_TO_STRING", "VEC_DISTANCE", "VEC_DISTANCE_COSINE",
    "VEC_DISTANCE_EUCLIDEAN", "VEC_FROMTEXT", "VEC_TOTEXT", "VERSION", "WEEK", "WEEKDAY",
    "WEEKOFYEAR", "WEIGHT_STRING", "YEAR", "YEARWEEK",
];

/// Whether `statement` may leave a variable, a role, a lock, a temporary table or another current
/// database. Side effects of triggers are not detected.
pub(crate) fn leaves(statement: &Statement) -> bool {
    if SHOWS.contains(&&*statement.verb()) {
        return false;
    }
    let tokens: Vec<_> = statement.tokens().collect();
    !statement.is_atomic()
        || tokens.iter().any(|token| token.is_sign('@'))
        || (0..tokens.len()).any(|at| calls_stored_function(&tokens, at))
}

/// Whether `statement` can be run a second time with nothing to be seen of the first.
pub(crate) fn is_repeatable(statement: &Statement) -> bool {
    statement.mode == Mode::Read && !leaves(statement)
}

/// Whether the parenthesis at `at` begins the columns of a common table expression: `a (b) AS (…)`.
fn is_common_table(tokens: &[Token<'_>], at: usize) -> bool {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        depth += usize::from(token.is_sign('('));
        depth -= usize::from(token.is_sign(')'));
        if depth == 0 {
            let next = |by: usize| tokens.get(index + by);
            return next(1).is_some_and(|token| token.is("AS"))
                && next(2).is_some_and(|token| token.is_sign('('));
        }
    }
    false
}

/// Whether `statement` reads and calls nothing that could write. MySQL cannot restrict one
/// statement of a writing transaction to reading.
pub(crate) fn only_reads(statement: &Statement) -> bool {
    const READS: [&str; 7] = ["SELECT", "VALUES", "TABLE", "SHOW", "EXPLAIN", "DESCRIBE", "DESC"];
    let tokens: Vec<_> = statement.tokens().collect();
    READS.contains(&&*statement.main_verb())
        && !(0..tokens.len()).any(|at| calls_stored_function(&tokens, at))
}

/// Whether the parenthesis at `at` follows the name of an unknown function.
fn calls_stored_function(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(name) = at.checked_sub(1).map(|at| &tokens[at]) else { return false };
    let quoted = name.kind == TokenKind::Quoted && name.text.starts_with(['`', '"']);
    let word = name.kind == TokenKind::Word && !name.text.starts_with(|c: char| c.is_ascii_digit());
    if !tokens[at].is_sign('(') || !(word || quoted) {
        return false;
    }
    // `a.b`, from its end to its beginning.
    let mut first = at - 1;
    while first >= 2 && tokens[first - 1].is_sign('.') {
        first -= 2;
    }
    let before = first.checked_sub(1).map(|at| &tokens[at]);
    let of_a_table =
        before.is_some_and(|token| token.is_one_of(TABLE_FOLLOWS) || token.is_sign(')'));
    if of_a_table || is_common_table(tokens, at) {
        return false;
    }
    let of_a_database = first < at - 1;
    let asks_itself =
        name.is("LAST_INSERT_ID") && tokens.get(at + 1).is_some_and(|token| token.is_sign(')'));
    of_a_database || !(name.is_one_of(KEYWORDS) || name.is_one_of(FUNCTIONS) || asks_itself)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sql_function::sql::MYSQL;

    fn statement(sql: &str) -> Statement {
        let sql = format!(
            "-- mode: write
{sql}"
        );
        Statement::parse("s", sql, MYSQL).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn what_is_about_rows_alone_leaves_nothing() {
        for sql in [
            "SELECT * FROM items WHERE mail LIKE '%@x.com' AND id IN (1, 2)",
            "INSERT INTO items (id, name) VALUES (?, UPPER (?)) ON DUPLICATE KEY UPDATE a = VALUES(a)",
            "insert into `app`.`items`(id) values (1) -- @ GET_LOCK(",
            "SELECT COUNT(*), CAST(a AS DECIMAL(3,2)) FROM (SELECT 1) t JOIN u USING (id)",
            "SHOW VARIABLES",
            "WITH RECURSIVE a (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a) SELECT n FROM a",
            "INSERT items (id) VALUES (1)",
            "SELECT x FROM (VALUES ROW(1)) AS t (x) JOIN (SELECT 2) u (y) ON x = y",
            "SELECT ST_AsText(p) FROM JSON_TABLE(?, '$[*]' COLUMNS (p INT(11) PATH '$')) t",
        ] {
            assert!(!leaves(&statement(sql)), "{sql}");
        }
    }

    #[test]
    fn what_may_change_the_session_is_told() {
        for sql in [
            "SELECT @a := 1",
            "SELECT 1 INTO @a",
            "SELECT GET_LOCK('a', 0)",
            "SELECT f (1)",
            "SELECT app.upper(1)",
            "SELECT `f`(1)",
            "SELECT /*!80000 f(1) */",
            "SELECT LAST_INSERT_ID(5)",
            "CALL p()",
            "USE other",
            "CREATE TEMPORARY TABLE t (id INT)",
            "LOCK TABLES t READ",
        ] {
            assert!(leaves(&statement(sql)), "{sql}");
        }
    }
}

//! Places in files, as compilers write them and editors find them.

/// `FILE.sql:3: REASON` for each `FILE.sql: line 3: REASON` of a function's own words in `text`.
#[must_use]
pub fn places(text: &str) -> String {
    const LINE: &str = ": line ";
    let (mut written, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(LINE) {
        written += before;
        let file = before.len().checked_sub(".sql".len()).and_then(|at| before.get(at..));
        let (line, reason) = after.split_once(": ").unwrap_or_default();
        let is_place = file.is_some_and(|end| end.eq_ignore_ascii_case(".sql"))
            && !line.is_empty()
            && line.bytes().all(|byte| byte.is_ascii_digit());
        if is_place {
            written += &format!(":{line}: ");
            rest = reason;
        } else {
            written += LINE;
            rest = after;
        }
    }
    written + rest
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn only_places_in_statements_are_changed() {
        for (text, expected) in [
            ("sql/a.sql: line 12: mode: line 3: no", "sql/a.sql:12: mode: line 3: no"),
            ("A.SQL: line 1: x; é.sql: line 2: y", "A.SQL:1: x; é.sql:2: y"),
            ("a.sql: line up: x", "a.sql: line up: x"),
            ("a.sql: line 3", "a.sql: line 3"),
            ("é: line 3: x", "é: line 3: x"),
            ("", ""),
        ] {
            assert_eq!(places(text), expected);
        }
    }
}

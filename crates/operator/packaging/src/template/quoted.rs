//! Text in YAML and in CloudFormation, which both give some characters a meaning.

use std::fmt::Write as _;

/// The first `longest` characters of a text as a YAML scalar in double quotes, in ASCII. What CloudFormation would replace, as in [`json`], is broken
/// up by a space.
pub(super) fn words(text: &str, longest: usize) -> String {
    let mut text = text.replace("${", "$ {");
    while text.contains("{{") {
        text = text.replace("{{", "{ {");
    }
    let mut quoted = String::from("\"");
    for character in text.chars().take(longest) {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            // Writing to a string cannot fail.
            _ => drop(write!(quoted, "\\U{:08X}", u32::from(character))),
        }
    }
    quoted + "\""
}

/// JSON as a YAML scalar in single quotes, in ASCII and without what CloudFormation would replace:
/// `${name}`, and dynamic references such as `{{resolve:ssm:name}}`, which it reads in every text
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html>).
///
/// In JSON all of this is only in strings, where a character may be written as its number.
pub(super) fn json(json: &str) -> String {
    let mut escaped = String::new();
    for character in json.replace("${", "$\\u007b").replace("{{", "\\u007b\\u007b").chars() {
        match character {
            '\'' => escaped.push_str("''"),
            _ if character.is_ascii() => escaped.push(character),
            _ => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    // Writing to a string cannot fail.
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
    format!("'{escaped}'")
}

#[cfg(test)]
mod tests {
    use super::{json, words};

    #[test]
    fn words_are_one_line_of_ascii() {
        assert_eq!(words("a: \"b\" \\ # 'c'", 99), r##""a: \"b\" \\ # 'c'""##);
        assert_eq!(words("ü\n😀d", 3), r#""\U000000FC\U0000000A\U0001F600""#);
        assert_eq!(words("${a} {{{resolve", 16), r#""$ {a} { { {resol""#);
    }

    #[test]
    fn json_keeps_its_value() {
        for text in [
            r#"{"a":"it's ${AWS::Region} {{resolve:ssm:x}} {{{ $${ \\${ \"{{"}"#,
            r#"["ü😀\u0000",1e400,-0.10,{"a":{}}]"#,
        ] {
            let quoted = json(text);
            assert!(quoted.is_ascii() && !quoted.contains("${") && !quoted.contains("{{"));
            let inner = quoted[1..quoted.len() - 1].replace("''", "'");
            let value = |text: &str| serde_json::from_str::<serde_json::Value>(text);
            let text = text.replace("1e400", "1");
            assert_eq!(value(&inner.replace("1e400", "1")).unwrap(), value(&text).unwrap());
        }
    }
}

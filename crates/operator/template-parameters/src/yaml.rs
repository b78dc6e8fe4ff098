//! YAML, as far as templates use it, to JSON: CloudFormation's short forms, such as `!Ref`, become long
//! ones.

use serde_json::{Map, Value, json};
use yaml_rust2::Yaml;
use yaml_rust2::parser::{Event, EventReceiver, Parser, Tag};
use yaml_rust2::scanner::TScalarStyle;

/// Reads one document.
///
/// # Errors
/// It is not YAML, or empty.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader::default();
    Parser::new_from_str(text).load(&mut reader, false).map_err(|error| error.to_string())?;
    reader.document.ok_or_else(|| "the template is empty".to_owned())
}

#[derive(Default)]
struct Reader {
    /// The lists and objects that have begun and not ended, outermost first.
    open: Vec<(Option<Tag>, Open)>,
    document: Option<Value>,
}

enum Open {
    List(Vec<Value>),
    /// The members, and the name of the next member when it was read.
    Object(Map<String, Value>, Option<String>),
}

impl EventReceiver for Reader {
    fn on_event(&mut self, event: Event) {
        match event {
            Event::Scalar(text, style, _, tag) => {
                let is_text = style != TScalarStyle::Plain || tag.is_some();
                self.put(tag, if is_text { text.into() } else { plain(text) });
            }
            // CloudFormation accepts none.
            Event::Alias(_) => self.put(None, Value::Null),
            Event::SequenceStart(_, tag) => self.open.push((tag, Open::List(Vec::new()))),
            Event::MappingStart(_, tag) => self.open.push((tag, Open::Object(Map::new(), None))),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some((tag, Open::List(items))) => self.put(tag, items.into()),
                Some((tag, Open::Object(members, _))) => self.put(tag, members.into()),
                None => {}
            },
            _ => {}
        }
    }
}

impl Reader {
    /// Puts a value into the innermost list or object.
    fn put(&mut self, tag: Option<Tag>, value: Value) {
        let value = long_form(tag, value);
        match self.open.last_mut() {
            None => self.document = Some(value),
            Some((_, Open::List(items))) => items.push(value),
            Some((_, Open::Object(members, name))) => match name.take() {
                Some(name) => drop(members.insert(name, value)),
                None => *name = Some(value.as_str().map_or(value.to_string(), str::to_owned)),
            },
        }
    }
}

/// Text without quotes may be a number.
fn plain(text: String) -> Value {
    match Yaml::from_str(&text) {
        Yaml::Integer(number) => number.into(),
        Yaml::Boolean(boolean) => boolean.into(),
        Yaml::Null => Value::Null,
        _ => text.into(),
    }
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html>
fn long_form(tag: Option<Tag>, value: Value) -> Value {
    let Some(tag) = tag.filter(|tag| tag.handle == "!") else { return value };
    match (tag.suffix.as_str(), value.as_str()) {
        ("Ref" | "Condition", _) => json!({ tag.suffix: value }),
        ("GetAtt", Some(text)) => {
            json!({ "Fn::GetAtt": text.splitn(2, '.').collect::<Vec<_>>() })
        }
        (name, _) => json!({ format!("Fn::{name}"): value }),
    }
}

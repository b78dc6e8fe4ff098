//! YAML, as far as templates use it: CloudFormation's short forms, such as `!Ref`, are left out.

use serde_json::{Map, Value};
use yaml_rust2::{Yaml, YamlLoader};

/// Reads one document.
///
/// # Errors
/// It is no YAML, or there is none.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let documents = YamlLoader::load_from_str(text).map_err(|error| error.to_string())?;
    documents.first().map(value).ok_or_else(|| "there is no document".to_owned())
}

fn value(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::String(text) | Yaml::Real(text) => text.clone().into(),
        Yaml::Integer(number) => (*number).into(),
        Yaml::Boolean(boolean) => (*boolean).into(),
        Yaml::Array(items) => items.iter().map(value).collect(),
        Yaml::Hash(members) => {
            let named = members.iter().filter_map(|(key, member)| Some((key.as_str()?, member)));
            let named: Map<_, _> =
                named.map(|(key, member)| (key.to_owned(), value(member))).collect();
            named.into()
        }
        Yaml::Alias(_) | Yaml::Null | Yaml::BadValue => Value::Null,
    }
}

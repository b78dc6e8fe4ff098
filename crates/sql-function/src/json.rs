//! Reads the objects and arrays of an event without copying their contents, which may take 6 MB.

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

use crate::near::near;
use crate::truncate::quote_short;

/// How many names of unknown fields are kept.
const SHOWN: usize = 5;

/// The fields of an object.
pub(crate) struct Fields<'a> {
    known: Vec<(&'static str, &'a RawValue)>,
    twice: Option<&'static str>,
    /// In quotes.
    unknown: Vec<String>,
    unknown_count: usize,
}

/// The fields of a JSON object, with the values of those in `names`. `None` if `json` is not an
/// object.
pub(crate) fn fields<'a>(json: &'a RawValue, names: &[&'static str]) -> Option<Fields<'a>> {
    let mut fields = Fields { known: vec![], twice: None, unknown: vec![], unknown_count: 0 };
    let read = serde_json::Deserializer::from_str(json.get())
        .deserialize_map(Object { names, fields: &mut fields });
    read.is_ok().then_some(fields)
}

/// Passes the elements of a JSON array to `take`, up to the first that it refuses. `None` if `json`
/// is not an array.
pub(crate) fn each<'a, E>(
    json: &'a RawValue,
    take: impl FnMut(&'a RawValue) -> Result<(), E>,
) -> Option<Result<(), E>> {
    let mut refused = None;
    let read = serde_json::Deserializer::from_str(json.get())
        .deserialize_seq(Elements { take, refused: &mut refused });
    match refused {
        Some(refused) => Some(Err(refused)),
        None => read.is_ok().then_some(Ok(())),
    }
}

/// Passes the fields of a JSON object to `take`, in order, up to the first that it refuses. `None`
/// if `json` is not an object, or has a name that is no text.
pub(crate) fn each_field<'a, E>(
    json: &'a RawValue,
    take: impl FnMut(String, &'a RawValue) -> Result<(), E>,
) -> Option<Result<(), E>> {
    let mut refused = None;
    let read = serde_json::Deserializer::from_str(json.get())
        .deserialize_map(Entries { take, refused: &mut refused });
    match refused {
        Some(refused) => Some(Err(refused)),
        None => read.is_ok().then_some(Ok(())),
    }
}

/// The text of a JSON string; `None` for anything else.
pub(crate) fn text(json: &RawValue) -> Option<String> {
    serde_json::from_str(json.get()).ok()
}

impl<'a> Fields<'a> {
    /// The value of the field called `name`, if it was one of the names.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.known.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// Why the object is refused, if it may only have the fields `allowed`, each once.
    pub(crate) fn refuse(&self, allowed: &[&str]) -> Option<String> {
        let other = self.known.iter().find(|(name, _)| !allowed.contains(name));
        match (self.twice, other, self.unknown.first()) {
            (Some(twice), ..) => Some(format!("duplicate field {twice:?}")),
            (None, Some((other, _)), _) => Some(format!("unknown field {}", quote_short(other))),
            (None, None, Some(other)) => {
                Some(format!("unknown field {other}{}", meant(other, allowed)))
            }
            (None, None, None) => None,
        }
    }

    /// The names of the fields, or the first of them if there are many, and which of `expected` one
    /// of them is near. `None` if there are no fields.
    pub(crate) fn names(&self, expected: &[&str]) -> Option<String> {
        let more = match self.unknown_count.saturating_sub(self.unknown.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let known = self.known.iter().map(|(name, _)| quote_short(name));
        let names = known.chain(self.unknown.iter().cloned()).collect::<Vec<_>>().join(", ");
        let mut meant = self.unknown.iter().map(|name| meant(name, expected));
        let meant = meant.find(|meant| !meant.is_empty()).unwrap_or_default();
        (!names.is_empty()).then(|| format!("{names}{more}{meant}"))
    }
}

/// A question for the name that an unknown one, which is in quotes, is near; empty if there is none.
fn meant(quoted: &str, names: &[&str]) -> String {
    let near = near(quoted.trim_matches('"'), names);
    near.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}

struct Object<'n, 'f, 'a> {
    names: &'n [&'static str],
    fields: &'f mut Fields<'a>,
}

impl<'a> Visitor<'a> for Object<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        let Object { names, fields } = self;
        loop {
            let shows = fields.unknown.len() < SHOWN;
            let Some(key) = map.next_key_seed(Key { names, shows })? else { return Ok(()) };
            let value = map.next_value()?;
            match key {
                Ok(name) if fields.get(name).is_some() => fields.twice = Some(name),
                Ok(name) => fields.known.push((name, value)),
                Err(unknown) => {
                    fields.unknown_count += 1;
                    fields.unknown.extend(unknown);
                }
            }
        }
    }
}

/// Reads a key: one of the names, or another, which is kept only if it `shows`.
struct Key<'n> {
    names: &'n [&'static str],
    shows: bool,
}

impl<'a> DeserializeSeed<'a> for Key<'_> {
    type Value = Result<&'static str, Option<String>>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Result<&'static str, Option<String>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        let name = self.names.iter().find(|name| **name == key).copied();
        Ok(name.ok_or_else(|| self.shows.then(|| quote_short(key))))
    }
}

struct Elements<'r, F, E> {
    take: F,
    refused: &'r mut Option<E>,
}

impl<'a, F: FnMut(&'a RawValue) -> Result<(), E>, E> Visitor<'a> for Elements<'_, F, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<S: SeqAccess<'a>>(mut self, mut elements: S) -> Result<(), S::Error> {
        while let Some(element) = elements.next_element()? {
            if let Err(refused) = (self.take)(element) {
                *self.refused = Some(refused);
                return Err(S::Error::custom("an element is refused"));
            }
        }
        Ok(())
    }
}

struct Entries<'r, F, E> {
    take: F,
    refused: &'r mut Option<E>,
}

impl<'a, F: FnMut(String, &'a RawValue) -> Result<(), E>, E> Visitor<'a> for Entries<'_, F, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(mut self, mut entries: M) -> Result<(), M::Error> {
        while let Some((name, value)) = entries.next_entry()? {
            if let Err(refused) = (self.take)(name, value) {
                *self.refused = Some(refused);
                return Err(M::Error::custom("a field is refused"));
            }
        }
        Ok(())
    }
}

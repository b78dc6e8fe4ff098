//! The texts of statements and schemas, and which of them changed.

use engine::Engine;
use local_stack::{Planned, Schema, engines};
use sql_function::Catalogue;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::arguments::Arguments;

/// The texts of a moment.
#[derive(Default)]
pub(crate) struct Texts {
    /// Of each function, by the names of the statements.
    statements: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    schemas: BTreeMap<Engine, Result<Option<Schema>, String>>,
}

/// What differs from a moment before.
pub(crate) struct Difference {
    /// New or with another text.
    pub(crate) changed: BTreeSet<String>,
    pub(crate) gone: BTreeSet<String>,
}

impl Texts {
    /// Reads all. What cannot be read counts as missing: the function says why.
    pub(crate) fn read(functions: &[Planned], arguments: &Arguments) -> Texts {
        let mut texts = Texts::default();
        for planned in functions {
            let mut own = BTreeMap::new();
            let entries = fs::read_dir(&planned.function.folder).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()).filter(|path| Catalogue::takes(path)) {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                if let Ok(text) = fs::read(&path) {
                    own.insert(name, text);
                }
            }
            texts.statements.insert(planned.name.clone(), own);
        }
        for engine in engines(functions) {
            let schema = arguments.schema(engine).map_err(|error| error.to_string());
            texts.schemas.insert(engine, schema);
        }
        texts
    }

    /// How the statements of a function differ from those of `before`.
    pub(crate) fn difference(&self, before: &Texts, function: &str) -> Difference {
        let none = BTreeMap::new();
        let own = |texts: &'_ Texts| texts.statements.get(function).unwrap_or(&none).clone();
        let (now, before) = (own(self), own(before));
        let differs = |name: &&String| before.get(*name) != now.get(*name);
        Difference {
            changed: now.keys().filter(differs).cloned().collect(),
            gone: before.keys().filter(|name| !now.contains_key(*name)).cloned().collect(),
        }
    }

    /// The engines whose schema differs from the one of `before`.
    pub(crate) fn schemas(&self, before: &Texts) -> Vec<(Engine, Result<Option<Schema>, String>)> {
        let differs = |(engine, schema): &(&Engine, &_)| before.schemas.get(engine) != Some(schema);
        let changed = self.schemas.iter().filter(differs);
        changed.map(|(engine, schema)| (*engine, schema.clone())).collect()
    }
}

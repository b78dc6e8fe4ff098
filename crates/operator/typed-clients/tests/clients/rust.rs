//! Rust that parses, in which no two things have a name. That it compiles is tested with local-stack's
//! program.

use proptest::prelude::*;
use std::collections::BTreeSet;
use syn::Item;
use typed_clients::{Description, Language};

use crate::catalogue::{empty, nasty, random};

/// Parses a client, and returns the names of its types.
fn types(description: &Description) -> BTreeSet<String> {
    let text = Language::Rust.client(description, "cargo xtask describe --rust");
    let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut types = BTreeSet::new();
    for item in file.items {
        let (name, fields) = match item {
            Item::Struct(item) => (item.ident, Some(item.fields)),
            Item::Enum(item) => (item.ident, None),
            Item::Trait(item) => (item.ident, None),
            Item::Type(item) => (item.ident, None),
            _ => continue,
        };
        assert!(types.insert(name.to_string()), "{name} twice in\n{text}");
        let fields =
            fields.iter().flat_map(|fields| fields.iter().filter_map(|it| it.ident.as_ref()));
        let mut names = BTreeSet::new();
        for field in fields {
            assert!(names.insert(field.to_string()), "{name}.{field} twice in\n{text}");
        }
    }
    types
}

#[test]
fn difficult_names_are_types() {
    let types = types(&nasty());
    for name in ["Items", "OrderTotal", "OrderTotal2", "OrderTotalRow2", "Class", "Statement_", "T"]
    {
        assert!(types.contains(name), "{name}: {types:?}");
    }
    assert!(self::types(&empty()).contains("Transaction"));
}

proptest! {
    #[test]
    fn any_description_is_rust(description in random()) {
        types(&description);
    }
}

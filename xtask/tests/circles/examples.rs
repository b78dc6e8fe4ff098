//! What counts as an import, on small crates.

use std::fs;
use std::path::Path;

use super::{Crate, circle};

/// The circle through the file `a.rs` of a crate of these files, as the files' names.
fn circle_of(name: &str, files: &[(&str, &str)]) -> Option<Vec<String>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    for (file, text) in files {
        let file = folder.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let all = Crate::of_root(&folder.join("lib.rs"));
    let start = folder.join("a.rs");
    let way = circle(&all.imports(), &start)?.into_iter();
    Some(way.map(|file| file.strip_prefix(&folder).unwrap().display().to_string()).collect())
}

const ROOT: (&str, &str) = ("lib.rs", "mod a; mod b; mod c; pub(crate) use c::{Name as Other, f};");

#[test]
fn every_form_of_an_import_counts() {
    let found = |a, b, c| circle_of("counts", &[ROOT, ("a.rs", a), ("b.rs", b), ("c.rs", c)]);
    let two = Some(vec!["a.rs".to_owned(), "b.rs".to_owned()]);
    let all = Some(vec!["a.rs".to_owned(), "c.rs".to_owned(), "b.rs".to_owned()]);
    assert_eq!(found("use crate::b::B;", "use super::a::A;", ""), two);
    assert_eq!(found("use crate::{c, b::{self, B}};", "fn f() { crate::a::g::<u8>() }", ""), two);
    assert_eq!(found("mod inner { use super::super::b::B; }", "pub use crate::a::*;", ""), two);
    assert_eq!(found("use crate::Other;", "use crate::a::A;", "use crate::b::B;"), all);
    assert_eq!(found("fn g() { crate::f() }", "use crate::a::A;", "use crate::b::B;"), all);
}

#[test]
fn nothing_else_does() {
    let found = |a, b| circle_of("counts-not", &[ROOT, ("a.rs", a), ("b.rs", b), ("c.rs", "")]);
    let uses_a = "use crate::a::A;";
    assert_eq!(found("use crate::c::C;", uses_a), None);
    assert_eq!(found("// use crate::b::B;\n/* crate::b */ //! [`crate::b`]", uses_a), None);
    assert_eq!(found(r##"const TEXT: &str = r#"" crate::b::B"#; // "\""##, uses_a), None);
    assert_eq!(found("#[cfg(test)]\n#[allow(x)]\nmod tests { use crate::b::B; }", uses_a), None);
    assert_eq!(found("fn f<'a>(_: &'a str) -> char { '\"' } // crate::b::B", uses_a), None);
    assert_eq!(found("use std::b; use b::crate_name;", uses_a), None);
}

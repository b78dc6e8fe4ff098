//! No files of a crate import each other in a circle. What counts are paths that begin with `crate::`
//! or `super::`, outside tests. A re-export stands for the file that defines the item. A file may name
//! the modules below it by relative paths.

mod examples;

use regex::Regex;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::workspace::{packages, root};

/// A comment, a literal, an identifier, `::`, or any other character.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    let comment = r"//[^\n]*|/\*.*?\*/";
    let text = r##"b?r#".*?"#|b?r"[^"]*"|b?"(?:[^"\\]|\\.)*""##;
    let character = r"'(?:[^'\\]|\\.[^']*)'";
    Regex::new(&format!(r"(?s){comment}|{text}|{character}|[A-Za-z_]\w*|::|\S")).unwrap()
});

/// The names of a path, from `crate` or `super` or a name in scope.
type Names = Vec<String>;

/// A module of a crate, in a file of its own or within one.
#[derive(Default)]
struct Module {
    file: PathBuf,
    /// What `use` brings into it, by name.
    uses: HashMap<String, Names>,
    /// The paths that count.
    imports: Vec<Names>,
}

/// The modules of a library or program, by their path from its root.
#[derive(Default)]
struct Crate(BTreeMap<Names, Module>);

/// A position in a file's tokens, and where it is in the crate.
struct Reader<'a> {
    tokens: &'a [&'a str],
    at: usize,
    /// Where files of submodules are.
    folder: &'a Path,
    file: &'a Path,
}

impl Crate {
    fn of_root(file: &Path) -> Crate {
        let mut all = Crate::default();
        all.read_file(vec![], file, file.parent().unwrap());
        all
    }

    fn read_file(&mut self, path: Names, file: &Path, folder: &Path) {
        let text = fs::read_to_string(file).unwrap();
        let tokens: Vec<_> = TOKEN.find_iter(&text).map(|token| token.as_str()).collect();
        let is_code = |token: &&str| !token.starts_with("//") && !token.starts_with("/*");
        let tokens: Vec<_> = tokens.into_iter().filter(is_code).collect();
        self.read(path, &mut Reader { tokens: &tokens, at: 0, folder, file });
    }

    /// Reads a module, to its closing brace or the end of the file.
    fn read(&mut self, path: Names, reader: &mut Reader<'_>) {
        let mut module = Module { file: reader.file.to_owned(), ..Module::default() };
        let mut depth = 0;
        while let Some(token) = reader.next() {
            match token {
                "{" => depth += 1,
                "}" if depth == 0 => break,
                "}" => depth -= 1,
                "#" if reader.is_for_tests() => reader.skip_item(),
                "mod" => {
                    let name = reader.next().unwrap().to_owned();
                    let below = [path.clone(), vec![name.clone()]].concat();
                    let folder = reader.folder.join(&name);
                    match reader.next() {
                        Some(";") => {
                            let file = folder.with_extension("rs");
                            self.read_file(below, &file, &folder);
                        }
                        _ => {
                            let mut inner = Reader { folder: &folder, ..*reader };
                            self.read(below, &mut inner);
                            reader.at = inner.at;
                        }
                    }
                }
                "use" => {
                    for (name, names) in reader.use_tree(&[]) {
                        if matches!(&*names[0], "crate" | "super") {
                            module.imports.push(names.clone());
                        }
                        module.uses.insert(name, names);
                    }
                }
                "crate" | "super" if reader.peek() == Some("::") => {
                    module.imports.push(reader.names(token));
                }
                _ => {}
            }
        }
        self.0.insert(path, module);
    }

    /// The file that defines what `names` are in the module `from`, if it is one of this crate's.
    fn definition(&self, from: &[String], names: &[String], hops: usize) -> Option<&Path> {
        let mut module = if names[0] == "crate" { vec![] } else { from.to_vec() };
        for (at, name) in names.iter().enumerate() {
            let below = [module.clone(), vec![name.clone()]].concat();
            match name.as_str() {
                "crate" | "self" => {}
                "super" => drop(module.pop()),
                _ if self.0.contains_key(&below) => module = below,
                name => match self.0.get(&module)?.uses.get(name) {
                    Some(used) if hops < 20 => {
                        let names = [used, &names[at + 1..]].concat();
                        return self.definition(&module, &names, hops + 1);
                    }
                    _ if at == 0 => return None, // another crate's
                    _ => break,
                },
            }
        }
        Some(&self.0.get(&module)?.file)
    }

    /// Which files each file imports.
    fn imports(&self) -> BTreeMap<&Path, BTreeSet<&Path>> {
        let mut imports: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
        for (path, module) in &self.0 {
            let files = imports.entry(&module.file).or_default();
            files.extend(module.imports.iter().filter_map(|names| self.definition(path, names, 0)));
            files.remove(&*module.file);
        }
        imports
    }
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.at).copied()
    }

    fn next(&mut self) -> Option<&'a str> {
        self.at += 1;
        self.tokens.get(self.at - 1).copied()
    }

    /// Whether the attribute that begins here leaves its item out unless tests are built.
    fn is_for_tests(&self) -> bool {
        self.tokens[self.at..].starts_with(&["[", "cfg", "(", "test", ")", "]"])
    }

    /// Skips an attribute and its item: to its semicolon, or the brace that closes it.
    fn skip_item(&mut self) {
        let mut depth = 0;
        while let Some(token) = self.next() {
            match token {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" => depth -= 1,
                _ => {}
            }
            if depth == 0 && matches!(token, ";" | "}") {
                break;
            }
        }
    }

    /// The rest of a path that begins with `first`.
    fn names(&mut self, first: &str) -> Names {
        let mut names = vec![first.to_owned()];
        while self.peek() == Some("::") {
            self.at += 1;
            let name = self.next().unwrap();
            if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                break; // generic arguments
            }
            names.push(name.to_owned());
        }
        names
    }

    /// The names that a `use` brings in, with their paths, to the end of this branch of its tree.
    fn use_tree(&mut self, above: &[String]) -> Vec<(String, Names)> {
        let mut names = above.to_vec();
        let mut alias = None;
        while let Some(token) = self.next() {
            match token {
                "::" => {}
                "as" => alias = self.next(),
                "{" => {
                    let mut all = vec![];
                    while self.peek() != Some("}") {
                        all.extend(self.use_tree(&names));
                        if self.peek() == Some(",") {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return all;
                }
                "self" if !names.is_empty() => {}
                name => names.push(name.to_owned()),
            }
            if matches!(self.peek(), Some("," | "}" | ";")) {
                break;
            }
        }
        let name = alias.map_or_else(|| names.last().unwrap().clone(), str::to_owned);
        vec![(name, names)]
    }
}

/// The shortest circle through `start`.
fn circle<'a>(
    imports: &BTreeMap<&'a Path, BTreeSet<&'a Path>>,
    start: &'a Path,
) -> Option<Vec<&'a Path>> {
    let mut queue = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = queue.pop_front() {
        for &next in &imports[way[way.len() - 1]] {
            if next == start {
                return Some(way);
            }
            if seen.insert(next) {
                queue.push_back([way.clone(), vec![next]].concat());
            }
        }
    }
    None
}

#[test]
fn no_files_import_each_other() {
    let mut circles = BTreeMap::new();
    for target in packages().iter().flat_map(|package| &package.roots) {
        let all = Crate::of_root(target);
        let imports = all.imports();
        for way in imports.keys().filter_map(|file| circle(&imports, file)) {
            let name = |file: &&Path| file.strip_prefix(root()).unwrap().display().to_string();
            let names: Vec<_> = way.iter().map(name).collect();
            circles.entry(BTreeSet::from_iter(names.clone())).or_insert(names);
        }
    }
    let shown: Vec<_> = circles.values().map(|circle| circle.join("\n  imports ")).collect();
    assert!(shown.is_empty(), "files import each other:\n{}", shown.join("\n\n"));
}

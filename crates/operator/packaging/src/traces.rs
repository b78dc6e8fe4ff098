//! Paths of the builder's machine, which must not be in a program: they would reveal the builder, and make
//! the bytes depend on the machine.

use memchr::memmem;
use std::path::{Path, PathBuf};

/// A folder, and the path that the compiler writes instead.
pub(crate) type Remapped = (PathBuf, String);

/// The compiler's options for these replacements. The last that matches is used.
pub(crate) fn remap(folders: &[Remapped]) -> Vec<String> {
    let option =
        |(folder, name): &Remapped| format!("--remap-path-prefix={}={name}", folder.display());
    folders.iter().map(option).collect()
}

/// The first of `folders` whose path is in `program`.
///
/// A folder directly in `/`, such as `/src`, reveals nothing, and may be part of another path.
pub(crate) fn find<'a>(
    program: &[u8],
    mut folders: impl Iterator<Item = &'a Path>,
) -> Option<&'a Path> {
    folders.find(|folder| {
        let path = folder.as_os_str().as_encoded_bytes();
        folder.components().count() > 2
            && memmem::find(program, &[path, b"/".as_slice()].concat()).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_builder_are_found() {
        let home = Path::new("/home/ada");
        let found = |program: &[u8]| find(program, [home].into_iter()).is_some();
        assert!(found(b"\0src/main.rs/home/ada/project/src/lib.rs\0"));
        assert!(!found(b"/home/adam/project, /project/home/ada"));
        assert_eq!(find(b"/cargo/src/lib.rs", [Path::new("/src")].into_iter()), None);
    }
}

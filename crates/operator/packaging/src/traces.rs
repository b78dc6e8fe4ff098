//! What of the builder's machine must not be in a program: the paths of its folders. They would tell
//! whoever gets the zip about the builder, and make the bytes depend on where they were built.

use memchr::memmem;
use std::path::{Path, PathBuf};

/// A folder, and the name that the compiler writes in its place.
pub(crate) type Remapped = (PathBuf, String);

/// The compiler's options that write the names in place of the folders. The last that fits wins.
pub(crate) fn remap(folders: &[Remapped]) -> Vec<String> {
    let option =
        |(folder, name): &Remapped| format!("--remap-path-prefix={}={name}", folder.display());
    folders.iter().map(option).collect()
}

/// The first of `folders` whose path is in `program`.
///
/// The path of a folder in `/`, such as `/src`, tells nothing, and may be part of any other.
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
    fn a_path_of_the_builder_is_found() {
        let home = Path::new("/home/ada");
        let found = |program: &[u8]| find(program, [home].into_iter()).is_some();
        assert!(found(b"\0src/main.rs/home/ada/project/src/lib.rs\0"));
        assert!(!found(b"/home/adam/project, /project/home/ada"));
        assert_eq!(find(b"/cargo/src/lib.rs", [Path::new("/src")].into_iter()), None);
    }
}

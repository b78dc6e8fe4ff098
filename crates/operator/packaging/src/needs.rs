//! What a program needs to start, read from its ELF file.
//!
//! Symbol versions: <https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html>.

use object::elf::{self, VER_FLG_WEAK};
use object::read::elf::{ElfFile64, FileHeader as _, ProgramHeader as _};
use object::{Object as _, SymbolIndex};

use crate::Failure;

/// What a program needs to start.
#[derive(Debug)]
pub(crate) struct Needs {
    /// The processor.
    pub(crate) machine: elf::Machine,
    /// The path of the loader. `None` for a static program.
    pub(crate) interpreter: Option<String>,
    /// The shared libraries, by file name.
    pub(crate) libraries: Vec<String>,
    /// The symbol versions of these libraries.
    pub(crate) versions: Vec<Version>,
}

/// A symbol version, without which the program does not start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// `GLIBC_2.34`
    pub(crate) name: String,
    /// `libc.so.6`
    pub(crate) library: String,
    /// The symbols of this version that are used. None, where the version means a feature of the loader.
    pub(crate) symbols: Vec<String>,
}

impl Needs {
    /// Reads the ELF file `bytes`.
    ///
    /// # Errors
    /// It is not a valid 64-bit ELF file.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Failure> {
        let file: ElfFile64<'_> = ElfFile64::parse(bytes)?;
        let endian = file.endian();
        let mut interpreter = None;
        for segment in file.elf_program_headers() {
            interpreter = segment.interpreter(endian, bytes)?.map(text).or(interpreter);
        }
        let mut libraries = Vec::new();
        for library in file.import_libraries()? {
            libraries.push(text(library?.name()));
        }
        Ok(Self {
            machine: file.elf_header().e_machine(endian),
            interpreter,
            libraries,
            versions: versions(&file)?,
        })
    }
}

/// The versions that the loader requires: all but weak ones.
fn versions(file: &ElfFile64<'_>) -> Result<Vec<Version>, Failure> {
    let (endian, data, sections) = (file.endian(), file.data(), file.elf_section_table());
    let Some((needed, strings)) = sections.gnu_verneed(endian, data)? else {
        return Ok(Vec::new());
    };
    let strings = sections.strings(endian, data, strings)?;
    let mut versions = Vec::new();
    for library in needed {
        let (library, needed) = library?;
        for version in needed {
            let version = version?;
            if version.vna_flags.get(endian).contains(VER_FLG_WEAK) {
                continue;
            }
            versions.push(Version {
                name: text(version.name(endian, strings)?),
                library: text(library.file(endian, strings)?),
                symbols: symbols(file, version.vna_other.get(endian))?,
            });
        }
    }
    Ok(versions)
}

/// The names of the symbols of a version.
fn symbols(file: &ElfFile64<'_>, version: elf::VersionIndex) -> Result<Vec<String>, Failure> {
    let endian = file.endian();
    let Some(table) = file.elf_section_table().versions(endian, file.data())? else {
        return Ok(Vec::new());
    };
    let symbols = file.elf_dynamic_symbol_table();
    let mut names = Vec::new();
    for (index, symbol) in symbols.iter().enumerate() {
        if table.version_index(endian, SymbolIndex(index)).index() == version {
            names.push(text(symbols.symbol_name(endian, symbol)?));
        }
    }
    Ok(names)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

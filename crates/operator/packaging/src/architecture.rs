//! Lambda's two architectures.

use std::env::consts::ARCH;
use std::fmt;
use std::str::FromStr;

use object::elf;

/// An architecture of Lambda
/// (<https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// AWS Graviton2.
    Arm64,
    /// 64-bit Intel and AMD.
    X86_64,
}

impl Architecture {
    /// This machine's architecture, if it is one of Lambda's.
    pub fn of_this_machine() -> Option<Self> {
        match ARCH {
            "aarch64" => Some(Self::Arm64),
            "x86_64" => Some(Self::X86_64),
            _ => None,
        }
    }

    /// Lambda's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }

    /// Rust's name of Linux with glibc on it.
    pub(crate) fn rust_target(self) -> &'static str {
        match self {
            Self::Arm64 => "aarch64-unknown-linux-gnu",
            Self::X86_64 => "x86_64-unknown-linux-gnu",
        }
    }

    /// The machine in the header of an ELF file.
    pub(crate) fn elf_machine(self) -> elf::Machine {
        match self {
            Self::Arm64 => elf::EM_AARCH64,
            Self::X86_64 => elf::EM_X86_64,
        }
    }

    /// The path of glibc's loader, which is part of the ABI.
    pub(crate) fn interpreter(self) -> &'static str {
        match self {
            Self::Arm64 => "/lib/ld-linux-aarch64.so.1",
            Self::X86_64 => "/lib64/ld-linux-x86-64.so.2",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Architecture {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "arm64" => Ok(Self::Arm64),
            "x86_64" => Ok(Self::X86_64),
            _ => Err(format!("unknown architecture {name:?}; use arm64 or x86_64")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lambdas_names_are_accepted() {
        for architecture in [Architecture::Arm64, Architecture::X86_64] {
            assert_eq!(architecture.name().parse(), Ok(architecture));
        }
        let error = "aarch64".parse::<Architecture>().unwrap_err();
        assert_eq!(error, "unknown architecture \"aarch64\"; use arm64 or x86_64");
    }
}

//! Which version of an engine a server must be of, and where each can be had.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use engine::{Engine, UnknownEngine};

use crate::release::{BOOKWORM, JAMMY, NOBLE, PLUCKY, RESOLUTE, Release, SID, TRIXIE};

/// An engine and, maybe, the version that its server must be of: `postgres`, `postgres@17`, `mysql@8.0.36`.
///
/// ```
/// use local_packages::Version;
///
/// let version: Version = "postgres@17".parse()?;
/// assert!(version.is_of("17.10") && !version.is_of("15.20"));
/// assert_eq!(version.to_string(), "postgres@17");
/// # Ok::<(), local_packages::WrongVersion>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    engine: Engine,
    numbers: Option<String>,
}

/// The versions that can be fetched, and the release whose packages they are; each engine's oldest first.
/// Those of Amazon RDS that are not here are in no release of Debian or Ubuntu whose C library is recent
/// enough for the plugins (2.34): MariaDB 10.5 and PostgreSQL 13 are bullseye's, which has 2.31; MariaDB
/// 12.3 is in none.
const AVAILABLE: &[(Engine, &str, &Release)] = &[
    (Engine::MySql, "8.0", &JAMMY),
    (Engine::MySql, "8.4", &RESOLUTE),
    (Engine::MySql, "9.7", &SID),
    (Engine::MariaDb, "10.6", &JAMMY),
    (Engine::MariaDb, "10.11", &BOOKWORM),
    (Engine::MariaDb, "11.4", &PLUCKY),
    (Engine::MariaDb, "11.8", &RESOLUTE),
    (Engine::Postgres, "14", &JAMMY),
    (Engine::Postgres, "15", &BOOKWORM),
    (Engine::Postgres, "16", &NOBLE),
    (Engine::Postgres, "17", &TRIXIE),
    (Engine::Postgres, "18", &RESOLUTE),
];

impl Version {
    /// The engine.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The version, such as `17`; none where any will do.
    #[must_use]
    pub fn numbers(&self) -> Option<&str> {
        self.numbers.as_deref()
    }

    /// The versions of an engine that can be fetched, the oldest first.
    pub fn all(engine: Engine) -> impl DoubleEndedIterator<Item = Self> {
        let own = AVAILABLE.iter().filter(move |(of, ..)| *of == engine);
        own.map(|&(engine, numbers, _)| Self { engine, numbers: Some(numbers.to_owned()) })
    }

    /// The oldest and the newest of an engine that can be fetched.
    pub fn ends(engine: Engine) -> impl Iterator<Item = Self> {
        let (mut all, mut reverse) = (Self::all(engine), Self::all(engine));
        all.next().into_iter().chain(reverse.next_back())
    }

    /// The versions of an engine that can be fetched, for a sentence: `8.0, 8.4, 9.7`.
    #[must_use]
    pub fn list(engine: Engine) -> String {
        let numbers = Self::all(engine).filter_map(|version| version.numbers);
        numbers.collect::<Vec<_>>().join(", ")
    }

    /// What someone is told who asked for a version that cannot be had: those that can, and how to write the
    /// ones that agree with it as far as it goes.
    pub(crate) fn instead_of(engine: Engine, asked: &str) -> String {
        let asked: Vec<_> = parts(asked).filter(|part| !part.is_empty()).collect();
        let agrees = |version: &Self| {
            let own = version.numbers.as_deref().unwrap_or_default();
            !asked.is_empty() && parts(own).zip(&asked).all(|(own, asked)| own == *asked)
        };
        let near: Vec<_> = Self::all(engine).filter(agrees).map(|near| near.to_string()).collect();
        let hint = match Self::all(engine).next_back() {
            Some(newest) if near.is_empty() => format!(", as in {newest}"),
            _ => format!(": use {}", near.join(" or ")),
        };
        format!("the versions of {engine} are {}{hint}", Self::list(engine))
    }

    /// Whether a server that calls its version `found` is of this one: `15.18` is of 15, but not of 1.
    #[must_use]
    pub fn is_of(&self, found: &str) -> bool {
        let Some(asked) = &self.numbers else { return true };
        parts(found).take(parts(asked).count()).eq(parts(asked))
    }

    /// The version of the list that this is one of, and the release whose packages it is in.
    pub(crate) fn source(&self) -> Option<(Self, &'static Release)> {
        let numbers = self.numbers.as_deref()?;
        // 10.11 and not 10.1.
        let mut candidates: Vec<_> = AVAILABLE
            .iter()
            .filter(|(engine, series, _)| {
                let series = Self { engine: *engine, numbers: Some((*series).to_owned()) };
                *engine == self.engine && series.is_of(numbers)
            })
            .collect();
        candidates.sort_by_key(|(_, series, _)| Reverse(series.len()));
        let (engine, series, release) = candidates.first()?;
        Some((Self { engine: *engine, numbers: Some((*series).to_owned()) }, release))
    }
}

/// The numbers of a version, and what follows them.
fn parts(version: &str) -> impl Iterator<Item = &str> {
    version.split(|c: char| !c.is_ascii_alphanumeric())
}

/// Any version.
impl From<Engine> for Version {
    fn from(engine: Engine) -> Self {
        Self { engine, numbers: None }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.numbers {
            None => f.pad(self.engine.name()),
            Some(numbers) => f.pad(&format!("{}@{numbers}", self.engine)),
        }
    }
}

impl FromStr for Version {
    type Err = WrongVersion;

    /// Reads `ENGINE` or `ENGINE@VERSION`. That a server of the version can be had is known when one is
    /// [looked for](crate::find).
    fn from_str(text: &str) -> Result<Self, WrongVersion> {
        let (name, numbers) = match text.split_once('@') {
            None => (text, None),
            Some((name, numbers)) => (name, Some(numbers)),
        };
        let engine = name.parse().map_err(WrongVersion::Engine)?;
        match numbers {
            Some(numbers) if !is_version(numbers) => {
                Err(WrongVersion::Numbers(engine, numbers.to_owned()))
            }
            numbers => Ok(Self { engine, numbers: numbers.map(str::to_owned) }),
        }
    }
}

/// Whether a text is a version: numbers, with dots between them, and maybe what a packager adds.
pub(crate) fn is_version(text: &str) -> bool {
    let first = text.split('.').next().unwrap_or_default();
    let is_plain = |char: char| char.is_ascii_alphanumeric() || ".-+~".contains(char);
    let is_number = first.chars().all(|c| c.is_ascii_digit());
    is_number && text.chars().all(is_plain) && parts(text).all(|part| !part.is_empty())
}

/// What is no [`Version`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrongVersion {
    /// The engine is unknown.
    Engine(UnknownEngine),
    /// What follows the `@` is no version.
    Numbers(Engine, String),
}

impl fmt::Display for WrongVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => error.fmt(f),
            Self::Numbers(engine, numbers) => {
                let what = match &**numbers {
                    "" => "there is no version".to_owned(),
                    numbers => format!("{numbers:?} is no version"),
                };
                write!(f, "{engine}@{numbers}: {what}; {}", Version::instead_of(*engine, numbers))
            }
        }
    }
}

impl std::error::Error for WrongVersion {}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_are_compared_as_a_whole() {
        for asked in ["15", "15.18"] {
            assert!(version(&format!("postgres@{asked}")).is_of("15.18"), "{asked}");
        }
        assert!(version("mysql@9.7.4").is_of("9.7.4-2"));
        assert!(version("mariadb@10.11").is_of("10.11.14-MariaDB-0+deb12u2"));
        assert!(version("mysql").is_of("9.7.4-2"));
        for asked in ["1", "15.1", "16", "15.18.1"] {
            assert!(!version(&format!("postgres@{asked}")).is_of("15.18"), "{asked}");
        }
    }

    #[test]
    fn versions_are_read_as_they_are_written() {
        for text in ["mysql", "mysql@8.0", "mariadb@10.11.19-MariaDB-0+deb12u1", "postgres@18"] {
            assert_eq!(version(text).to_string(), text);
        }
        assert_eq!(version("aurora-postgresql@17").to_string(), "postgres@17");
        for (text, says) in [
            (
                "postgres@",
                "there is no version; the versions of postgres are 14, 15, 16, 17, 18, as in postgres@18",
            ),
            (
                "postgres@17.",
                "\"17.\" is no version; the versions of postgres are 14, 15, 16, 17, 18: use postgres@17",
            ),
            (
                "mysql@latest",
                "\"latest\" is no version; the versions of mysql are 8.0, 8.4, 9.7, as in mysql@9.7",
            ),
            ("postgres@.17", "is no version"),
            ("mysql@8..4", "is no version"),
            ("mysql@8 4", "is no version"),
            ("mysql@../../8", "is no version"),
            ("oracle@23", "unknown engine \"oracle\"; use mysql, mariadb or postgres"),
        ] {
            let error = text.parse::<Version>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn what_can_be_had_instead_is_said() {
        for (engine, asked, says) in [
            (Engine::Postgres, "17.2", "are 14, 15, 16, 17, 18: use postgres@17"),
            (Engine::MySql, "8", "are 8.0, 8.4, 9.7: use mysql@8.0 or mysql@8.4"),
            (Engine::MariaDb, "10.1", "are 10.6, 10.11, 11.4, 11.8, as in mariadb@11.8"),
            (Engine::Postgres, "1", "are 14, 15, 16, 17, 18, as in postgres@18"),
        ] {
            let said = Version::instead_of(engine, asked);
            assert!(said.ends_with(says), "{asked}: {said}");
        }
    }

    #[test]
    fn a_version_has_the_release_of_its_series() {
        let series = |text| version(text).source().map(|(series, _)| series.to_string());
        assert_eq!(series("mariadb@10.11.6").as_deref(), Some("mariadb@10.11"));
        assert_eq!(series("mysql@8.0").as_deref(), Some("mysql@8.0"));
        for text in ["mariadb@10.1", "mysql@8", "postgres@13", "postgres"] {
            assert_eq!(series(text), None, "{text}");
        }
    }

    #[test]
    fn the_oldest_and_the_newest_of_each_engine_differ() {
        for engine in Engine::ALL {
            let ends: Vec<_> = Version::ends(engine).collect();
            let all: Vec<_> = Version::all(engine).collect();
            assert_eq!(ends, [all[0].clone(), all[all.len() - 1].clone()]);
            let number = |version: &Version| -> Vec<u32> {
                parts(version.numbers().unwrap()).map(|part| part.parse().unwrap()).collect()
            };
            assert!(all.is_sorted_by_key(number), "{engine}");
        }
    }
}

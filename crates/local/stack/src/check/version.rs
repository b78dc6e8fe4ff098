//! Whether this machine's servers are of the versions asked for.

use local_packages::{find_or_fetch, named_by};
use local_stack::{Failure, Progress};
use tokio::task::spawn_blocking;

use crate::arguments::Server;

/// Compares each version that was asked for with the server that would be started.
pub(crate) async fn check(servers: &[Server], progress: &Progress) -> Result<(), Failure> {
    for Server { engine, version } in servers {
        let (engine, Some(asked)) = (*engine, version) else { continue };
        let told = progress.clone();
        let find = spawn_blocking(move || find_or_fetch(&engine.into(), &mut |line| told(line)));
        let found = find.await??.version;
        if !is_of(&found, asked) {
            let (variable, program) = named_by(engine);
            return Err(format!(
                "--engine {engine}@{asked}: this machine has {} {found}; name a server of the other version \
                 with {variable}=/path/to/{program}",
                engine.title()
            )
            .into());
        }
    }
    Ok(())
}

/// Whether the version `found` begins with the numbers of `asked`: 15.18 is of 15, but not of 1.
fn is_of(found: &str, asked: &str) -> bool {
    let numbers = |version: &'_ str| -> Vec<String> {
        version.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_owned).collect()
    };
    numbers(found).starts_with(&numbers(asked))
}

#[cfg(test)]
mod tests {
    use super::is_of;

    #[test]
    fn numbers_are_compared_as_a_whole() {
        for asked in ["15", "15.18"] {
            assert!(is_of("15.18", asked), "{asked}");
        }
        assert!(is_of("9.7.4-2", "9.7.4"));
        assert!(is_of("10.11.14-0+deb12u2", "10.11"));
        for asked in ["1", "15.1", "16", "15.18.1", "", "latest"] {
            assert!(!is_of("15.18", asked), "{asked}");
        }
    }
}

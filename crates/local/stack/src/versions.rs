//! The servers of the versions that were asked for.

use local_packages::{Version, find_or_fetch};
use local_stack::{Failure, Progress};
use tokio::task::spawn_blocking;

/// Finds or fetches each server that must be of a version, before anything starts.
///
/// # Errors
/// One is not to be had; the text has those that are.
pub(crate) async fn fetch(servers: &[Version], progress: &Progress) -> Result<(), Failure> {
    for version in servers.iter().filter(|version| version.numbers().is_some()) {
        let (version, told) = (version.clone(), progress.clone());
        let find = spawn_blocking(move || find_or_fetch(&version, &mut |line| told(line)));
        find.await?.map_err(|error| format!("--engine {}", command_line::chain(&error)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use local_packages::Version;
    use local_rds::Engine;

    #[test]
    fn the_help_lists_every_version() {
        let texts = [
            include_str!("help/check.txt"),
            include_str!("help/describe.txt"),
            include_str!("help/local.txt"),
        ];
        for (text, engine) in texts.iter().flat_map(|text| Engine::ALL.map(|engine| (text, engine)))
        {
            let words: Vec<_> = text.split_whitespace().collect();
            let list = format!("{engine} {}", Version::list(engine));
            assert!(words.join(" ").contains(&list), "{list}");
        }
    }
}

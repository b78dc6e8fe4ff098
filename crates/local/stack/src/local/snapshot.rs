//! The files that a session depends on, and what changed in them.
//!
//! They are polled, not watched by the system: editors rename files over others, and write some twice; a
//! folder may be on a network, or be removed and made again.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often files are looked at.
const INTERVAL: Duration = Duration::from_millis(200);

/// A file's time of change, length and number, by path.
pub(crate) type Snapshot = BTreeMap<PathBuf, (i64, i64, u64, u64)>;

/// The files `paths`, those in folders among them, and those in folders in those.
pub(crate) fn take(paths: &[PathBuf]) -> Snapshot {
    let mut snapshot = Snapshot::new();
    for path in paths {
        add(path, 2, &mut snapshot);
    }
    snapshot
}

fn add(path: &Path, depth: u32, snapshot: &mut Snapshot) {
    // It may be gone.
    let Ok(metadata) = fs::metadata(path) else { return };
    if !metadata.is_dir() {
        let stamp = (metadata.mtime(), metadata.mtime_nsec(), metadata.len(), metadata.ino());
        snapshot.insert(path.to_owned(), stamp);
    } else if depth > 0 {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            add(&entry.path(), depth - 1, snapshot);
        }
    }
}

/// Waits until the files differ from `before`, and have been the same twice in a row.
pub(crate) async fn changed(paths: &[PathBuf], before: &Snapshot) -> Snapshot {
    let mut last = take(paths);
    loop {
        tokio::time::sleep(INTERVAL).await;
        let now = take(paths);
        if now == last && now != *before {
            return now;
        }
        last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use tokio::time::timeout;

    #[tokio::test]
    async fn saving_renaming_and_deleting_are_changes() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("mysql");
        fs::create_dir(&own).unwrap();
        let file = own.join("a.sql");
        fs::write(&file, "SELECT 1").unwrap();
        let paths = [folder.path().to_owned()];
        let mut before = take(&paths);
        let changes: [&dyn Fn(); 4] = [
            &|| fs::write(&file, "SELECT 22").unwrap(),
            &|| {
                fs::write(own.join("a.sql~"), "SELECT 33").unwrap();
                fs::rename(own.join("a.sql~"), &file).unwrap();
            },
            &|| fs::remove_dir_all(&own).unwrap(),
            &|| {
                fs::create_dir(&own).unwrap();
                fs::write(&file, "SELECT 44").unwrap();
            },
        ];
        for change in changes {
            assert_eq!(take(&paths), before);
            change();
            let begun = Instant::now();
            let seen = changed(&paths, &before);
            let now = timeout(Duration::from_secs(20), seen).await.expect("a change is seen");
            assert!(begun.elapsed() >= INTERVAL, "it does not wait for a second write");
            assert_ne!(now, before);
            before = now;
        }
    }
}

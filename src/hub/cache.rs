//! The cache as `huggingface_hub` lays it out: `models--OWNER--NAME/{blobs,snapshots,refs}`.
//!
//! Files lie in `blobs` under their sums; a snapshot's files are links to them. Where the file system has
//! no links they are a second name of the same file, and copies where it has not even that.

use super::error::HubError;
use super::needs::{self, INDEX};
use super::repository::Repository;
use super::sum::Sum;
use crate::disk::{self, Onto, Readers};
use crate::task::Cancel;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Between two looks at a lock that another program has.
const LOCK_PAUSE: Duration = Duration::from_millis(100);
/// Ends of the names of files that are not whole, and of what is noted of them.
pub(super) const PART: &str = "incomplete";
pub(super) const MARK: &str = "incomplete.etag";

/// A repository's folder in the cache.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    pub(super) root: PathBuf,
    pub(super) locks: PathBuf,
}

impl Folder {
    pub(super) fn of(cache: &Path, repository: &Repository) -> Self {
        Self {
            root: cache.join(repository.folder()),
            locks: cache.join(".locks").join(repository.folder()),
        }
    }

    pub(super) fn make(&self) -> Result<(), HubError> {
        for folder in [
            self.blobs(),
            self.snapshots(),
            self.root.join("refs"),
            self.locks.clone(),
        ] {
            disk::make_folder(&folder).map_err(|error| HubError::disk(&folder, &error))?;
        }
        Ok(())
    }

    pub(super) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(super) fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    pub(super) fn blob(&self, sum: &Sum) -> PathBuf {
        self.blobs().join(sum.text())
    }

    /// The file while it is not whole.
    pub(super) fn part(&self, sum: &Sum) -> PathBuf {
        self.blobs().join(format!("{}.{PART}", sum.text()))
    }

    /// What the server that gave the part calls its version.
    pub(super) fn mark(&self, sum: &Sum) -> PathBuf {
        self.blobs().join(format!("{}.{MARK}", sum.text()))
    }

    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.snapshots().join(commit)
    }

    /// The commit that a name of a revision stands for.
    fn commit_of(&self, revision: &str) -> Option<String> {
        let text = fs::read_to_string(self.root.join("refs").join(revision)).ok()?;
        let text = text.trim();
        let is_commit = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_commit.then(|| text.to_owned())
    }

    /// From now on the revision stands for this commit.
    pub(super) fn set_ref(&self, revision: &str, commit: &str) -> Result<(), HubError> {
        if self.commit_of(revision).as_deref() == Some(commit) {
            return Ok(());
        }
        let path = self.root.join("refs").join(revision);
        disk::put(&path, commit.as_bytes(), Readers::Usual, Onto::Any)
            .map_err(|error| HubError::disk(&path, &error))
    }

    /// The snapshot to use: the one of `main`, else the only one, else the newest.
    pub(super) fn current(&self) -> Option<PathBuf> {
        let main = self.commit_of("main").map(|commit| self.snapshot(&commit));
        main.filter(|snapshot| snapshot.is_dir()).or_else(|| {
            let entries = fs::read_dir(self.snapshots()).into_iter().flatten().flatten();
            let dated = entries.filter(|entry| entry.path().is_dir()).map(|entry| {
                let date = entry.metadata().and_then(|about| about.modified()).ok();
                (date, entry.path())
            });
            dated.max().map(|(_, path)| path)
        })
    }

    /// Names the file of this sum in a snapshot.
    pub(super) fn link(&self, commit: &str, name: &str, sum: &Sum) -> Result<(), HubError> {
        let (snapshot, blob) = (self.snapshot(commit), self.blob(sum));
        let path = snapshot.join(name);
        let done = || -> io::Result<()> {
            disk::make_folder(&snapshot)?;
            let is_same =
                |one: &Path, other: &Path| Ok::<_, io::Error>(one.canonicalize()? == other.canonicalize()?);
            if path.is_symlink() && is_same(&path, &blob).unwrap_or(false) {
                return Ok(());
            }
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let to = Path::new("../../blobs").join(sum.text());
            if symlink(&to, &path).is_ok() || fs::hard_link(&blob, &path).is_ok() {
                return Ok(());
            }
            let mut copy = disk::unfinished(&snapshot, Readers::Usual)?;
            io::copy(&mut File::open(&blob)?, copy.as_file_mut())?;
            disk::finish(copy, &path, Onto::Any)
        };
        done().map_err(|error| HubError::disk(&path, &error))?;
        disk::sync_folder(&snapshot);
        Ok(())
    }

    /// Waits until no other program fetches this file; Python's honours the same lock.
    ///
    /// # Errors
    /// The lock cannot be made, or `is_over` was true.
    pub(super) fn lock(
        &self,
        sum: &Sum,
        is_over: &dyn Fn() -> bool,
        waits: &mut dyn FnMut(),
    ) -> Result<File, HubError> {
        let path = self.locks.join(format!("{}.lock", sum.text()));
        let opened = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = opened.map_err(|error| HubError::disk(&path, &error))?;
        let mut is_told = false;
        loop {
            match file.try_lock() {
                // Where files cannot be locked everybody is alone.
                Ok(()) | Err(fs::TryLockError::Error(_)) => return Ok(file),
                Err(fs::TryLockError::WouldBlock) if is_over() => return Err(HubError::Cancelled),
                Err(fs::TryLockError::WouldBlock) => {
                    if !is_told {
                        waits();
                        is_told = true;
                    }
                    std::thread::sleep(LOCK_PAUSE);
                }
            }
        }
    }

    /// Whether a program fetches a file of the repository at this moment.
    pub(super) fn is_busy(&self) -> bool {
        let entries = fs::read_dir(&self.locks).into_iter().flatten().flatten();
        let mut locks = entries.filter_map(|entry| File::open(entry.path()).ok());
        locks.any(|lock| matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)))
    }
}

#[cfg(unix)]
fn symlink(to: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, path)
}

#[cfg(windows)]
fn symlink(to: &Path, path: &Path) -> io::Result<()> {
    // Such links are spelt with the system's own sign.
    let to = to.to_string_lossy().replace('/', "\\");
    std::os::windows::fs::symlink_file(to, path)
}

/// The files in the folder of a snapshot that are there, a link's end included.
pub(super) fn names_in(snapshot: &Path) -> Vec<String> {
    let entries = fs::read_dir(snapshot).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    let mut names: Vec<String> = files
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// What a snapshot lacks to be used.
pub(super) fn missing_in(snapshot: &Path) -> Vec<String> {
    let names = names_in(snapshot);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let index = fs::read_to_string(snapshot.join(INDEX)).ok();
    needs::missing(&names, index.as_deref())
}

/// The folder with all files of a repository that is whole here.
pub fn whole_snapshot(cache: &Path, repository: &Repository) -> Option<PathBuf> {
    let snapshot = Folder::of(cache, repository).current()?;
    missing_in(&snapshot).is_empty().then_some(snapshot)
}

/// Sleeps, and wakes soon after `is_over`.
pub(super) fn pause(length: Duration, is_over: &dyn Fn() -> bool) {
    let end = std::time::Instant::now() + length;
    while !is_over() {
        let left = end.saturating_duration_since(std::time::Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
}

/// What a cancelled piece of work ends with.
pub(super) fn go_on(cancel: &Cancel) -> Result<(), HubError> {
    match cancel.is_cancelled() {
        true => Err(HubError::Cancelled),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_names_its_files_and_is_found_by_its_revision() {
        let cache = tempfile::tempdir().unwrap();
        let folder = Folder::of(cache.path(), &"a/b".parse().unwrap());
        folder.make().unwrap();
        let sum = Sum::from_text(&"ab".repeat(20)).unwrap();
        fs::write(folder.blob(&sum), "{}").unwrap();
        for _ in 0..2 {
            folder.link("0123abcd", "config.json", &sum).unwrap();
        }
        let snapshot = folder.snapshot("0123abcd");
        assert_eq!(fs::read(snapshot.join("config.json")).unwrap(), b"{}");
        #[cfg(unix)]
        assert_eq!(
            fs::read_link(snapshot.join("config.json")).unwrap(),
            Path::new("../../blobs").join(sum.text())
        );
        assert_eq!(folder.current(), Some(snapshot.clone()));
        folder.set_ref("main", "ffff").unwrap();
        assert_eq!(
            folder.current(),
            Some(snapshot.clone()),
            "that commit is not here"
        );
        folder.set_ref("main", "0123abcd").unwrap();
        assert_eq!(fs::read(folder.root.join("refs/main")).unwrap(), b"0123abcd");
        assert_eq!(
            (names_in(&snapshot), missing_in(&snapshot)),
            (
                vec!["config.json".to_owned()],
                vec!["model.safetensors".to_owned()]
            )
        );
        fs::remove_file(folder.blob(&sum)).unwrap();
        assert_eq!(
            names_in(&snapshot),
            [""; 0],
            "a link that leads nowhere is no file"
        );
    }

    #[test]
    fn one_at_a_time_fetches_a_file() {
        let cache = tempfile::tempdir().unwrap();
        let folder = Folder::of(cache.path(), &"a/b".parse().unwrap());
        folder.make().unwrap();
        let sum = Sum::from_text(&"ab".repeat(20)).unwrap();
        assert!(!folder.is_busy());
        let held = folder.lock(&sum, &|| false, &mut || {}).unwrap();
        assert!(folder.is_busy());
        let mut told = 0;
        assert_eq!(
            folder.lock(&sum, &|| true, &mut || told += 1).unwrap_err(),
            HubError::Cancelled
        );
        drop(held);
        assert!(folder.lock(&sum, &|| true, &mut || told += 1).is_ok() && told == 0);
    }
}

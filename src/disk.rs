//! Files written whole or not at all: under a name of their own first, then renamed.
//!
//! A file that is here after [`put`] is here after a power cut, too: it and the folder that names
//! it are synced. An unfinished file is locked as long as its program lives, so that those of killed
//! programs are told from those of running ones and [`sweep`] takes them away.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;
use tempfile::NamedTempFile;

/// How unfinished files are called. The dot hides them from listings of pictures.
const PREFIX: &str = ".lumina-studio-";
const SUFFIX: &str = ".part";
/// An unfinished file may be there for a moment before it is locked.
const YOUNG: Duration = Duration::from_secs(60);

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// As any other file: the process's umask is taken off.
    Usual,
    Owner,
}

/// What becomes of a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Onto {
    Any,
    /// Nothing is replaced: an error of the kind `AlreadyExists`.
    Nothing,
}

/// A new file without a name of its own yet.
pub(crate) fn unfinished(folder: &Path, readers: Readers) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    if readers == Readers::Usual {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = readers;
    let file = builder.tempfile_in(folder)?;
    // Where files cannot be locked they are swept by their age alone.
    let _ = file.as_file().try_lock();
    Ok(file)
}

/// Bytes the disk of a folder still takes, where the system tells.
pub(crate) fn available(folder: &Path) -> Option<u64> {
    fs4::available_space(folder).ok()
}

/// Gives an unfinished file its name.
pub(crate) fn finish(file: NamedTempFile, path: &Path, onto: Onto) -> io::Result<()> {
    file.as_file().sync_all()?;
    match onto {
        Onto::Any => file.persist(path),
        Onto::Nothing => file.persist_noclobber(path),
    }
    .map_err(|error| error.error)?;
    sync_folder(folder_of(path));
    Ok(())
}

/// Writes a file of these bytes.
pub(crate) fn put(path: &Path, bytes: &[u8], readers: Readers, onto: Onto) -> io::Result<()> {
    let mut file = unfinished(folder_of(path), readers)?;
    file.write_all(bytes)?;
    finish(file, path, onto)
}

/// The folder a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// What a folder lists outlives a power cut. Systems that cannot do that do it by themselves.
pub(crate) fn sync_folder(folder: &Path) {
    if cfg!(unix)
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
}

/// Makes a folder and those above it, to stay.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
        make_folder(above)?;
    }
    match std::fs::create_dir(folder) {
        Err(error) if !folder.is_dir() => return Err(error),
        // Another program may have made it meanwhile.
        _ => {}
    }
    sync_folder(folder_of(folder));
    Ok(())
}

/// Takes away what killed programs left unfinished in a folder.
pub(crate) fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) && is_left_over(&entry) {
            // What cannot be removed now is tried again the next time.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Whether nobody writes an unfinished file any more.
fn is_left_over(entry: &std::fs::DirEntry) -> bool {
    let age = entry.metadata().and_then(|about| about.modified());
    let is_old = age.is_ok_and(|date| date.elapsed().is_ok_and(|age| age > YOUNG));
    is_old && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("a folder").flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_only_where_that_is_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        put(&path, b"one", Readers::Usual, Onto::Nothing).expect("a new file");
        let error = put(&path, b"two", Readers::Usual, Onto::Nothing).expect_err("it is there");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).expect("the first"), b"one");
        put(&path, b"two", Readers::Owner, Onto::Any).expect("replaced");
        assert_eq!(std::fs::read(&path).expect("the second"), b"two");
        assert_eq!(names(folder.path()), ["a"]);
        make_folder(&folder.path().join("x/y/z")).expect("folders");
        make_folder(&folder.path().join("x/y")).expect("it is there");
        assert!(make_folder(&path).is_err(), "a file is in the way");
    }

    #[test]
    fn what_a_killed_program_left_is_swept_and_what_is_written_now_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let old = SystemTime::now() - 2 * YOUNG;
        let age = |path: &Path| {
            let file = File::options().write(true).open(path).expect("a file");
            file.set_modified(old).expect("a date");
        };
        // What a kill leaves: the file, without its lock.
        let left = unfinished(folder.path(), Readers::Usual).expect("a file");
        let (file, left) = left.keep().expect("it stays");
        drop(file);
        let written = unfinished(folder.path(), Readers::Usual).expect("a file");
        let other = folder.path().join("of-another-program.part");
        std::fs::write(&other, "").expect("a file");
        sweep(folder.path());
        assert!(left.exists(), "it is young");
        for path in [&left, written.path(), &other] {
            age(path);
        }
        sweep(folder.path());
        assert!(!left.exists() && written.path().exists() && other.exists());
    }
}

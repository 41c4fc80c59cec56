//! Takes a repository, or what is not whole of it, off the disk, and says what that frees.

use super::cache::{Folder, MARK, PART};
use super::error::HubError;
use super::repository::Repository;
use super::settings::Settings;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

/// What was freed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freed {
    /// In bytes.
    pub bytes: u64,
    pub files: usize,
}

/// What a file is, whatever it is called.
#[cfg(unix)]
fn identity(_: &Path, about: &fs::Metadata) -> String {
    use std::os::unix::fs::MetadataExt;
    format!("{} {}", about.dev(), about.ino())
}

#[cfg(not(unix))]
fn identity(path: &Path, _: &fs::Metadata) -> String {
    path.display().to_string()
}

/// Bytes and files below a folder; links are not followed, and a file with two names counts once.
pub(super) fn size_of(folder: &Path) -> Freed {
    fn add(folder: &Path, seen: &mut HashSet<String>, all: &mut Freed) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(about) = path.symlink_metadata() else {
                continue;
            };
            if about.is_dir() {
                add(&path, seen, all);
            } else if about.is_file() && seen.insert(identity(&path, &about)) {
                all.bytes += about.len();
                all.files += 1;
            }
        }
    }
    let mut all = Freed { bytes: 0, files: 0 };
    add(folder, &mut HashSet::new(), &mut all);
    all
}

fn free(folder: &Folder, repository: &Repository) -> Result<(), HubError> {
    if !folder.root.is_dir() {
        return Err(HubError::NotHere(repository.clone()));
    }
    match folder.is_busy() {
        true => Err(HubError::Busy(repository.clone())),
        false => Ok(()),
    }
}

/// Removes all of a repository from the cache. The names of a revision go first, so that nothing half removed is
/// taken for a model.
///
/// # Errors
/// It is not here, another program fetches it now, or the disk does not let go of it.
pub fn remove(settings: &Settings, repository: &Repository) -> Result<Freed, HubError> {
    let folder = Folder::of(&settings.cache, repository);
    free(&folder, repository)?;
    let freed = size_of(&folder.root);
    for part in [
        folder.root.join("refs"),
        folder.snapshots(),
        folder.root.clone(),
        folder.locks.clone(),
    ] {
        match fs::remove_dir_all(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(HubError::disk(&part, &error));
            }
            _ => {}
        }
    }
    Ok(freed)
}

/// Removes what is not whole. Files that are whole stay; where there are none nothing stays.
///
/// # Errors
/// As of [`remove`].
pub fn discard_parts(settings: &Settings, repository: &Repository) -> Result<Freed, HubError> {
    let folder = Folder::of(&settings.cache, repository);
    free(&folder, repository)?;
    let mut freed = Freed { bytes: 0, files: 0 };
    let mut others = 0;
    for entry in fs::read_dir(folder.blobs()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if name.ends_with(&format!(".{PART}")) {
            freed.bytes += entry.metadata().map(|about| about.len()).unwrap_or(0);
            freed.files += 1;
        } else if !name.ends_with(&format!(".{MARK}")) {
            others += 1;
            continue;
        }
        fs::remove_file(&path).map_err(|error| HubError::disk(&path, &error))?;
    }
    if others == 0 && folder.current().is_none() {
        remove(settings, repository)?;
    }
    Ok(freed)
}

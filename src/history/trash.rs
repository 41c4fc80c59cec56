//! The trash of the desktop: pictures go in, and come back out with Undo.

use super::error::HistoryError;
use std::path::{Path, PathBuf};

/// A picture that was moved to the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Where it was, and comes back to.
    pub path: PathBuf,
}

/// Moves a file to the trash. It is never deleted for good instead.
pub(super) fn remove(path: &Path) -> Result<Removed, HistoryError> {
    if !path.exists() {
        return Err(HistoryError::new(path, "this picture is gone already"));
    }
    trash::delete(path).map_err(|e| {
        let reason = format!("it could not be moved to the trash ({})", words(&e));
        HistoryError::new(path, reason)
    })?;
    let path = path.to_owned();
    Ok(Removed { path })
}

/// Takes a file back. One that stands in its place by now is never replaced.
pub(super) fn restore(removed: &Removed) -> Result<PathBuf, HistoryError> {
    let path = &removed.path;
    if path.exists() {
        return Err(HistoryError::new(
            path,
            "there is another file of this name by now",
        ));
    }
    take_back(path).map_err(|reason| HistoryError::new(path, reason))?;
    Ok(path.clone())
}

#[cfg(any(
    target_os = "windows",
    all(unix, not(any(target_os = "macos", target_os = "ios", target_os = "android")))
))]
fn take_back(path: &Path) -> Result<(), String> {
    // The trash remembers paths with their links resolved; the folder itself may be gone too.
    let folder = path.parent().unwrap_or(Path::new(""));
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let original = folder.join(path.file_name().unwrap_or_default());
    let items = trash::os_limited::list().map_err(|e| words(&e))?;
    let found = items.into_iter().filter(|item| item.original_path() == original);
    // Of several that were there, the last one thrown away.
    let last = found.max_by_key(|item| item.time_deleted);
    let last = last.ok_or("it is no longer in the trash")?;
    trash::os_limited::restore_all([last]).map_err(|e| words(&e))
}

#[cfg(not(any(
    target_os = "windows",
    all(unix, not(any(target_os = "macos", target_os = "ios", target_os = "android")))
)))]
fn take_back(_path: &Path) -> Result<(), String> {
    Err("open the Trash and put it back from there".to_owned())
}

/// The reason inside an error whose own text is its `Debug`.
fn words(error: &trash::Error) -> String {
    match error {
        trash::Error::Unknown { description } | trash::Error::Os { description, .. } => description.clone(),
        #[cfg(all(unix, not(any(target_os = "macos", target_os = "ios", target_os = "android"))))]
        trash::Error::FileSystem { source, .. } => source.to_string(),
        trash::Error::RestoreCollision { .. } => "there is another file of this name by now".to_owned(),
        _ => "the trash cannot be used".to_owned(),
    }
}

//! Names for files that are laid aside, and files that get such a name.

use crate::disk;
use std::path::{Path, PathBuf};

/// A name in the state's folder that no other file has.
pub(super) fn new_name(folder: &Path, stem: &str, ending: &str) -> PathBuf {
    let now = chrono::Local::now().format("%Y-%m-%d-%H%M%S");
    let name = |take: u32| match take {
        1 => folder.join(format!("{stem}-{now}.{ending}")),
        take => folder.join(format!("{stem}-{now}-{take}.{ending}")),
    };
    let free = (1..).map(name).find(|path| path.symlink_metadata().is_err());
    free.unwrap_or_else(|| name(0))
}

/// Gives a file that cannot be read another name; the words that say so.
pub(super) fn set_aside(path: &Path, stem: &str, reason: &dyn std::fmt::Display) -> Result<String, String> {
    let folder = disk::folder_of(path);
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let aside = new_name(folder, stem, &ending);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match std::fs::rename(path, &aside) {
        Ok(()) => {
            // From now on nothing that it may name is swept.
            touch(&aside);
            let aside = aside.file_name().unwrap_or_default().to_string_lossy();
            Ok(format!(
                "{name} cannot be read ({reason}): it is called {aside} now."
            ))
        }
        Err(error) => Err(format!(
            "{name} cannot be read ({reason}) and cannot be renamed ({error})."
        )),
    }
}

pub(super) fn touch(path: &Path) {
    let file = std::fs::File::options().append(true).open(path);
    // Where that cannot be done its own date stands.
    let _ = file.and_then(|file| file.set_modified(std::time::SystemTime::now()));
}

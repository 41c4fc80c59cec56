//! A saved picture drawn again from one of its rows on.

use super::{Kept, read};
use crate::task::{Branch, Failure, Task, fingerprint};
use std::path::Path;

/// The task that draws the picture in `file` again from a row on, with the rows above it as they are.
/// `source`: the source of a masked edit.
///
/// # Errors
/// Fails where the file holds no record of this program's. Wrong usage where it has no such row, where
/// the rows above are not drawn, and where a masked edit comes without its source.
pub fn branch_of(file: &Path, source: Option<&Path>, branch: &Branch) -> Result<Task, Failure> {
    let kept = read(file)?;
    let task = kept.task_over(source)?;
    if task.source.is_none() && task.mask.is_some() {
        return Err(Failure::usage(format!(
            "{} is a masked edit: name the picture it was made from with --source FILE",
            file.display()
        )));
    }
    task.branched((kept.grid(), kept.codes()), branch, Some(kept.fingerprint()))
}

impl Kept {
    /// Names this picture wherever its file is.
    pub fn fingerprint(&self) -> String {
        fingerprint(self.grid(), self.settings.seed, self.codes())
    }

    /// Rows of the grid above the picture as it is shown: those of its source.
    pub fn rows_of_source(&self) -> u32 {
        self.settings.mode.rows_of_source(self.grid().rows)
    }
}

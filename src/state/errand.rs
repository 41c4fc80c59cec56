//! What is asked of the disk and of the desktop around the window; the answers are actions.

use super::album::{Query, Star};
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// The library looks at its folder again, then answers the query.
    Look(Query),
    /// The query is answered from the last look.
    Find(Query),
    /// Which pictures are starred.
    Stars,
    Star(PathBuf, Star),
    Trash(PathBuf),
    TakeBack(PathBuf),
    /// Which of these files are gone?
    Watch(Vec<PathBuf>),
    /// The picture's pixels, to be copied.
    ReadToCopy(PathBuf),
    /// Asks where to, then copies the file.
    SaveAs(PathBuf),
    SaveCopy {
        from: PathBuf,
        to: PathBuf,
    },
    /// Asks where the film of the picture goes.
    TimeLapseTo(PathBuf),
    /// Shows the file in the file manager.
    Reveal(PathBuf),
    /// Opens it with the program the system has for pictures.
    OpenOutside(PathBuf),
}

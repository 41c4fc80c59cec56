//! What is done with pictures that are there.

use super::super::album::Query;
use super::super::outcome::OutcomeId;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The picture something is done with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Which {
    Outcome(OutcomeId),
    /// A file of the library.
    Kept(PathBuf),
}

/// What can be done with a picture that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verb {
    Show,
    /// Beside the shown one; once more ends it.
    Compare,
    UseSettings,
    /// The same without the seed.
    Remix,
    Edit,
    Subject,
    /// A stopped picture is finished.
    Finish,
    Copy,
    SaveAs,
    /// Its rows as they came, as a film.
    TimeLapse,
    /// In the file manager.
    Reveal,
    /// In the program the system has for pictures.
    OpenOutside,
    /// Gives it a star, or takes it.
    Star,
    Trash,
    /// The same with all that branches off it.
    Prune,
    /// Only off the strip: the file stays.
    TakeOff,
}

/// What is done with pictures that are there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ResultAction {
    Do(Which, Verb),
    /// The shown result beside what it was made from, or no longer.
    BeforeAfter,
    /// The history page asks for these pictures.
    Ask(Query),
    /// The folder is looked at again.
    Look,
    /// What went to the trash comes back.
    TakeBack,
    /// Results whose files are gone leave the strip.
    TakeOffGone,
    SaveCopy {
        from: PathBuf,
        to: PathBuf,
    },
    /// The rows of a picture as they came go to this file.
    Film {
        from: PathBuf,
        to: PathBuf,
    },
    /// Pictures that could not be saved are tried again.
    KeepAgain,
    /// The same, by itself and without a word when it fails again.
    KeepQuietly,
}

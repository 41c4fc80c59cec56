//! Which picture is read, and what for.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where a picture is put that the user drops, pastes or opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Target {
    /// The picture to edit; a saved picture is asked about first.
    Canvas,
    Reference,
    Map,
    /// A photo of which a map is made.
    MapPhoto,
    Predict,
    /// Only its settings.
    Settings,
    /// Its settings without the seed.
    Remix,
    /// The picture to edit, without a question.
    Edit,
    /// A stopped picture is drawn to its end.
    Finish,
}

/// Which picture is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileAction {
    Open(PathBuf, Target),
    Browse(Target),
    /// The path of the file that is wanted.
    Type(String),
    /// No file, then.
    TypeNone,
}

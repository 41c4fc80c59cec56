//! A picture that is drawn once more so that its rows can be filmed.

use crate::disk::{self, Onto, Readers};
use crate::picture::{Film, Moving};
use crate::task::{Failure, TaskId};
use std::path::{Path, PathBuf};

/// A picture under way that is filmed.
pub(super) struct Filming {
    pub(super) task: TaskId,
    pub(super) film: Film,
    pub(super) to: PathBuf,
    /// Whether the finished picture is as large as its rows.
    pub(super) ends_with_picture: bool,
}

/// Writes a film in the format of its ending.
pub(super) fn write(film: &Film, to: &Path) -> Result<(), Failure> {
    let format = Moving::of(to).unwrap_or(Moving::Png);
    let bytes = film
        .bytes(format)
        .map_err(|error| Failure::failed(error.to_string()))?;
    disk::put(to, &bytes, Readers::Usual, Onto::Any)
        .map_err(|error| Failure::failed(format!("{} cannot be written ({error})", to.display())))
}

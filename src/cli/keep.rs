//! Pictures are written where they should be, else where they can be: none is thrown away for a full
//! disk or a folder that is gone.

use super::names::Names;
use crate::disk;
use crate::history::Places;
use crate::saved_picture::{self, Saving};
use crate::task::Failure;
use std::path::{Path, PathBuf};

/// Where a picture is.
#[derive(Debug)]
pub(super) enum Written {
    Here(PathBuf),
    /// Elsewhere, and why.
    Elsewhere(PathBuf, Failure),
}

/// Writes the picture of a turn that came out `rank`-th.
pub(super) fn keep(
    names: &Names,
    (turn, rank): (usize, usize),
    saving: &Saving<'_>,
) -> Result<Written, Failure> {
    let file = names.file(turn, rank);
    let written = match names.replace() {
        true => saved_picture::save(&file, saving).map(|()| file.clone()),
        false => saved_picture::save_new(&mut names.files(turn, rank), saving),
    };
    written.map(Written::Here).or_else(|failure| {
        let folders = shelters();
        let rescued = folders.iter().find_map(|folder| rescue(folder, &file, saving));
        rescued
            .map(|path| Written::Elsewhere(path, failure.clone()))
            .ok_or(failure)
    })
}

/// Folders for pictures that have no other place, the best one first.
fn shelters() -> Vec<PathBuf> {
    let own = Places::of_user().map(|places| places.data.join("rescued"));
    let temporary = std::env::temp_dir().join("lumina-studio-rescued");
    own.into_iter().chain([temporary]).collect()
}

/// Writes a picture into `folder`, under a name that no file has there.
fn rescue(folder: &Path, file: &Path, saving: &Saving<'_>) -> Option<PathBuf> {
    disk::make_folder(folder).ok()?;
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let mut names = (1u64..).map(|take| match take {
        1 => folder.join(format!("{stem}.png")),
        take => folder.join(format!("{stem}-take-{take}.png")),
    });
    saved_picture::save_new(&mut names, saving).ok()
}

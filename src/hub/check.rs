//! Reads everything of a repository again and holds it to the sums that name it.
//!
//! What is damaged loses its name: `get` brings it anew, and nobody uses it meanwhile.

use super::cache::{Folder, missing_in};
use super::error::HubError;
use super::meter::{Meter, Rate};
use super::repository::Repository;
use super::settings::Settings;
use super::sum::{Sum, is_right};
use crate::task::{Cancel, Transfer, TransferPhase};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(100);

/// What a check has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub snapshot: PathBuf,
    /// Files that are right, and the bytes of them.
    pub files: usize,
    pub bytes: u64,
    /// They were damaged and were taken away.
    pub damaged: Vec<String>,
    /// A checkpoint needs them, and they are not here.
    pub missing: Vec<String>,
    /// Copies nobody has a sum of: they were not checked.
    pub unknown: Vec<String>,
}

impl Checked {
    pub fn is_right(&self) -> bool {
        self.damaged.is_empty() && self.missing.is_empty()
    }

    /// What was found, in a sentence.
    pub fn words(&self) -> String {
        let mut words = format!("{} files are right", self.files);
        let listed = [
            ("damaged and taken away", &self.damaged),
            ("missing", &self.missing),
            ("not checked, for nothing here has their sums", &self.unknown),
        ];
        for (what, names) in listed.into_iter().filter(|(_, names)| !names.is_empty()) {
            words += &format!("; {what}: {}", names.join(", "));
        }
        words
    }
}

/// Reads the snapshot in use again. `told` hears how far it is.
///
/// # Errors
/// There is none, another program fetches it now, the disk cannot be read, or `cancel` was called.
pub fn check(
    settings: &Settings,
    repository: &Repository,
    cancel: &Cancel,
    told: &mut dyn FnMut(Transfer),
) -> Result<Checked, HubError> {
    let folder = Folder::of(&settings.cache, repository);
    let not_here = || HubError::NotHere(repository.clone());
    let snapshot = folder.current().ok_or_else(not_here)?;
    if folder.is_busy() {
        return Err(HubError::Busy(repository.clone()));
    }
    let files = files_of(&snapshot)?;
    let length = |path: &PathBuf| fs::metadata(path).map(|about| about.len()).unwrap_or(0);
    let names: Vec<String> = files.iter().map(|path| name_of(path)).collect();
    let meter = Meter::new(names.iter().map(String::as_str).zip(files.iter().map(length)));
    let mut last = Instant::now();
    let mut rate = Rate::since(last);
    let mut checked = Checked {
        snapshot: snapshot.clone(),
        files: 0,
        bytes: 0,
        damaged: Vec::new(),
        missing: Vec::new(),
        unknown: Vec::new(),
    };
    for (slot, (path, name)) in files.iter().zip(&names).enumerate() {
        if !path.exists() {
            // A link that leads nowhere.
            checked.damaged.push(name.clone());
            take_away(&[path])?;
            continue;
        }
        let Some((blob, sum)) = blob_of(&folder, path) else {
            checked.unknown.push(name.clone());
            continue;
        };
        let mut step = |bytes| {
            meter.add(slot, bytes);
            if last.elapsed() >= TICK {
                last = Instant::now();
                told(meter.read(TransferPhase::Checking, rate.note(last, meter.came())));
            }
        };
        match is_right(&blob, &sum, cancel, &mut step)? {
            true => {
                checked.files += 1;
                checked.bytes += length(&blob);
            }
            false => {
                checked.damaged.push(name.clone());
                take_away(&[path, &blob])?;
            }
        }
    }
    let missing = missing_in(&snapshot).into_iter();
    checked.missing = missing.filter(|name| !checked.damaged.contains(name)).collect();
    Ok(checked)
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The files of a snapshot, and links that lead nowhere.
fn files_of(snapshot: &Path) -> Result<Vec<PathBuf>, HubError> {
    let entries = fs::read_dir(snapshot).map_err(|error| HubError::disk(snapshot, &error))?;
    let paths = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| !path.is_dir());
    let mut files: Vec<PathBuf> = paths.collect();
    files.sort();
    Ok(files)
}

/// The file a snapshot's file is a name of, with its sum.
fn blob_of(folder: &Folder, path: &Path) -> Option<(PathBuf, Sum)> {
    if path.is_symlink() {
        let blob = path.canonicalize().ok()?;
        let sum = Sum::from_text(&name_of(&blob))?;
        return Some((blob, sum));
    }
    // A second name, or a copy, of one of the files of its length.
    let length = fs::metadata(path).ok()?.len();
    let blobs = fs::read_dir(folder.blobs()).into_iter().flatten().flatten();
    let mut alike = blobs.filter(|blob| blob.metadata().is_ok_and(|about| about.len() == length));
    alike.find_map(|blob| {
        let sum = Sum::from_text(&blob.file_name().to_string_lossy())?;
        let is_it = is_right(path, &sum, &Cancel::new(), &mut |_| {}).ok()?;
        is_it.then(|| (path.to_owned(), sum))
    })
}

fn take_away(paths: &[&Path]) -> Result<(), HubError> {
    for path in paths {
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(HubError::disk(path, &error));
            }
            _ => {}
        }
    }
    Ok(())
}

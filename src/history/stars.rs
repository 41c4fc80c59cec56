//! Which pictures are starred: a small JSON file, written whole or not at all.
//!
//! Every change starts from the file as it is, so that two windows do not undo each other. A file
//! that cannot be read is set aside, never overwritten.

use super::error::HistoryError;
use crate::disk::{self, Onto, Readers};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Stored {
    version: u32,
    starred: BTreeSet<String>,
}

/// Names of starred pictures, relative to the library.
#[derive(Debug)]
pub(super) struct Stars {
    file: PathBuf,
    starred: BTreeSet<String>,
}

impl Stars {
    pub(super) fn load(file: &Path) -> Self {
        let mut stars = Self {
            file: file.to_owned(),
            starred: BTreeSet::new(),
        };
        stars.reload();
        stars
    }

    /// Reads the file again; one that cannot be read leaves the stars as they are.
    pub(super) fn reload(&mut self) {
        match self.read() {
            Ok(Some(starred)) => self.starred = starred,
            Ok(None) => self.starred.clear(),
            Err(_) => {}
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.starred.iter().map(String::as_str)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.starred.contains(name)
    }

    pub(super) fn change(
        &mut self,
        change: impl FnOnce(&mut BTreeSet<String>) -> bool,
    ) -> Result<(), HistoryError> {
        match self.read() {
            Ok(starred) => self.starred = starred.unwrap_or_default(),
            Err(reason) => {
                let aside = self.file.with_extension("json.damaged");
                std::fs::rename(&self.file, aside).map_err(|_| HistoryError::new(&self.file, reason))?;
            }
        }
        let mut starred = self.starred.clone();
        if change(&mut starred) {
            self.write(&starred)
                .map_err(|e| HistoryError::new(&self.file, format!("stars cannot be kept ({e})")))?;
            self.starred = starred;
        }
        Ok(())
    }

    fn read(&self) -> Result<Option<BTreeSet<String>>, String> {
        let bytes = match std::fs::read(&self.file) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.to_string()),
        };
        match serde_json::from_slice::<Stored>(&bytes) {
            Ok(stored) if stored.version == VERSION => Ok(Some(stored.starred)),
            Ok(stored) => Err(format!("its version is {}, not {VERSION}", stored.version)),
            Err(e) => Err(e.to_string()),
        }
    }

    fn write(&self, starred: &BTreeSet<String>) -> std::io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        disk::make_folder(folder)?;
        let stored = Stored {
            version: VERSION,
            starred: starred.clone(),
        };
        disk::put(
            &self.file,
            &serde_json::to_vec_pretty(&stored)?,
            Readers::Owner,
            Onto::Any,
        )
    }
}

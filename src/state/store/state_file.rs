//! `state.json`: read with whatever of it can be read, written whole or not at all.
//!
//! A file of a newer version is never written: this program keeps its state beside it then. What is
//! unknown here survives a save. A file that cannot be read, or not all of it, is set aside.

use super::aside::{new_name, set_aside, touch};
use super::salvage;
use super::saved::{Saved, VERSION};
use serde_json::Value;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

const NAME: &str = "state.json";
/// Where the state goes while a newer program's, or one that cannot be moved, has the name.
const BESIDE: &str = "state-of-version-1.json";
const MOST: u64 = 1 << 28;

#[derive(Debug)]
pub(super) struct StateFile {
    folder: PathBuf,
    name: &'static str,
    /// What the file held and this program does not know.
    unknown: Arc<Value>,
}

/// What became of reading a file.
enum Read {
    Absent,
    /// It is of a newer program, or cannot be moved.
    NotOurs,
    Saved(Box<Saved>),
}

impl StateFile {
    pub(super) fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            name: NAME,
            unknown: Arc::new(Value::Null),
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(self.name)
    }

    /// Gives a state that was not read another name.
    pub(super) fn set_aside(&mut self) {
        let is_there = self.path().symlink_metadata().is_ok();
        if is_there && set_aside(&self.path(), "state", &"it was not asked for").is_err() {
            self.name = BESIDE;
        }
    }

    pub(super) fn read(&mut self, said: &mut Vec<String>) -> Saved {
        let beside = self.folder.join(BESIDE);
        let mut newer = Vec::new();
        match self.read_file(&self.folder.join(NAME), &mut newer) {
            Read::Saved(saved) => {
                said.extend(newer);
                return *saved;
            }
            Read::Absent => said.extend(newer),
            Read::NotOurs => {
                self.name = BESIDE;
                // Said once: from the next save on the other file is there.
                if !beside.exists() {
                    said.extend(newer);
                }
            }
        }
        match self.read_file(&beside, said) {
            Read::Saved(saved) => *saved,
            Read::Absent | Read::NotOurs => Saved::default(),
        }
    }

    fn read_file(&mut self, path: &Path, said: &mut Vec<String>) -> Read {
        let raw = match parsed(path) {
            Ok(Some(raw)) => raw,
            Ok(None) => return Read::Absent,
            Err(reason) => return self.give_up(path, &reason, said),
        };
        match raw["version"].as_u64() {
            Some(VERSION) => {}
            Some(newer) if newer > VERSION => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                said.push(format!(
                    "{name} was written by a newer version of this program: it stays as it is, and what is \
                     changed here is stored beside it."
                ));
                return Read::NotOurs;
            }
            _ => return self.give_up(path, "it has no version", said),
        }
        let (saved, lost) = salvage::read::<Saved>(&raw);
        if !lost.is_empty() {
            match self.copy_aside(path) {
                Ok(name) => said.push(format!(
                    "In the state of the last time these cannot be read: {}. As it was it is called {name} now.",
                    lost.join(", ")
                )),
                Err(error) => return self.give_up(path, &error.to_string(), said),
            }
        }
        let known = serde_json::to_value(&saved).unwrap_or(Value::Null);
        self.unknown = Arc::new(salvage::unknown(&raw, &known));
        Read::Saved(Box::new(saved))
    }

    /// Keeps the state as it was the last time, with the pictures it names, under the name that is given
    /// back. Nothing where there was no state.
    pub(super) fn keep_a_copy(&self) -> Option<String> {
        self.copy_aside(&self.folder.join(self.name)).ok()
    }

    fn copy_aside(&self, path: &Path) -> io::Result<String> {
        let aside = new_name(&self.folder, "state", "json");
        fs::copy(path, &aside)?;
        touch(&aside);
        let name = aside.file_name().unwrap_or_default();
        Ok(name.to_string_lossy().into_owned())
    }

    fn give_up(&self, path: &Path, reason: &str, said: &mut Vec<String>) -> Read {
        match set_aside(path, "state", &reason) {
            Ok(words) => {
                said.push(words);
                Read::Absent
            }
            Err(words) => {
                said.push(words);
                Read::NotOurs
            }
        }
    }

    pub(super) fn unknown(&self) -> Arc<Value> {
        Arc::clone(&self.unknown)
    }
}

/// What is to be written, with what is not known here. It takes its time: not on the window's thread.
pub(super) fn text(saved: &Saved, unknown: &Value) -> io::Result<Vec<u8>> {
    let mut json = serde_json::to_value(saved)?;
    salvage::put_back(&mut json, unknown);
    Ok(serde_json::to_vec(&json)?)
}

/// The JSON of a file; `None` where there is none.
fn parsed(path: &Path) -> Result<Option<Value>, String> {
    let about = match fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if !about.is_file() || about.len() > MOST {
        return Err("it is no file of a sensible size".to_owned());
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    // Some editors put a mark before the text.
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    serde_json::from_slice(text)
        .map(Some)
        .map_err(|error| error.to_string())
}

/// When a state was set aside last, or a newer program's written. What was there then may be named
/// by it.
pub(super) fn set_aside_at(folder: &Path, own: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let others = entries.filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_other = name == NAME
            || ["state-", "journal-", "damaged-"]
                .iter()
                .any(|stem| name.starts_with(stem));
        is_other && entry.path() != own
    });
    let dates = others.filter_map(|entry| entry.metadata().ok()?.modified().ok());
    dates.max()
}

//! Pictures on their way to their folder, written down until they are there.
//!
//! A record names the order that was drawn and, for each picture of it that is not saved yet, the
//! order that draws it again from its codes. Who saves a picture takes it out; the last one takes the
//! file away. A journal that was laid aside is read like a record of one.

use super::super::queue::{Order, OrderId};
use super::aside::{new_name, set_aside};
use super::ended;
use super::error::StoreError;
use super::journal::read_order;
use crate::disk::{self, Onto, Readers};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

const STEM: &str = "unsaved";
/// Most bytes of a record: codes of sixteen of the largest pictures, and their masks.
const MOST: u64 = 1 << 28;

#[derive(Serialize, Deserialize)]
struct Record {
    drawn: Order,
    again: Vec<Order>,
}

/// What earlier windows did not save.
#[derive(Default)]
pub(super) struct Left {
    pub(super) drawn: Vec<Order>,
    pub(super) orders: Vec<Order>,
    pub(super) files: Vec<PathBuf>,
}

pub(super) fn write(folder: &Path, drawn: &Order, again: &[Order]) -> Result<PathBuf, StoreError> {
    let path = new_name(folder, STEM, "json");
    let record = Record {
        drawn: drawn.clone(),
        again: again.to_vec(),
    };
    put(&path, &record).map_err(|error| StoreError {
        path: path.clone(),
        error,
    })?;
    Ok(path)
}

fn put(path: &Path, record: &Record) -> io::Result<()> {
    disk::put(path, &serde_json::to_vec(record)?, Readers::Owner, Onto::Any)
}

fn read(path: &Path) -> Result<Record, String> {
    let about = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !about.is_file() || about.len() > MOST {
        return Err("it is no file of a sensible size".to_owned());
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let mut record: Record = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    record.again.iter_mut().for_each(|order| order.request.settle());
    Ok(record)
}

/// A picture is in its folder: `again` need not be drawn any more. Called by who saved it.
pub fn picture_kept(record: &Path, again: OrderId) {
    let Ok(mut written) = read(record) else { return };
    written.again.retain(|order| order.id != again);
    if written.again.is_empty() {
        ended::add(disk::folder_of(record), &written.drawn);
    }
    let done = match written.again.is_empty() {
        true => std::fs::remove_file(record),
        false => put(record, &written),
    };
    // Where it stays the picture is saved a second time at the next start: better than never.
    let _ = done;
}

/// Everything that was written down and not saved, oldest first.
pub(super) fn read_all(folder: &Path, said: &mut Vec<String>) -> Left {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(STEM) && (name.ends_with(".json") || name.ends_with(".jsonl"))
    });
    files.sort();
    let mut left = Left::default();
    for path in files {
        let is_journal = path.extension().is_some_and(|ending| ending == "jsonl");
        let record = match is_journal {
            true => read_order(&path).map(|order| Record {
                drawn: order.clone(),
                again: vec![order],
            }),
            false => read(&path),
        };
        match record {
            Ok(record) => {
                left.drawn.push(record.drawn);
                left.orders.extend(record.again);
                left.files.push(path);
            }
            Err(reason) => {
                let words = set_aside(&path, "damaged", &reason);
                said.push(words.unwrap_or_else(|words| words));
            }
        }
    }
    left
}

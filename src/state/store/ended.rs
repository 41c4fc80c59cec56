//! Orders that were drawn and saved, or discarded, since the state was stored: it still lists them as
//! waiting, and a kill must not have them drawn a second time.

use super::super::queue::Order;
use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Orders by name and seed.
pub(super) struct Ended(HashSet<(u64, u64)>);

pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join("ended.txt")
}

fn key(order: &Order) -> (u64, u64) {
    (order.id.0, order.request.seed)
}

/// Where it cannot be written the order may be drawn twice: better than never.
pub(super) fn add(folder: &Path, order: &Order) {
    let (id, seed) = key(order);
    let file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(file(folder));
    let _ = file.and_then(|mut file| writeln!(file, "{id} {seed}"));
}

impl Ended {
    pub(super) fn read(folder: &Path) -> Self {
        let text = std::fs::read_to_string(file(folder)).unwrap_or_default();
        let pairs = text.lines().filter_map(|line| {
            let (id, seed) = line.split_once(' ')?;
            Some((id.parse().ok()?, seed.parse().ok()?))
        });
        Self(pairs.collect())
    }

    pub(super) fn has(&self, order: &Order) -> bool {
        self.0.contains(&key(order))
    }
}

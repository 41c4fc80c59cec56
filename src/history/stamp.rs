//! What tells one state of a file from another.

use std::path::Path;
use std::time::SystemTime;

/// Date and length of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    pub modified: SystemTime,
    pub bytes: u64,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> Option<Self> {
        let facts = std::fs::metadata(path).ok().filter(|facts| facts.is_file())?;
        let modified = facts.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Some(Self {
            modified,
            bytes: facts.len(),
        })
    }
}

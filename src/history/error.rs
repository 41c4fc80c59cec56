//! Why something cannot be done with a picture of the library.

use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why something could not be done with a picture of the library.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}: {reason}", .path.display())]
pub struct HistoryError {
    pub path: PathBuf,
    pub reason: String,
}

impl HistoryError {
    pub(super) fn new(path: &Path, reason: impl std::fmt::Display) -> Self {
        let (path, reason) = (path.to_owned(), reason.to_string());
        Self { path, reason }
    }
}

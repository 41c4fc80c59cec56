//! What all checkpoint files have in common.

use super::{ModelError, first_line};
use std::path::Path;

/// Longest header or pickle accepted, in bytes.
pub(super) const LONGEST_HEADER: u64 = 100 << 20;

/// Why a file cannot be used.
pub(super) fn file_error(path: &Path, reason: impl std::fmt::Display) -> ModelError {
    ModelError::File {
        file: path.display().to_string(),
        reason: first_line(&reason),
    }
}

//! Why something could not be written.

use std::io;
use std::path::PathBuf;
use thiserror::Error;

#[derive(Debug, Error)]
#[error("{}: {error}", .path.display())]
pub struct StoreError {
    pub(super) path: PathBuf,
    pub(super) error: io::Error,
}

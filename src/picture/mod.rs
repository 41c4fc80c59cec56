//! Pictures as files: reading, fitting, writing with the settings inside, masks and maps.

pub(crate) mod foreign;

mod cmyk;
mod export;
mod film;
mod fit;
mod jpeg;
mod kinds;
mod maps;
mod mask_file;
mod masked;
mod reading;
mod record;
mod shrink;
mod texts;

pub use export::{encode_as, export};
pub use film::{Film, Moving};
pub use fit::{Part, fit, part_of};
pub use maps::canny;
pub use mask_file::{MaskFile, read_mask};
pub use masked::{compose, fit_masked, mask_codes, part_under_mask, within_middle};
pub use reading::{ENDINGS, read, read_bytes, size_of};
pub use record::{
    Record, encode_png, encode_record, holds_record, parameters, read_record, write, write_new,
};
pub use shrink::shrink;

use crate::task::Cause;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Why a picture cannot be used; the text says what to do.
#[derive(Debug, Error)]
#[error("{file}: {reason}")]
pub struct PictureError {
    file: String,
    reason: String,
    cause: Cause,
}

impl PictureError {
    fn new(file: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self {
            file: file.into(),
            reason: reason.to_string(),
            cause: Cause::Unknown,
        }
    }

    fn because(mut self, cause: Cause) -> Self {
        self.cause = cause;
        self
    }

    /// What it is due to, where that is known.
    pub fn cause(&self) -> Cause {
        self.cause
    }
}

/// SHA-256 in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

//! Checkpoints on disk, opened by what is in them.

use super::files::file_error;
use super::pickle::Pickle;
use super::{ModelError, Weights};
use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use super::safetensors::Safetensors;

/// Opens an image tokenizer's weights, by content: a zip is a pickle, all else safetensors.
///
/// # Errors
/// There is no such file, it is not whole, or it holds anything but plain tensors.
pub fn open_movq(path: &Path) -> Result<Box<dyn Weights>, ModelError> {
    let mut magic = [0; 4];
    let mut file = File::open(path).map_err(|e| file_error(path, e))?;
    file.read_exact(&mut magic)
        .map_err(|_| file_error(path, "too short for a checkpoint: get the original file"))?;
    Ok(match &magic {
        b"PK\x03\x04" => Box::new(Pickle::open(path)?),
        _ => Box::new(Safetensors::open(path)?),
    })
}

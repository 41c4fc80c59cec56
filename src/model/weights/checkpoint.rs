//! Checkpoints on disk, opened by what is in them.

use super::files::{file_error, stand_in, start_of};
use super::pickle::{OLD_MAGIC, Pickle};
use super::within::Within;
use super::{ModelError, Weights};
use std::path::Path;

pub use super::safetensors::Safetensors;

/// A tensor that every image tokenizer has, and one that every decoder has.
const OF_MOVQ: &str = "encoder.conv_in.weight";
const OF_DECODER: &str = "model.embed_tokens.weight";

/// Opens an image tokenizer's weights, by content: a zip or a pickle, all else safetensors. What stands
/// before the names of all its tensors is taken off.
///
/// # Errors
/// There is no such file, it is not whole, or it holds anything but plain tensors.
pub fn open_movq(path: &Path) -> Result<Box<dyn Weights>, ModelError> {
    let start = start_of(path, 256)?;
    if let Some(why) = stand_in(&start) {
        return Err(file_error(path, why));
    }
    if start.starts_with(b"GGUF") {
        return Err(file_error(
            path,
            "it is a whole model, not an image tokenizer: give it as --model, or choose movqgan_270M.ckpt",
        ));
    }
    if start.len() < 4 {
        return Err(file_error(
            path,
            "too short for a checkpoint: get the original file",
        ));
    }
    // Pickles of other programs begin with a version, too, and are named by what reads them.
    let has_version = start[0] == 0x80 && (2..=5).contains(&start[1]);
    let is_pickle = start.starts_with(b"PK\x03\x04")
        || start.starts_with(OLD_MAGIC)
        || (has_version && start.get(8) != Some(&b'{'));
    let weights: Box<dyn Weights> = match is_pickle {
        true => Box::new(Pickle::open(path)?),
        false => Box::new(Safetensors::open(path)?),
    };
    Within::of(weights, OF_MOVQ)
}

/// Opens a decoder's weights in a checkpoint folder. What stands before the names of all its tensors is
/// taken off.
pub(crate) fn open_decoder(folder: &Path) -> Result<Box<dyn Weights>, ModelError> {
    Within::of(Box::new(Safetensors::open(folder)?), OF_DECODER)
}

//! MoVQ, the image tokenizer: pictures to codes and back, in f32.
//!
//! Names and maths follow the public checkpoint (config `movqgan`). The encoder's norms are plain
//! GroupNorms, the decoder's are SpatialNorms: GroupNorm(f) * conv_y(z) + conv_b(z).

pub(crate) mod codec;
mod config;
mod conv;
mod layers;
mod norm;
pub(crate) mod preview;
mod tensors;
#[cfg(test)]
mod test_tensors;

pub use config::MovqConfig;
pub(super) use config::{DdConfig, has_attention};
pub(super) use layers::numbers;
pub use tensors::{Encoded, Movq};

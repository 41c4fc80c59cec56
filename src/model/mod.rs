//! The model: everything that touches tensors or the tokenizer.

mod attention;
pub mod bundle;
pub mod card;
pub mod checkpoint;
pub mod config;
mod conv;
pub mod cuda;
pub mod device_decoder;
pub mod found;
pub mod gguf;
pub mod import;
pub mod invented;
mod kernels;
mod matrix;
pub mod memory;
pub mod movq;
mod nesting;
pub mod network;
pub mod picture_codec;
pub mod preview;
pub mod processors;
pub mod prompts;
mod q8;
pub mod text;
pub mod transformer;
pub mod weights;
pub mod writer;

//! The model: everything that touches tensors or the tokenizer.

pub mod bundle;
pub mod card;
pub mod cuda;
pub mod decoder;
pub mod discovery;
pub(crate) mod footprint;
pub(crate) mod memory;
pub mod movq;
pub mod network;
pub mod prompts;
pub mod text;
pub mod weights;

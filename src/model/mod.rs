//! The model: everything that touches tensors or the tokenizer.

pub mod bundle;
pub(crate) mod card;
pub(crate) mod cuda;
pub mod decoder;
pub(crate) mod discovery;
pub(crate) mod footprint;
pub(crate) mod memory;
pub mod movq;
pub mod network;
pub(crate) mod prompts;
pub mod text;
pub mod weights;

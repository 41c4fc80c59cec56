//! The model: everything that touches tensors or the tokenizer.

pub mod config;
pub mod prompts;
pub mod text;
pub mod transformer;
pub mod weights;

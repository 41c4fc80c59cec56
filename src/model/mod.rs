//! The model: everything that touches tensors or the tokenizer.

pub mod weights;

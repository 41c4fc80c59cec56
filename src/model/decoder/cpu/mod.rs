//! The decoder on a CPU: config -> weights -> block -> forward, in reading order.
//!
//! Rows of all lanes go through every matrix together; only attention is done lane by lane, over
//! that lane's own [`Cache`](super::kv_cache::Cache). Activations are f32; matrices are whatever candle's
//! kernels multiply.

mod block;
mod loaded;
mod predictor;
#[cfg(test)]
mod tests;

pub use loaded::Decoder;

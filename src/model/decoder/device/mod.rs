//! The decoder of candle's own operations: the way on CUDA and Metal, and on a CPU a second
//! opinion on our own loops. Activations are f32; keys and values are half where weights are.
//!
//! The cache of a lane is allocated once and addressed by position: overwriting is all there is to
//! rolling back, and a step copies nothing but its own rows.

mod block;
mod predictor;

pub use predictor::DeviceDecoder;

//! The decoder-only transformer: its sizes, its matrices, its cache of keys and values, and the
//! forwards of a CPU and of candle's devices (those of NVIDIA cards are in `model::cuda`).

pub mod config;
pub(crate) mod cpu;
pub(crate) mod device;
pub(crate) mod kernels;
pub(crate) mod kv_cache;
pub(crate) mod matrix;
pub mod parts;
mod positions;
mod q8;
pub(crate) mod rope;

//! Lumina Studio: a desktop app for autoregressive image generation with Lumina-mGPT 2.0.
pub mod cli;
pub mod decode;
pub mod model;
pub mod picture;
pub mod pixels;
pub mod task;
pub mod token;
pub mod worker;

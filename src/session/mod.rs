//! A loaded model carries out tasks: prompt, forced rows, decoding, the finished picture.

mod alternatives;
mod drawing;
mod engine;
mod loaded;
mod plan;
mod progress;
mod replay;
mod told;

pub use loaded::Session;
pub use replay::Agreement;

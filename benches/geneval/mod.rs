//! The judge's parts: a world drawn exactly, prompts, finding, judging, corrupting, counting.

pub mod ablate;
pub mod corrupt;
pub mod drawing;
pub mod finder;
pub mod judge;
pub mod prompts;
pub mod score;
pub mod settings;
pub mod sums;
pub mod world;

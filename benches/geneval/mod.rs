//! The judge's parts: a world drawn exactly, prompts, finding, judging, corrupting, counting.

pub mod corrupt;
pub mod finder;
pub mod judge;
pub mod prompts;
pub mod score;
pub mod world;

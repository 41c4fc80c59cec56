//! The judge's parts: a world drawn exactly, prompts, finding, judging, corrupting, counting; and what a
//! picture's rows tell.

pub mod ablate;
pub mod audition;
pub mod beside;
pub mod chance;
pub mod corrupt;
pub mod doubt;
pub mod drawing;
pub mod finder;
pub mod judge;
pub mod prompts;
pub mod score;
pub mod seam;
pub mod settings;
pub mod sums;
pub mod watchdog;
pub mod world;

//! What is done with the picture under way.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What is done with the picture under way, and how one gets there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunAction {
    /// Asks for the draft's picture(s).
    Draw,
    Example {
        prompt: Cow<'static, str>,
        seed: u64,
    },
    /// Asks for a map of the draft's words, to be corrected and followed.
    Sketch,
    Pause,
    /// Goes on: a paused picture, or one that was interrupted.
    Resume,
    Keep,
    Discard,
    Show,
    /// One of several starts is chosen, or no longer.
    Choose(usize),
}

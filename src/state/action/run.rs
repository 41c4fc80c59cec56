//! What is done with the picture under way.

/// What is done with the picture under way, and how one gets there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunAction {
    /// Asks for the draft's picture(s).
    Draw,
    Example {
        prompt: &'static str,
        seed: u64,
    },
    Pause,
    /// Goes on: a paused picture, or one that was interrupted.
    Resume,
    Keep,
    Discard,
    Show,
}

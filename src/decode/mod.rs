//! Decoding: drawing a picture's codes from a model, over any [`Predictor`].
//!
//! Nothing here knows of tensors. A predictor runs tokens at positions and returns scores; this
//! module decides what to feed, which codes to draw and which guesses to keep.

mod candidate;
mod choose;
mod jacobi;
mod noise;
mod sampling;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod toy;

pub use choose::{Ahead, Ask, Choice, Chosen, Measures, Recent, Wish, choose_on_host, entropy};
pub use jacobi::{DrawError, Event, draw};
pub use noise::NoiseKey;
pub use sampling::{distribution, log_softmax};

use crate::task::{Noise, Sampling};
use std::ops::Range;
use thiserror::Error;

/// One picture to draw.
#[derive(Debug, Clone)]
pub struct Drawing<'a> {
    /// Ids before `<start>`; only the conditional branch sees them.
    pub prompt: &'a [u32],
    /// `<start>` to `<end>`, `None` where a code is to be drawn. Starts with a known id.
    pub stream: &'a [Option<u32>],
    /// The ids that stand for picture codes.
    pub code_ids: Range<u32>,
    /// Positions from a code to the one below it: where first guesses look for a likeness.
    pub stride: usize,
    pub seed: u64,
}

/// How pictures are drawn.
#[derive(Debug, Clone, Copy)]
pub struct DrawSettings {
    pub sampling: Sampling,
    pub noise: Noise,
    /// A forward carries up to `lookahead - 1` guesses for each candidate; 1 (or 0) is plain
    /// autoregressive decoding.
    pub lookahead: usize,
    /// Whether [`Drawn::score`] is asked for.
    pub score: bool,
}

impl DrawSettings {
    /// Lanes of a candidate: conditional, and unconditional if anything needs it.
    fn branches(&self) -> usize {
        1 + usize::from(self.sampling.cfg != 1.0 || self.score)
    }
}

/// A candidate as far as it was drawn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Drawn {
    /// Ids from `<start>` on; the whole stream unless the draw was cancelled.
    pub ids: Vec<u32>,
    /// Codes decided by the model.
    pub drawn: usize,
    /// Forwards this candidate took part in.
    pub forwards: usize,
    /// `log p(codes | prompt) - log p(codes)` over the drawn codes, if asked for.
    pub score: Option<f64>,
    /// `log p(codes | prompt)` over the drawn codes, in nats, by the plain scores.
    pub log_p: f64,
    /// For each of `ids` the entropy, in nats, of the distribution it was drawn from; `None` for known ids.
    pub entropies: Vec<Option<f32>>,
}

/// What a coupled draw does with an accepted and with a rejected guess. Only `Exact` samples the
/// model's distribution; the tests show that they can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Exact,
    #[cfg(test)]
    KeepOldQ,
    #[cfg(test)]
    ResampleFromP,
}

/// Tokens to run through one lane of a predictor.
///
/// A lane is one token stream with its own positions and its own memory of what it has seen: the
/// conditional branch of a candidate is one lane, its unconditional branch another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feed<'a> {
    pub lane: usize,
    /// Position of the first token. Whatever the lane held from here on is forgotten
    /// (overwritten): rolling back is not an operation of its own.
    pub at: usize,
    /// Token ids (vocabulary ids, not codes).
    pub tokens: &'a [u32],
    /// Scores are returned for the tokens from this index on (`tokens.len()` for none).
    pub scores_from: usize,
}

/// Why a forward failed; the text says what the user can change.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PredictError(pub String);

impl PredictError {
    /// What a model of damaged weights gives.
    pub fn not_finite() -> Self {
        let why = "the model's scores are no numbers, for its weights are damaged or overflow: import or fetch it again";
        Self(why.to_owned())
    }
}

/// A model as decoding sees it. CPU, CUDA and the toys of the tests are implementations.
pub trait Predictor {
    /// Number of picture codes: the length of one row of scores.
    fn codes(&self) -> usize;

    /// Runs all feeds as one batch (at most one feed a lane). `scores` is cleared and then
    /// filled with one row of `codes()` unnormalised log-probabilities for each token asked for,
    /// feed by feed in the order given: row j scores the token *after* that position.
    ///
    /// # Errors
    /// Words for the user: a feed does not fit its lane, or the hardware fails.
    fn predict(&mut self, feeds: &[Feed<'_>], scores: &mut Vec<f32>) -> Result<(), PredictError>;

    /// Runs all feeds as one batch and chooses codes by keyed noise. A predictor that does so itself
    /// need not move scores; it keeps distributions of its own and leaves `recent` alone.
    ///
    /// # Errors
    /// As [`Predictor::predict`].
    fn choose(
        &mut self,
        feeds: &[Feed<'_>],
        wish: &Wish<'_>,
        recent: &mut Recent,
    ) -> Result<Chosen, PredictError> {
        choose_on_host(self, feeds, wish, recent)
    }

    /// Most tokens of each of `feeds` feeds that one pass over the weights takes.
    fn rows_at_once(&self, _feeds: usize) -> usize {
        usize::MAX
    }

    /// Makes lane `to` hold what lane `from` holds in its first `len` positions.
    ///
    /// # Errors
    /// Words for the user: the hardware fails.
    fn fork(&mut self, from: usize, to: usize, len: usize) -> Result<(), PredictError>;
}

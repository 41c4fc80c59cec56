//! NVIDIA cards: everything of CUDA is in this folder and in `shaders/cuda`.
//!
//! The driver is opened at run time ([`driver`]); kernels come along as PTX ([`card`]). Weights are put in
//! the kernels' order on the card itself ([`loader`], [`decoder`]). A step (embedding, layers, head, choice
//! of codes) is recorded once for each shape it can have ([`forward`]) and told what to do through a
//! few hundred bytes ([`step`]). [`predictor`] is the seam to decoding.
//!
//! Invariants: a row comes out the same bits in whatever batch it is computed, so a seed means one
//! picture for every lookahead; nothing is allocated between the first and the last code of a picture but
//! the room for distributions, before its first code.

mod buffers;
mod cache;
mod card;
mod decoder;
mod driver;
mod forward;
mod jobs;
mod layout;
mod loader;
mod matrix;
mod measure;
mod movq;
pub(super) mod plan;
mod predictor;
mod step;
mod table;

pub use card::{Card, CardSummary, NO_DRIVER, survey};
pub use decoder::CardDecoder;
pub use movq::CardMovq;
pub use predictor::CardPredictor;

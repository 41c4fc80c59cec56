//! Where everything between the weights lies while a step is computed.

use super::decoder::CardDecoder;
use super::driver::Memory;
use super::layout::{MOST_EACH, MOST_ROWS};
use super::matrix::parts_bytes;
use super::step::{Chosen, Told, Wish};
use crate::model::weights::ModelError;

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// Where everything between the weights lies.
pub(super) struct Buffers {
    /// What the step is told; see [`Told`].
    pub(super) told: Memory,
    pub(super) chosen: Memory,
    /// [row][codes], padded.
    pub(super) scores: Memory,
    pub(super) x: Memory,
    /// What goes into a product, in fragment order.
    pub(super) input: Memory,
    pub(super) between: Memory,
    pub(super) parts: Memory,
    pub(super) q: Memory,
    pub(super) sums: Memory,
    pub(super) weights: Memory,
    /// Planes of activations.
    pub(super) planes: i32,
}

impl Buffers {
    pub(super) fn new(decoder: &CardDecoder, lanes: usize) -> Result<Self> {
        let layout = &decoder.layout;
        let zeros = |bytes: usize| decoder.card.context.zeros("drawing this picture", bytes);
        let feeds = lanes.min(MOST_ROWS);
        let widest = layout.hidden.max(layout.mixed());
        let matrices = decoder
            .blocks
            .iter()
            .flat_map(|block| [&block.qkv, &block.o, &block.gate_up, &block.down]);
        let parts = matrices.map(parts_bytes).max().unwrap_or(0);
        let of_heads = feeds * layout.heads * MOST_EACH;
        let planes = decoder.planes();
        Ok(Self {
            told: zeros(size_of::<Told>())?,
            chosen: zeros(size_of::<Chosen>())?,
            scores: zeros(4 * MOST_ROWS * decoder.head.outputs)?,
            x: zeros(4 * MOST_ROWS * layout.hidden)?,
            input: zeros(2 * MOST_ROWS * planes * widest)?,
            between: zeros(2 * MOST_ROWS * planes * layout.between)?,
            parts: zeros(parts)?,
            q: zeros(2 * of_heads * layout.head)?,
            sums: zeros(4 * of_heads * layout.splits() * layout.head)?,
            weights: zeros(8 * of_heads * layout.splits())?,
            planes: planes as i32,
        })
    }

    pub(super) fn step(&self) -> u64 {
        self.told.at(size_of::<Wish>())
    }
}

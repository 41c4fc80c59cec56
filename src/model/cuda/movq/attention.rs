//! Attention over all pixels of a feature map, in strips of queries.

use super::super::driver::{Extent, Memory};
use super::features::{
    BLOCK, BLOCK_BYTES, DECODING, Map, Norm, Prepared, SCORE_BYTES, Then, Weights, blocks,
};
use super::jobs::{Conv, Softmax, Turned};
use super::tools::{Mode, Tools};
use crate::model::weights::ModelError;
use bytemuck::bytes_of;

type Result<T, E = ModelError> = std::result::Result<T, E>;

impl Tools<'_> {
    /// The whole of a map as a split, [pixel][block].
    fn split_whole(&self, x: &Map, prepared: &Prepared) -> Result<Memory> {
        let bytes = x.pixels() * blocks(x.channels) * BLOCK_BYTES;
        let out = self.card.context.reserve(DECODING, bytes)?;
        self.split(x, 0..x.height, prepared, out.at(0))?;
        Ok(out)
    }

    /// Products of rows of `a` with rows of `b`, both splits of rows of `blocks` blocks, to f32 rows
    /// `stride` long.
    fn multiply(
        &self,
        (a, rows): (u64, usize),
        (b, outs): (u64, usize),
        blocks: usize,
        (out, stride): (u64, usize),
    ) -> Result<()> {
        let job = Conv {
            input: a,
            weights: b,
            bias: 0,
            out,
            walk: 0,
            blocks: blocks as i32,
            outs: outs as i32,
            out_stride: stride as i32,
            weight_row: (4 * blocks) as i32,
            weight_block: 4,
            width: rows as i32,
            input_first: 0,
            input_rows: 1,
            columns: rows as i32,
            first: 0,
            rows: 1,
            adds: 0,
            unused: 0,
        };
        self.launch(&job, rows, &self.point)
    }

    /// Single-head attention over all pixels, added to `x`. Scores exist for some queries at a time.
    pub(super) fn attention(
        &self,
        norm: &Norm,
        [q, k, v, out]: [&Weights; 4],
        (x, z): (&Map, Option<&Map>),
    ) -> Result<()> {
        let (pixels, channels) = (x.pixels(), x.channels);
        let prepared = self.prepare(norm, Then::Nothing, x, z)?;
        let projected = |weights: &Weights| {
            let map = self.room_for(weights, x)?;
            self.convolve(weights, x, &prepared, map.at(), Mode::Sets)?;
            Ok::<_, ModelError>(map)
        };
        let queries = self.split_whole(&projected(q)?, &Prepared::nothing())?;
        let keys = self.split_whole(&projected(k)?, &Prepared::nothing())?;
        let key_blocks = blocks(pixels);
        let values = self
            .card
            .context
            .reserve(DECODING, channels * key_blocks * BLOCK_BYTES)?;
        let projected_values = projected(v)?;
        let turned = Turned {
            x: projected_values.at(),
            out: values.at(0),
            pixels: pixels as i32,
            channels: channels as i32,
        };
        let extent = Extent {
            blocks: [pixels.div_ceil(64), channels.div_ceil(64), 1],
            threads: 256,
            shared_bytes: 0,
        };
        self.kernel("split_transposed")?
            .launch(extent, &[bytes_of(&turned)])?;
        // What the values were projected to takes the mixed ones.
        let mixed = projected_values;
        let row_bytes = key_blocks * BLOCK_BYTES;
        let strip = (SCORE_BYTES / row_bytes / 128 * 128).max(128).min(pixels);
        let scores = self.card.context.reserve(DECODING, strip * row_bytes)?;
        let channel_blocks = blocks(channels);
        for first in (0..pixels).step_by(strip) {
            let rows = strip.min(pixels - first);
            let from = queries.at(first * channel_blocks * BLOCK_BYTES);
            let stride = key_blocks * BLOCK;
            self.multiply(
                (from, rows),
                (keys.at(0), pixels),
                channel_blocks,
                (scores.at(0), stride),
            )?;
            let softmax = Softmax {
                scores: scores.at(0),
                keys: pixels as i32,
                blocks: key_blocks as i32,
                scale: 1.0 / (channels as f32).sqrt(),
                unused: 0,
            };
            self.kernel("softmax_rows")?
                .launch(Extent::row(rows, 256), &[bytes_of(&softmax)])?;
            let to = mixed.memory.at(4 * first * channels);
            self.multiply(
                (scores.at(0), rows),
                (values.at(0), channels),
                key_blocks,
                (to, channels),
            )?;
        }
        self.convolve(out, &mixed, &Prepared::nothing(), x.at(), Mode::Adds)
    }
}

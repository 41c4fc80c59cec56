//! The forward: a batch of tokens through all layers.

use super::block::Block;
use super::loaded::Decoder;
use crate::decode::{Feed, PredictError, Predictor};
use crate::model::decoder::kernels::{add, fast, rms_norm};
use crate::model::decoder::kv_cache::Cache;
use crate::model::decoder::parts::{embed, room_for};
use crate::model::memory::{DRAWING, affordable, refusal};
use crate::model::weights::ModelError;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Runs tokens through a [`Decoder`] on the CPU.
pub struct CpuPredictor {
    decoder: Arc<Decoder>,
    lanes: Vec<Cache>,
}

/// One row of a batch: which of the forward's lanes it belongs to and where it stands there.
#[derive(Clone, Copy)]
struct BatchRow {
    lane: usize,
    at: usize,
}

/// A lane that takes part in a forward, and what it is fed.
type Fed<'a, 'b> = (Feed<'a>, &'b mut Cache);

impl CpuPredictor {
    fn forward(&mut self, feeds: &[Feed<'_>]) -> Result<Vec<f32>, ModelError> {
        let decoder = &*self.decoder;
        let mut lanes: Vec<Option<&mut Cache>> = self.lanes.iter_mut().map(Some).collect();
        let mut fed: Vec<Fed<'_, '_>> = Vec::with_capacity(feeds.len());
        for feed in feeds {
            let lane = lanes.get_mut(feed.lane).and_then(Option::take);
            let cache = lane.ok_or_else(|| ModelError::Config(format!("lane {} is not free", feed.lane)))?;
            fed.push((*feed, cache));
        }
        // A small decoder is bound by the cost of waiting for threads: each runs lanes of its own,
        // and they meet once a forward. A large one is bound by reading weights: all lanes together.
        let groups = if decoder.head.matrix.is_sharded() {
            1
        } else {
            rayon::current_num_threads().min(fed.len()).max(1)
        };
        let size = fed.len().div_ceil(groups).max(1);
        let parts: Result<Vec<_>, _> = match groups {
            1 => fed.chunks_mut(size).map(|group| decoder.forward(group)).collect(),
            _ => fed
                .par_chunks_mut(size)
                .map(|group| decoder.forward(group))
                .collect(),
        };
        Ok(parts?.concat())
    }
}

impl Decoder {
    /// A predictor with `lanes` lanes that can each hold `capacity` tokens. Its cache is
    /// allocated here, once; what the machine cannot give is refused.
    pub(crate) fn predictor(
        self: &Arc<Self>,
        lanes: usize,
        capacity: usize,
    ) -> Result<CpuPredictor, ModelError> {
        let bytes = (lanes * self.lane_bytes(capacity)) as u64;
        affordable(DRAWING, bytes)?;
        let lane = || Cache::new(self.cache_shape(capacity), self.precision);
        let lanes = (0..lanes).map(|_| lane()).collect::<Result<_, _>>();
        Ok(CpuPredictor {
            decoder: self.clone(),
            lanes: lanes.map_err(|_| refusal(DRAWING, bytes))?,
        })
    }

    /// One batch through all layers.
    fn forward(&self, fed: &mut [Fed<'_, '_>]) -> Result<Vec<f32>, ModelError> {
        let config = &self.config;
        let hidden = config.hidden_size;
        let (mut tokens, mut places, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        for (lane, (feed, cache)) in fed.iter().enumerate() {
            room_for(feed, cache.capacity())?;
            for (index, token) in feed.tokens.iter().enumerate() {
                if index >= feed.scores_from {
                    wanted.push(tokens.len());
                }
                tokens.push(*token);
                places.push(BatchRow {
                    lane,
                    at: feed.at + index,
                });
            }
        }
        let rows = tokens.len();
        if rows == 0 {
            return Ok(Vec::new());
        }
        let mut x = embed(&self.embedding, config, &tokens)?;
        let eps = config.rms_norm_eps;
        // swin_norm: the two norms come after attention and MLP instead of before.
        let before = |x: &[f32], weight: &[f32]| {
            if config.swin_norm {
                x.to_vec()
            } else {
                rms_norm(x, weight, eps)
            }
        };
        let after = |x: Vec<f32>, weight: &[f32]| {
            if config.swin_norm {
                rms_norm(&x, weight, eps)
            } else {
                x
            }
        };
        for (layer, block) in self.blocks.iter().enumerate() {
            let normed = before(&x, &block.input_norm);
            let attended = self.attention(block, layer, normed, (&places, fed))?;
            add(&mut x, &after(attended, &block.input_norm));
            let normed = before(&x, &block.post_norm);
            let gate_up = block.gate_up.forward(normed, rows)?;
            let inner = self.activation.gated(&gate_up, config.intermediate_size);
            add(&mut x, &after(block.down.forward(inner, rows)?, &block.post_norm));
        }
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let last: Vec<f32> = wanted
            .iter()
            .flat_map(|row| &x[row * hidden..(row + 1) * hidden])
            .copied()
            .collect();
        let normed = rms_norm(&last, &self.norm, eps);
        Ok(self.head.forward(normed, wanted.len())?)
    }

    fn attention(
        &self,
        block: &Block,
        layer: usize,
        x: Vec<f32>,
        (places, fed): (&[BatchRow], &mut [Fed<'_, '_>]),
    ) -> candle_core::Result<Vec<f32>> {
        let config = &self.config;
        let rows = places.len();
        let (head_dim, hidden) = (config.head_dim(), config.hidden_size);
        let kv = config.kv_heads() * head_dim;
        let mut qkv = block.qkv.forward(x, rows)?;
        fast(
            #[inline(always)]
            || {
                for (row, place) in qkv.chunks_exact_mut(hidden + 2 * kv).zip(places) {
                    let (q, rest) = row.split_at_mut(hidden);
                    for (head, x) in q.chunks_exact_mut(head_dim).enumerate() {
                        block.q_norm.apply(x, head);
                        self.rope.apply(x, place.at);
                    }
                    for (head, x) in rest[..kv].chunks_exact_mut(head_dim).enumerate() {
                        block.k_norm.apply(x, head);
                        self.rope.apply(x, place.at);
                    }
                }
            },
        );
        for (row, place) in qkv.chunks_exact(hidden + 2 * kv).zip(places) {
            fed[place.lane]
                .1
                .write(layer, place.at, row[hidden..].split_at(kv));
        }
        // One piece of work is a lane and a key/value head with the queries that share it.
        let group = config.num_attention_heads / config.kv_heads() * head_dim;
        let per_head = group / head_dim;
        let mut pieces = Vec::new();
        let mut first = 0;
        for of_lane in places.chunk_by(|a, b| a.lane == b.lane) {
            pieces.extend((0..config.kv_heads()).map(|head| (first..first + of_lane.len(), head)));
            first += of_lane.len();
        }
        let fed = &*fed;
        let attend = |(rows, head): &(Range<usize>, usize)| {
            let row = |row: usize| &qkv[row * (hidden + 2 * kv) + head * group..][..group];
            let queries: Vec<f32> = rows.clone().flat_map(row).copied().collect();
            let of_lane = &places[rows.clone()];
            let lens: Vec<usize> = of_lane
                .iter()
                .flat_map(|place| std::iter::repeat_n(place.at + 1, per_head))
                .collect();
            fed[of_lane[0].lane].1.attend((layer, *head), &queries, &lens)
        };
        let work: usize = places.iter().map(|place| (place.at + 1) * hidden).sum();
        let done: Vec<Vec<f32>> = match work < PARALLEL_FROM {
            true => pieces.iter().map(attend).collect(),
            false => pieces.par_iter().map(attend).collect(),
        };
        let mut out = vec![0.0; rows * hidden];
        for ((rows, head), done) in pieces.into_iter().zip(done) {
            for (row, done) in rows.zip(done.chunks_exact(group)) {
                out[row * hidden + head * group..][..group].copy_from_slice(done);
            }
        }
        block.o.forward(out, rows)
    }
}

/// Below this many products attention is done on one thread: waking others costs more.
const PARALLEL_FROM: usize = 4_000_000;

impl Predictor for CpuPredictor {
    fn codes(&self) -> usize {
        self.decoder.head.outs
    }

    fn predict(&mut self, feeds: &[Feed<'_>], scores: &mut Vec<f32>) -> Result<(), PredictError> {
        *scores = self.forward(feeds).map_err(|e| PredictError(e.to_string()))?;
        Ok(())
    }

    fn fork(&mut self, from: usize, to: usize, len: usize) -> Result<(), PredictError> {
        if from == to {
            return Ok(());
        }
        let [source, target] = self
            .lanes
            .get_disjoint_mut([from, to])
            .map_err(|_| PredictError(format!("no lanes {from} and {to}")))?;
        target.copy(source, len);
        Ok(())
    }
}

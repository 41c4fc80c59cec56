//! Rotary positions (RoPE): how far each pair of numbers is turned at each position.

use super::config::Config;
use super::kernels::rotate;

/// Cosines and sines of every position, half a head long.
pub(crate) struct Rope {
    pub(crate) cos: Vec<f32>,
    pub(crate) sin: Vec<f32>,
    half: usize,
}

impl Rope {
    pub(crate) fn new(config: &Config) -> Self {
        let half = config.head_dim() / 2;
        let positions = config.positions;
        let frequency =
            |i: usize| 1.0 / positions.theta.powf(2.0 * i as f32 / (2 * half) as f32) / positions.stretch;
        let angles = |at: usize| (0..half).map(move |i| at as f32 * frequency(i));
        let all: Vec<f32> = (0..config.max_position_embeddings).flat_map(angles).collect();
        Self {
            cos: all.iter().map(|a| a.cos()).collect(),
            sin: all.iter().map(|a| a.sin()).collect(),
            half,
        }
    }

    #[inline(always)]
    pub(super) fn apply(&self, x: &mut [f32], at: usize) {
        let table = at * self.half..(at + 1) * self.half;
        rotate(x, &self.cos[table.clone()], &self.sin[table]);
    }
}

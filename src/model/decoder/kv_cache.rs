//! Keys and values of one token stream, addressed by position, and attention over them.
//!
//! Allocated once for the whole picture. Whatever stands at a position is what was written there
//! last: overwriting is all there is to rolling back. Keys lie transposed, so that the scores of
//! neighbouring positions are computed side by side; half precision where f32 would take too much
//! memory.

use super::kernels::{exp, fast, sum};
use half::bf16;
use std::collections::TryReserveError;

/// Positions handled side by side.
const BLOCK: usize = 32;

/// How a key or value is stored.
trait Cell: Copy + Default + Send + Sync {
    fn wide(self) -> f32;
    fn of(value: f32) -> Self;
}

impl Cell for f32 {
    #[inline(always)]
    fn wide(self) -> f32 {
        self
    }
    #[inline(always)]
    fn of(value: f32) -> Self {
        value
    }
}

impl Cell for bf16 {
    #[inline(always)]
    fn wide(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
    #[inline(always)]
    fn of(value: f32) -> Self {
        Self::from_f32(value)
    }
}

/// Sizes of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub layers: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    /// Positions.
    pub capacity: usize,
}

impl Shape {
    /// Positions of one row of keys, padded to whole blocks.
    fn stride(&self) -> usize {
        self.capacity.next_multiple_of(BLOCK)
    }

    /// Bytes of a cache with cells of `cell` bytes.
    pub(crate) fn bytes(&self, cell: usize) -> usize {
        2 * self.layers * self.kv_heads * self.head_dim * self.stride() * cell
    }
}

struct Planes<T> {
    /// [layer][kv head][head_dim][position]
    keys: Vec<Vec<T>>,
    /// [layer][kv head][position][head_dim]
    values: Vec<Vec<T>>,
}

impl<T: Cell> Planes<T> {
    fn new(shape: &Shape) -> Result<Self, TryReserveError> {
        let cells = shape.kv_heads * shape.head_dim * shape.stride();
        let plane = || {
            let mut plane = Vec::new();
            plane.try_reserve_exact(cells)?;
            plane.resize(cells, T::default());
            Ok::<_, TryReserveError>(plane)
        };
        let all = || (0..shape.layers).map(|_| plane()).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            keys: all()?,
            values: all()?,
        })
    }

    fn write(&mut self, shape: &Shape, layer: usize, at: usize, (k, v): (&[f32], &[f32])) {
        let (stride, dim) = (shape.stride(), shape.head_dim);
        for (row, value) in k.iter().enumerate() {
            self.keys[layer][row * stride + at] = T::of(*value);
        }
        for (head, values) in v.chunks_exact(dim).enumerate() {
            let to = &mut self.values[layer][(head * stride + at) * dim..][..dim];
            to.iter_mut()
                .zip(values)
                .for_each(|(to, value)| *to = T::of(*value));
        }
    }

    fn copy(&mut self, from: &Self, shape: &Shape, len: usize) {
        let (stride, dim) = (shape.stride(), shape.head_dim);
        for (to, from) in self.keys.iter_mut().zip(&from.keys) {
            for (to, from) in to.chunks_exact_mut(stride).zip(from.chunks_exact(stride)) {
                to[..len].copy_from_slice(&from[..len]);
            }
        }
        for (to, from) in self.values.iter_mut().zip(&from.values) {
            for (to, from) in to
                .chunks_exact_mut(stride * dim)
                .zip(from.chunks_exact(stride * dim))
            {
                to[..len * dim].copy_from_slice(&from[..len * dim]);
            }
        }
    }

    /// Queries of one key/value head, at ascending positions; see [`Cache::attend`].
    fn attend(&self, shape: &Shape, place: (usize, usize), queries: &[f32], lens: &[usize]) -> Vec<f32> {
        let (layer, head) = place;
        let (stride, dim) = (shape.stride(), shape.head_dim);
        let keys = &self.keys[layer][head * dim * stride..(head + 1) * dim * stride];
        let values = &self.values[layer][head * dim * stride..(head + 1) * dim * stride];
        let longest = lens.iter().copied().max().unwrap_or(0);
        let padded = longest.next_multiple_of(BLOCK);
        let mut scores = vec![0.0f32; padded * lens.len()];
        let mut out = vec![0.0f32; queries.len()];
        let scale = 1.0 / (dim as f32).sqrt();
        fast(
            #[inline(always)]
            || {
                for first in (0..padded).step_by(BLOCK) {
                    let rows = queries
                        .chunks_exact(dim)
                        .zip(scores.chunks_exact_mut(padded))
                        .zip(lens);
                    for ((query, scores), _) in rows.filter(|(_, len)| **len > first) {
                        let mut sums = [0.0f32; BLOCK];
                        for (q, keys) in query.iter().zip(keys.chunks_exact(stride)) {
                            let Some(keys) = keys[first..].first_chunk::<BLOCK>() else {
                                break;
                            };
                            for (sum, key) in sums.iter_mut().zip(keys) {
                                *sum += q * key.wide();
                            }
                        }
                        for (score, sum) in scores[first..first + BLOCK].iter_mut().zip(sums) {
                            *score = sum * scale;
                        }
                    }
                }
                for (scores, len) in scores.chunks_exact_mut(padded).zip(lens) {
                    let most = scores[..*len].iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    for score in &mut scores[..*len] {
                        *score = exp(*score - most);
                    }
                    let part = 1.0 / sum(&scores[..*len], |v| v);
                    for score in &mut scores[..*len] {
                        *score *= part;
                    }
                }
                for first in (0..longest).step_by(BLOCK) {
                    let rows = out
                        .chunks_exact_mut(dim)
                        .zip(scores.chunks_exact(padded))
                        .zip(lens);
                    for ((out, scores), len) in rows.filter(|(_, len)| **len > first) {
                        let last = (first + BLOCK).min(*len);
                        let values = &values[first * dim..last * dim];
                        mix(out, &scores[first..last], values);
                    }
                }
            },
        );
        out
    }
}

/// `out += weights * values`, [weights.len(), out.len()] values, as many sums at a time as there
/// are registers for.
#[inline(always)]
fn mix<T: Cell>(out: &mut [f32], weights: &[f32], values: &[T]) {
    let dim = out.len();
    let mut from = 0;
    while from + BLOCK <= dim {
        let Some(out) = out[from..].first_chunk_mut::<BLOCK>() else {
            break;
        };
        let mut sums = *out;
        for (weight, values) in weights.iter().zip(values.chunks_exact(dim)) {
            let Some(values) = values[from..].first_chunk::<BLOCK>() else {
                break;
            };
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += weight * value.wide();
            }
        }
        *out = sums;
        from += BLOCK;
    }
    for (weight, values) in weights.iter().zip(values.chunks_exact(dim)) {
        for (sum, value) in out[from..].iter_mut().zip(&values[from..]) {
            *sum += weight * value.wide();
        }
    }
}

enum Store {
    Full(Planes<f32>),
    Half(Planes<bf16>),
}

/// Precision of keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    F32,
    Bf16,
}

/// What one lane has seen.
pub(crate) struct Cache {
    shape: Shape,
    store: Store,
}

impl Cache {
    pub(crate) fn new(shape: Shape, precision: Precision) -> Result<Self, TryReserveError> {
        let store = match precision {
            Precision::F32 => Store::Full(Planes::new(&shape)?),
            Precision::Bf16 => Store::Half(Planes::new(&shape)?),
        };
        Ok(Self { shape, store })
    }

    pub(crate) fn capacity(&self) -> usize {
        self.shape.capacity
    }

    /// Sets keys and values (all heads) of the token at position `at`.
    pub(crate) fn write(&mut self, layer: usize, at: usize, kv: (&[f32], &[f32])) {
        match &mut self.store {
            Store::Full(planes) => planes.write(&self.shape, layer, at, kv),
            Store::Half(planes) => planes.write(&self.shape, layer, at, kv),
        }
    }

    /// Takes over the first `len` positions of `from`.
    pub(crate) fn copy(&mut self, from: &Self, len: usize) {
        let len = len.min(from.shape.capacity).min(self.shape.capacity);
        match (&mut self.store, &from.store) {
            (Store::Full(to), Store::Full(from)) => to.copy(from, &self.shape, len),
            (Store::Half(to), Store::Half(from)) => to.copy(from, &self.shape, len),
            _ => {}
        }
    }

    /// Attention of `queries` [lens.len(), head_dim] to the keys and values of (layer, kv head):
    /// query i sees the first `lens[i]` positions. Returns [lens.len(), head_dim].
    pub(crate) fn attend(&self, place: (usize, usize), queries: &[f32], lens: &[usize]) -> Vec<f32> {
        match &self.store {
            Store::Full(planes) => planes.attend(&self.shape, place, queries, lens),
            Store::Half(planes) => planes.attend(&self.shape, place, queries, lens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(count: usize, seed: usize) -> Vec<f32> {
        (0..count)
            .map(|i| ((i * 37 + seed * 101) % 97) as f32 / 48.0 - 1.0)
            .collect()
    }

    /// Softmax attention written out in f64.
    fn exact(query: &[f32], keys: &[Vec<f32>], values: &[Vec<f32>]) -> Vec<f64> {
        let dot = |a: &[f32], b: &[f32]| {
            a.iter()
                .zip(b)
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum::<f64>()
        };
        let weights: Vec<f64> = keys
            .iter()
            .map(|k| (dot(query, k) / (query.len() as f64).sqrt()).exp())
            .collect();
        let total: f64 = weights.iter().sum();
        let column = |d: usize| {
            values
                .iter()
                .zip(&weights)
                .map(|(v, w)| f64::from(v[d]) * w)
                .sum::<f64>()
                / total
        };
        (0..query.len()).map(column).collect()
    }

    #[test]
    fn attention_is_softmax_attention_and_rows_do_not_depend_on_each_other() {
        let shape = Shape {
            layers: 2,
            kv_heads: 3,
            head_dim: 8,
            capacity: 71,
        };
        for (precision, bound) in [(Precision::F32, 1e-5), (Precision::Bf16, 2e-2)] {
            let mut cache = Cache::new(shape, precision).unwrap();
            let (keys, values): (Vec<_>, Vec<_>) =
                (0..71).map(|at| (noise(24, at), noise(24, at + 500))).unzip();
            // Wrong values first: writing again is enough.
            for at in 0..71 {
                cache.write(1, at, (&noise(24, 999), &noise(24, 998)));
                cache.write(1, at, (&keys[at], &values[at]));
            }
            let lens = [5, 33, 64, 71];
            let queries = noise(4 * 8, 7);
            let together = cache.attend((1, 2), &queries, &lens);
            let part = |rows: &[Vec<f32>], len: usize| {
                rows[..len].iter().map(|r| r[16..24].to_vec()).collect::<Vec<_>>()
            };
            for (index, len) in lens.into_iter().enumerate() {
                let query = &queries[index * 8..][..8];
                let row = &together[index * 8..][..8];
                assert_eq!(row, cache.attend((1, 2), query, &[len]));
                for (found, wanted) in row
                    .iter()
                    .zip(exact(query, &part(&keys, len), &part(&values, len)))
                {
                    assert!((f64::from(*found) - wanted).abs() < bound, "{found} {wanted}");
                }
            }
            let mut other = Cache::new(shape, precision).unwrap();
            other.copy(&cache, 33);
            assert_eq!(other.attend((1, 2), &queries[8..16], &[33]), &together[8..16]);
        }
    }
}

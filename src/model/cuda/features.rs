//! Feature maps on the card, and what the image tokenizer does with them: convolutions, norms, attention
//! (`shaders/cuda/movq.cu` says how its kernels are used). Work that would take much memory is done in
//! strips of rows; a strip has the same bits as the whole.

use super::card::{Card, File};
use super::driver::{Extent, Kernel, Memory};
use crate::model::weights::ModelError;
use bytemuck::{Pod, Zeroable, bytes_of};

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// What the memory is for, in words.
pub(super) const DECODING: &str = "turning codes into pixels";
/// Most bytes of the split of a strip.
pub(super) const STRIP_BYTES: usize = 104 << 20;
/// Most bytes of a block of scores of attention.
pub(super) const SCORE_BYTES: usize = 40 << 20;
/// Numbers of a block of a split, and its bytes.
const BLOCK: usize = 16;
const BLOCK_BYTES: usize = 64;
/// Quads of channels a thread of `norm_chunks` holds.
const HELD: usize = 16;

/// Numbers f32, [row][column][channel]. Its memory may be longer.
pub(super) struct Map {
    memory: Memory,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}

impl Map {
    pub(super) fn at(&self) -> u64 {
        self.memory.at(0)
    }

    fn row_bytes(&self) -> usize {
        4 * self.width * self.channels
    }

    fn row(&self, row: usize) -> u64 {
        self.memory.at(row * self.row_bytes())
    }

    pub(super) fn pixels(&self) -> usize {
        self.height * self.width
    }

    pub(super) fn values(&self) -> Result<Vec<f32>> {
        Ok(self.memory.get(0, self.pixels() * self.channels)?)
    }
}

/// How a convolution walks over its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    Same,
    /// Pads right and below only, and halves the size.
    Half,
    /// Doubles the size first: every pixel becomes four.
    Double,
    /// 1x1.
    Point,
}

impl Walk {
    /// Rows or columns that come out of `count`.
    fn size(self, count: usize) -> usize {
        match self {
            Self::Same | Self::Point => count,
            Self::Half => count / 2,
            Self::Double => 2 * count,
        }
    }

    /// Rows of an input of `height` that `rows` output rows from `first` on touch.
    fn input_rows(self, first: usize, rows: usize, height: usize) -> std::ops::Range<usize> {
        let last = first + rows;
        let touched = match self {
            Self::Point => first..last,
            Self::Same => first.saturating_sub(1)..last + 1,
            Self::Half => 2 * first..2 * last + 1,
            Self::Double => first.saturating_sub(1) / 2..last / 2 + 1,
        };
        touched.start..touched.end.min(height)
    }

    /// Output rows that touch at most `most` input rows.
    fn rows_of(self, most: usize) -> usize {
        let rows = match self {
            Self::Point => most,
            Self::Same => most.saturating_sub(2),
            Self::Half => most.saturating_sub(1) / 2,
            Self::Double => 2 * most.saturating_sub(2),
        };
        rows.max(1)
    }
}

/// Weights of a convolution, split and in the order it reads, and its bias.
pub(super) struct Weights {
    pub(super) memory: Memory,
    pub(super) ins: usize,
    pub(super) outs: usize,
    pub(super) walk: Walk,
    /// Where the bias begins in the vectors.
    pub(super) bias: usize,
}

/// GroupNorm: where weight and bias begin in the vectors; in the decoder with conv_y and conv_b.
pub(super) struct Norm {
    pub(super) weight: usize,
    pub(super) bias: usize,
    pub(super) spatial: Option<(Weights, Weights)>,
}

/// What follows a norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    Swish,
}

/// What becomes of a map on its way into a convolution.
struct Prepared {
    affine: Option<Memory>,
    /// Scale and shift of SpatialNorm, and their size in codes.
    spatial: Option<(Map, Map)>,
    then: Then,
}

impl Prepared {
    fn nothing() -> Self {
        Self {
            affine: None,
            spatial: None,
            then: Then::Nothing,
        }
    }
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct SplitWeights {
    stored: u64,
    out: u64,
    kind: i32,
    outs: i32,
    ins: i32,
    taps: i32,
    blocks: i32,
    unused: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Rows {
    x: u64,
    out: u64,
    affine: u64,
    scale: u64,
    shift: u64,
    channels: i32,
    blocks: i32,
    width: i32,
    first: i32,
    height: i32,
    code_rows: i32,
    code_columns: i32,
    swish: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Turned {
    x: u64,
    out: u64,
    pixels: i32,
    channels: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Statistics {
    x: u64,
    chunks: u64,
    affine: u64,
    weight: u64,
    bias: u64,
    channels: i32,
    pixels: i32,
    count: i32,
    unused: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Conv {
    input: u64,
    weights: u64,
    bias: u64,
    out: u64,
    walk: i32,
    blocks: i32,
    outs: i32,
    out_stride: i32,
    weight_row: i32,
    weight_block: i32,
    width: i32,
    input_first: i32,
    input_rows: i32,
    columns: i32,
    first: i32,
    rows: i32,
    adds: i32,
    unused: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Softmax {
    scores: u64,
    keys: i32,
    blocks: i32,
    scale: f32,
    unused: i32,
}

/// Tiles a convolution is computed in.
struct Tiles {
    small: Kernel,
    large: Kernel,
}

/// The kernels of the image tokenizer, and the memory they share.
pub(super) struct Tools<'a> {
    card: &'a Card,
    vectors: &'a Memory,
    conv: Tiles,
    point: Tiles,
}

fn blocks(channels: usize) -> usize {
    channels.div_ceil(BLOCK)
}

/// Where a convolution's result goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Sets,
    Adds,
}

impl<'a> Tools<'a> {
    pub(super) fn new(card: &'a Card, vectors: &'a Memory) -> Result<Self> {
        let tiles = |name: &str| {
            Ok::<_, ModelError>(Tiles {
                small: card.kernel(File::Movq, &format!("{name}_small"), SMALL.shared_bytes)?,
                large: card.kernel(File::Movq, &format!("{name}_large"), LARGE.shared_bytes)?,
            })
        };
        Ok(Self {
            card,
            vectors,
            conv: tiles("conv")?,
            point: tiles("point")?,
        })
    }

    fn kernel(&self, name: &str) -> Result<Kernel> {
        self.card.kernel(File::Movq, name, 0)
    }

    pub(super) fn map(&self, height: usize, width: usize, channels: usize) -> Result<Map> {
        let bytes = 4 * height * width * channels;
        Ok(Map {
            memory: self.card.context.reserve(DECODING, bytes)?,
            height,
            width,
            channels,
        })
    }

    /// Rows of a map of any memory to a split at `out`.
    fn split(&self, x: &Map, rows: std::ops::Range<usize>, prepared: &Prepared, out: u64) -> Result<()> {
        let blocks = blocks(x.channels);
        let spatial = prepared.spatial.as_ref();
        let job = Rows {
            x: x.row(rows.start),
            out,
            affine: prepared.affine.as_ref().map_or(0, |affine| affine.at(0)),
            scale: spatial.map_or(0, |(scale, _)| scale.at()),
            shift: spatial.map_or(0, |(_, shift)| shift.at()),
            channels: x.channels as i32,
            blocks: blocks as i32,
            width: x.width as i32,
            first: rows.start as i32,
            height: x.height as i32,
            code_rows: spatial.map_or(1, |(scale, _)| scale.height) as i32,
            code_columns: spatial.map_or(1, |(scale, _)| scale.width) as i32,
            swish: i32::from(prepared.then == Then::Swish),
        };
        let extent = Extent {
            blocks: [(x.width * blocks * 2).div_ceil(256), rows.len(), 1],
            threads: 256,
            shared_bytes: 0,
        };
        Ok(self.kernel("split_rows")?.launch(extent, &[bytes_of(&job)])?)
    }

    fn launch(&self, job: &Conv, pixels: usize, tiles: &Tiles) -> Result<()> {
        let outs = job.outs as usize;
        let count = |tile: Tile| pixels.div_ceil(tile.pixels) * outs.div_ceil(tile.outs);
        let fills = count(LARGE) >= self.card.features.multiprocessors;
        let (kernel, tile) = match outs > 64 && job.out_stride % 2 == 0 && fills {
            true => (&tiles.large, LARGE),
            false => (&tiles.small, SMALL),
        };
        let extent = Extent {
            blocks: [count(tile), 1, 1],
            threads: 128,
            shared_bytes: tile.shared_bytes,
        };
        Ok(kernel.launch(extent, &[bytes_of(job)])?)
    }

    /// A convolution of a prepared map into (or onto) rows of `out`, strip by strip. `out` may be the
    /// memory of `x` itself where fewer channels come out of a 1x1 convolution than go in.
    fn convolve(&self, weights: &Weights, x: &Map, prepared: &Prepared, out: u64, mode: Mode) -> Result<()> {
        let walk = weights.walk;
        let blocks = blocks(x.channels);
        let row_bytes = x.width * blocks * BLOCK_BYTES;
        let (height, columns) = (walk.size(x.height), walk.size(x.width));
        let most = (STRIP_BYTES / row_bytes).max(4);
        let strip = walk.rows_of(most).min(height);
        let longest = walk.input_rows(0, strip, x.height).len() + 2;
        let split = self.card.context.reserve(DECODING, longest * row_bytes)?;
        let tiles = if walk == Walk::Point {
            &self.point
        } else {
            &self.conv
        };
        for first in (0..height).step_by(strip) {
            let rows = strip.min(height - first);
            let input = walk.input_rows(first, rows, x.height);
            self.split(x, input.clone(), prepared, split.at(0))?;
            let is_point = walk == Walk::Point;
            let job = Conv {
                input: split.at(0),
                weights: weights.memory.at(0),
                bias: self.vectors.at(weights.bias),
                out: out + (4 * first * columns * weights.outs) as u64,
                walk: match walk {
                    Walk::Same | Walk::Point => 0,
                    Walk::Half => 1,
                    Walk::Double => 2,
                },
                blocks: blocks as i32,
                outs: weights.outs as i32,
                out_stride: weights.outs as i32,
                weight_row: 4,
                weight_block: (4 * weights.outs) as i32,
                width: x.width as i32,
                input_first: if is_point { 0 } else { input.start as i32 },
                input_rows: input.len() as i32,
                columns: columns as i32,
                first: if is_point { 0 } else { first as i32 },
                rows: rows as i32,
                adds: i32::from(mode == Mode::Adds),
                unused: 0,
            };
            self.launch(&job, rows * columns, tiles)?;
        }
        Ok(())
    }

    /// A convolution of a map as it is.
    pub(super) fn plain(&self, weights: &Weights, x: &Map) -> Result<Map> {
        let out = self.room_for(weights, x)?;
        self.convolve(weights, x, &Prepared::nothing(), out.at(), Mode::Sets)?;
        Ok(out)
    }

    fn room_for(&self, weights: &Weights, x: &Map) -> Result<Map> {
        let walk = weights.walk;
        self.map(walk.size(x.height), walk.size(x.width), weights.outs)
    }

    /// A convolution of a normed map.
    pub(super) fn normed(
        &self,
        weights: &Weights,
        norm: &Norm,
        then: Then,
        (x, z): (&Map, Option<&Map>),
    ) -> Result<Map> {
        let prepared = self.prepare(norm, then, x, z)?;
        let out = self.room_for(weights, x)?;
        self.convolve(weights, x, &prepared, out.at(), Mode::Sets)?;
        Ok(out)
    }

    /// The same, added to `onto`.
    pub(super) fn normed_onto(
        &self,
        weights: &Weights,
        norm: &Norm,
        (x, z): (&Map, Option<&Map>),
        onto: &Map,
    ) -> Result<()> {
        let prepared = self.prepare(norm, Then::Swish, x, z)?;
        self.convolve(weights, x, &prepared, onto.at(), Mode::Adds)
    }

    /// The 1x1 convolution of a shortcut: in place where channels become fewer, for strips from the top
    /// land where strips above were.
    pub(super) fn shortcut(&self, weights: &Weights, x: Map) -> Result<Map> {
        if weights.outs > weights.ins {
            return self.plain(weights, &x);
        }
        self.convolve(weights, &x, &Prepared::nothing(), x.at(), Mode::Sets)?;
        Ok(Map {
            channels: weights.outs,
            ..x
        })
    }

    /// Statistics of a norm over the whole map, and what modulates it.
    fn prepare(&self, norm: &Norm, then: Then, x: &Map, z: Option<&Map>) -> Result<Prepared> {
        let reserve = |bytes: usize| self.card.context.reserve(DECODING, bytes);
        let count = x.pixels().div_ceil(HELD * (1024 / x.channels));
        let chunks = reserve(32 * count * 8)?;
        let affine = reserve(8 * x.channels)?;
        let job = Statistics {
            x: x.at(),
            chunks: chunks.at(0),
            affine: affine.at(0),
            weight: self.vectors.at(norm.weight),
            bias: self.vectors.at(norm.bias),
            channels: x.channels as i32,
            pixels: x.pixels() as i32,
            count: count as i32,
            unused: 0,
        };
        self.kernel("norm_chunks")?
            .launch(Extent::row(count, 256), &[bytes_of(&job)])?;
        self.kernel("norm_totals")?
            .launch(Extent::row(32, 256), &[bytes_of(&job)])?;
        // 1x1 convolutions commute with nearest resizing: they run at the codes' own size.
        let spatial = match (&norm.spatial, z) {
            (Some((y, b)), Some(z)) => Some((self.plain(y, z)?, self.plain(b, z)?)),
            _ => None,
        };
        Ok(Prepared {
            affine: Some(affine),
            spatial,
            then,
        })
    }

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
        let turned = Turned {
            x: 0,
            out: values.at(0),
            pixels: pixels as i32,
            channels: channels as i32,
        };
        let projected_values = projected(v)?;
        let turned = Turned {
            x: projected_values.at(),
            ..turned
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

    /// The map of the vectors of codes.
    pub(super) fn look_up(
        &self,
        codes: &[u32],
        (rows, columns): (usize, usize),
        (codebook, dim): (&Memory, usize),
    ) -> Result<Map> {
        let out = self.map(rows, columns, dim)?;
        let codes = self.card.context.holding(DECODING, codes)?;
        let count = rows * columns;
        self.kernel("look_up")?.launch(
            Extent::of_threads(count * dim, 256),
            &[
                bytes_of(&codes.at(0)),
                bytes_of(&codebook.at(0)),
                bytes_of(&out.at()),
                bytes_of(&(count as i32)),
                bytes_of(&(dim as i32)),
            ],
        )?;
        Ok(out)
    }

    /// The map of a picture: value / 255 * 2 - 1.
    pub(super) fn from_bytes(&self, rgb: &[u8], (height, width): (usize, usize)) -> Result<Map> {
        let out = self.map(height, width, 3)?;
        let bytes = self.card.context.holding(DECODING, rgb)?;
        self.kernel("bytes_to_map")?.launch(
            Extent::of_threads(rgb.len(), 256),
            &[
                bytes_of(&bytes.at(0)),
                bytes_of(&out.at()),
                bytes_of(&(rgb.len() as i32)),
            ],
        )?;
        Ok(out)
    }

    /// The picture of a map: round((clamp(value) + 1) * 127.5).
    pub(super) fn to_bytes(&self, map: &Map) -> Result<Vec<u8>> {
        let count = map.pixels() * map.channels;
        let bytes = self.card.context.reserve(DECODING, count)?;
        self.kernel("map_to_bytes")?.launch(
            Extent::of_threads(count, 256),
            &[
                bytes_of(&map.at()),
                bytes_of(&bytes.at(0)),
                bytes_of(&(count as i32)),
            ],
        )?;
        Ok(bytes.get(0, count)?)
    }

    /// The nearest code of each vector, and the distances to it and to the next one.
    pub(super) fn nearest(
        &self,
        points: &Map,
        (codebook, count): (&Memory, usize),
    ) -> Result<(Vec<u32>, Vec<f32>)> {
        #[repr(C)]
        #[derive(Clone, Copy, Pod, Zeroable)]
        struct Nearest {
            points: u64,
            codebook: u64,
            codes: u64,
            distances: u64,
            pixels: i32,
            count: i32,
            dim: i32,
            unused: i32,
        }
        let pixels = points.pixels();
        let codes = self.card.context.reserve(DECODING, 4 * pixels)?;
        let distances = self.card.context.reserve(DECODING, 8 * pixels)?;
        let job = Nearest {
            points: points.at(),
            codebook: codebook.at(0),
            codes: codes.at(0),
            distances: distances.at(0),
            pixels: pixels as i32,
            count: count as i32,
            dim: points.channels as i32,
            unused: 0,
        };
        self.kernel("nearest_code")?
            .launch(Extent::row(pixels.div_ceil(8), 128), &[bytes_of(&job)])?;
        Ok((codes.get(0, pixels)?, distances.get(0, 2 * pixels)?))
    }
}

/// Splits stored weights [outs][ins][taps] (`kind` 0: f32, 1: f16) at `stored`.
pub(super) fn split_weights(
    card: &Card,
    (stored, kind): (&Memory, i32),
    (outs, ins, taps): (usize, usize, usize),
) -> Result<Memory> {
    let blocks = blocks(ins);
    let memory = card
        .context
        .reserve("loading this model", outs * taps * blocks * BLOCK_BYTES)?;
    let job = SplitWeights {
        stored: stored.at(0),
        out: memory.at(0),
        kind,
        outs: outs as i32,
        ins: ins as i32,
        taps: taps as i32,
        blocks: blocks as i32,
        unused: 0,
    };
    let threads = outs * taps * blocks * 2;
    card.kernel(File::Movq, "split_weights", 0)?
        .launch(Extent::of_threads(threads, 256), &[bytes_of(&job)])?;
    Ok(memory)
}

/// Bytes of split weights.
pub(super) fn weight_bytes(outs: usize, ins: usize, taps: usize) -> usize {
    outs * taps * blocks(ins) * BLOCK_BYTES
}

/// A tile of a convolution: pixels, outputs, what it takes of shared memory.
#[derive(Clone, Copy)]
struct Tile {
    pixels: usize,
    outs: usize,
    shared_bytes: usize,
}
const SMALL: Tile = Tile {
    pixels: 64,
    outs: 64,
    shared_bytes: 40_960,
};
const LARGE: Tile = Tile {
    pixels: 128,
    outs: 128,
    shared_bytes: 49_152,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_hold_what_their_rows_touch() {
        for walk in [Walk::Same, Walk::Half, Walk::Double, Walk::Point] {
            for height in [6, 8, 20] {
                let rows = walk.size(height);
                for most in [4, 5, 7] {
                    let strip = walk.rows_of(most);
                    for first in (0..rows).step_by(strip) {
                        let count = strip.min(rows - first);
                        let held = walk.input_rows(first, count, height);
                        assert!(held.len() <= most, "{walk:?} {strip} {held:?}");
                        // Every input row under the kernel of every output row.
                        for row in first..first + count {
                            let touched: Vec<isize> = match walk {
                                Walk::Point => vec![row as isize],
                                Walk::Same => (-1..2).map(|tap| row as isize + tap).collect(),
                                Walk::Half => (0..3).map(|tap| 2 * row as isize + tap).collect(),
                                Walk::Double => {
                                    (-1..2).map(|tap| (row as isize + tap).div_euclid(2)).collect()
                                }
                            };
                            let inside = touched
                                .into_iter()
                                .filter(|row| (0..height as isize).contains(row));
                            for row in inside {
                                assert!(held.contains(&(row as usize)), "{walk:?}: {row} of {held:?}");
                            }
                        }
                    }
                }
            }
        }
    }
}

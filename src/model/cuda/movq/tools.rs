//! Convolutions, norms and what is read from and written to feature maps, on the card
//! (`shaders/cuda/movq.cu` says how its kernels are used).

use super::super::card::{Card, File};
use super::super::driver::{Extent, Kernel, Memory};
use super::features::{
    BLOCK_BYTES, DECODING, HELD, Map, Norm, Prepared, STRIP_BYTES, Then, Walk, Weights, blocks,
};
use super::jobs::{Conv, Rows, SplitWeights, Statistics};
use crate::model::weights::ModelError;
use bytemuck::{Pod, Zeroable, bytes_of};

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// Tiles a convolution is computed in.
pub(super) struct Tiles {
    small: Kernel,
    large: Kernel,
}

/// The kernels of the image tokenizer, and the memory they share.
pub(super) struct Tools<'a> {
    pub(super) card: &'a Card,
    vectors: &'a Memory,
    conv: Tiles,
    pub(super) point: Tiles,
}

/// Where a convolution's result goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
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

    pub(super) fn kernel(&self, name: &str) -> Result<Kernel> {
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
    pub(super) fn split(
        &self,
        x: &Map,
        rows: std::ops::Range<usize>,
        prepared: &Prepared,
        out: u64,
    ) -> Result<()> {
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

    pub(super) fn launch(&self, job: &Conv, pixels: usize, tiles: &Tiles) -> Result<()> {
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
    pub(super) fn convolve(
        &self,
        weights: &Weights,
        x: &Map,
        prepared: &Prepared,
        out: u64,
        mode: Mode,
    ) -> Result<()> {
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

    pub(super) fn room_for(&self, weights: &Weights, x: &Map) -> Result<Map> {
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
    pub(super) fn prepare(&self, norm: &Norm, then: Then, x: &Map, z: Option<&Map>) -> Result<Prepared> {
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
    pub(super) fn map_of(&self, rgb: &[u8], (height, width): (usize, usize)) -> Result<Map> {
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
    pub(super) fn picture_of(&self, map: &Map) -> Result<Vec<u8>> {
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

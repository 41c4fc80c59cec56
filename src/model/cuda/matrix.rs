//! Matrices on the card, in the order their product reads (`shaders/cuda/product.cu`), and their products
//! with up to 32 rows.

use super::card::{Card, File};
use super::driver::{Extent, Kernel, Memory};
use super::layout::MOST_ROWS;
use crate::model::decoder::config::Config;
use crate::model::decoder::parts::{WIDEN_BELOW, weights_of};
use crate::model::weights::ModelError;
use candle_core::quantized::GgmlDType;

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// How weights lie on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// 4 bits a weight, scale and least value for 32 of them: 5 bits in all.
    Q4,
    /// 8 bits a weight and a scale for 32 of them: 8.5 bits in all.
    Q8,
    /// f16.
    Half,
    /// f16, and f16 of what that leaves off: for small models stored in f32. Activations have a rest,
    /// too, and three of the four products of the parts are made.
    Exact,
}

/// What becomes of matrices stored in f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wide {
    Exact,
    Half,
}

impl Wide {
    /// Small models are kept exact.
    pub(super) fn of(config: &Config) -> Self {
        match weights_of(config) < WIDEN_BELOW {
            true => Self::Exact,
            false => Self::Half,
        }
    }
}

/// Most warps of a block.
const MOST_WARPS: usize = 16;
/// Stages of the ring in shared memory.
const STAGES: usize = 2;

impl Form {
    /// Words of 16 bytes a tile of 16 outputs takes for 64 inputs.
    pub(super) fn words(self) -> usize {
        match self {
            Self::Q4 => 40,
            Self::Q8 => 68,
            Self::Half | Self::Exact => 128,
        }
    }

    /// Planes the inputs have, one behind the other: see `put_pair` in `common.cuh`.
    pub(super) fn planes(self) -> usize {
        match self {
            Self::Exact => 3,
            _ => 1,
        }
    }

    pub(super) fn bytes(self, outputs: usize, inputs: usize) -> usize {
        outputs / 16 * (inputs / 64) * self.words() * 16
    }

    /// The form of a stored format.
    pub(super) fn of(kind: GgmlDType, wide: Wide, keeps_blocks: bool) -> Self {
        match kind {
            GgmlDType::Q4K if keeps_blocks => Self::Q4,
            GgmlDType::Q8_0 if keeps_blocks => Self::Q8,
            GgmlDType::F32 if wide == Wide::Exact => Self::Exact,
            _ => Self::Half,
        }
    }
}

/// A form's product kernels on a card: how they are named, and how much of the inputs they take at a
/// time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Family {
    file: File,
    prefix: &'static str,
    /// Of 64 inputs, in a stage of the ring.
    steps: usize,
}

impl Family {
    pub(super) fn of(form: Form, shared_bytes: usize) -> Self {
        let (file, prefix, steps) = match form {
            Form::Q4 if shared_bytes < 160 << 10 => (File::ProductQ4Lean, "Q4Lean", 2),
            Form::Q4 => (File::ProductQ4, "Q4", 4),
            Form::Q8 => (File::ProductQ8, "Q8", 2),
            Form::Half | Form::Exact => (File::ProductHalf, "Half", 1),
        };
        Self { file, prefix, steps }
    }
}

/// Row tiles of 8 that hold `rows`: the kernels know 1, 2 and 4.
pub(super) fn tiles_for(rows: usize) -> usize {
    rows.div_ceil(8).next_power_of_two()
}

/// What comes out of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Out {
    /// Partial sums, added up by the kernel that follows.
    Parts,
    /// One sum.
    Whole,
    /// act(gate) * up.
    Gated,
}

/// How the inputs of a product are divided: `splits` blocks and `warps` within a block. It decides
/// the order of sums, so it depends on the matrix alone, never on card or rows: a row comes out the
/// same in every batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Division {
    pub(super) splits: usize,
    warps: usize,
}

impl Division {
    /// As found best on an H100 for the matrices of the 7B (within 5 % for 2 and for 32 rows).
    pub(super) fn of(outputs: usize, inputs: usize, out: Out) -> Self {
        let (tiles, steps) = (outputs / 16, inputs / 64);
        let parts = (3168 + tiles / 2) / tiles;
        let parts = parts.min(steps / 8).clamp(1, 12);
        if out != Out::Parts {
            return Self {
                splits: 1,
                warps: parts.min(4),
            };
        }
        let warps = match parts {
            1 => 1,
            parts if parts > 8 => 3,
            _ => 2,
        };
        Self {
            splits: parts / warps,
            warps,
        }
    }
}

/// How outputs are dealt out. It decides nothing but the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Deal {
    /// Tiles a warp, warps side by side, blocks side by side.
    tiles: usize,
    warps: usize,
    groups: usize,
    shared_bytes: usize,
}

/// Shared memory a block may have on a card, and its multiprocessors.
#[derive(Debug, Clone, Copy)]
struct Room {
    shared_bytes: usize,
    multiprocessors: usize,
}

impl Deal {
    fn shared_bytes(
        form: Form,
        family: Family,
        row_tiles: usize,
        tiles: usize,
        warps: (usize, usize),
    ) -> usize {
        let weights = family.steps * tiles * form.words();
        let inputs = family.steps * 2 * row_tiles * 32;
        let ring = 16 * STAGES * (warps.0 * warps.1 * weights + warps.1 * inputs);
        // The parts of a block meet in the same memory.
        let meeting = 4 * 32 * tiles * row_tiles * 4 * warps.0 * (warps.1 - 1);
        ring.max(meeting)
    }

    /// A block or so for each multiprocessor, as many warps in it as that asks for.
    pub(super) fn of(matrix: &Matrix, family: Family, row_tiles: usize, room: Room) -> Result<Self> {
        let all = matrix.outputs / 16;
        let wanted = (room.multiprocessors / matrix.division.splits).clamp(1, all);
        let each = all.div_ceil(wanted);
        let tiles = if each > 1 { 2 } else { 1 };
        let parts = matrix.division.warps;
        let bytes = |warps| Self::shared_bytes(matrix.form, family, row_tiles, tiles, (warps, parts));
        let most = (1..=MOST_WARPS / parts)
            .rev()
            .find(|warps| bytes(*warps) <= room.shared_bytes)
            .ok_or_else(|| ModelError::Card("the NVIDIA card has too little shared memory".to_owned()))?;
        let warps = each.div_ceil(tiles).min(most);
        Ok(Self {
            tiles,
            warps,
            groups: wanted.max(all.div_ceil(warps * tiles)),
            shared_bytes: bytes(warps),
        })
    }
}

/// A matrix [outputs, inputs] on the card, padded to tiles.
pub(super) struct Matrix {
    pub(super) memory: Memory,
    pub(super) form: Form,
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    pub(super) out: Out,
    pub(super) division: Division,
}

impl Matrix {
    /// A matrix whose weights lie in `memory`.
    pub(super) fn of(memory: Memory, form: Form, (outputs, inputs): (usize, usize), out: Out) -> Self {
        Self {
            memory,
            form,
            outputs,
            inputs,
            out,
            division: Division::of(outputs, inputs, out),
        }
    }

    /// The file of the kernels that multiply it on a card.
    pub(super) fn product_file(&self, card: &Card) -> File {
        Family::of(self.form, card.features.shared_bytes).file
    }

    /// Bytes on the card.
    pub(super) fn bytes(&self) -> usize {
        self.memory.len()
    }
}

/// As `Job` in `product.cu`.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Job {
    weights: u64,
    input: u64,
    out: u64,
    gated: u64,
    bias: u64,
    outputs: i32,
    inputs: i32,
    rows: i32,
    warps: i32,
    parts: i32,
    activation: i32,
    planes: i32,
    unused: i32,
}

/// What a product is made of beside its matrix: addresses on the card.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operands {
    /// Activations in fragment order.
    pub(super) input: u64,
    /// Sums, or what is gated.
    pub(super) out: u64,
    /// Of gate and up; 0 where there is none.
    pub(super) bias: u64,
    pub(super) activation: i32,
    /// Of what is gated.
    pub(super) planes: i32,
}

/// The product of matrices of one shape with a number of rows, ready to be launched.
pub(super) struct Product {
    kernel: Kernel,
    extent: Extent,
    rows: usize,
    deal: Deal,
}

impl Product {
    pub(super) fn of(card: &Card, matrix: &Matrix, rows: usize) -> Result<Self> {
        let room = Room {
            shared_bytes: card.features.shared_bytes,
            multiprocessors: card.features.multiprocessors,
        };
        let family = Family::of(matrix.form, room.shared_bytes);
        let row_tiles = tiles_for(rows);
        let deal = Deal::of(matrix, family, row_tiles, room)?;
        let what = if matrix.out == Out::Gated { "gated" } else { "sum" };
        let name = format!("{}_{what}_{row_tiles}_{}", family.prefix, deal.tiles);
        Ok(Self {
            kernel: card.kernel(family.file, &name, deal.shared_bytes)?,
            extent: Extent {
                blocks: [deal.groups, matrix.division.splits, 1],
                threads: 32 * deal.warps * matrix.division.warps,
                shared_bytes: deal.shared_bytes,
            },
            rows,
            deal,
        })
    }

    pub(super) fn launch(&self, matrix: &Matrix, operands: Operands) -> Result<()> {
        let is_gated = matrix.out == Out::Gated;
        let job = Job {
            weights: matrix.memory.at(0),
            input: operands.input,
            out: if is_gated { 0 } else { operands.out },
            gated: if is_gated { operands.out } else { 0 },
            bias: operands.bias,
            outputs: matrix.outputs as i32,
            inputs: matrix.inputs as i32,
            rows: self.rows as i32,
            warps: self.deal.warps as i32,
            parts: matrix.division.warps as i32,
            activation: operands.activation,
            planes: operands.planes,
            unused: 0,
        };
        Ok(self.kernel.launch(self.extent, &[bytemuck::bytes_of(&job)])?)
    }
}

/// Bytes of f32 partial sums that any product of a matrix with 32 rows leaves.
pub(super) fn parts_bytes(matrix: &Matrix) -> usize {
    match matrix.out {
        Out::Gated => 0,
        _ => 4 * MOST_ROWS * matrix.division.splits * matrix.outputs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn division(outputs: usize, inputs: usize, out: Out) -> (usize, usize) {
        let division = Division::of(outputs, inputs, out);
        (division.splits, division.warps)
    }

    /// The shapes measured best for the matrices of the 7B.
    #[test]
    fn the_published_matrices_are_divided_as_was_measured_best() {
        assert_eq!(division(3 * 4096, 4096, Out::Parts), (2, 2));
        assert_eq!(division(4096, 4096, Out::Parts), (4, 2));
        assert_eq!(division(2 * 11008, 4096, Out::Gated), (1, 2));
        assert_eq!(division(4096, 11008, Out::Parts), (4, 3));
        assert_eq!(division(16384, 4096, Out::Whole), (1, 3));
        assert_eq!(division(64, 64, Out::Parts), (1, 1));
    }

    #[test]
    fn rows_fill_tiles() {
        let tiles = [1, 8, 9, 16, 17, 24, 32].map(tiles_for);
        assert_eq!(tiles, [1, 1, 2, 2, 4, 4, 4]);
    }
}

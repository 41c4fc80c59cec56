//! Matrices on the card: brought there in the order their product reads (`shaders/cuda/product.cu`), and
//! multiplied with up to 32 rows.

use super::card::{Card, File};
use super::driver::{Extent, HostMemory, Kernel, Mark, Memory};
use super::layout::MOST_ROWS;
use crate::model::config::Config;
use crate::model::transformer::{WIDEN_BELOW, weights_of};
use crate::model::weights::{ModelError, Quant, Stored, Weights};
use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device};
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

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
    fn words(self) -> usize {
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
    fn of(form: Form, shared_bytes: usize) -> Self {
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
    fn of(outputs: usize, inputs: usize, out: Out) -> Self {
        let (tiles, steps) = (outputs / 16, inputs / 64);
        let parts = (3168 + tiles / 2) / tiles;
        let parts = parts.min(steps / 8).min(12).max(1);
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
    fn of(matrix: &Matrix, family: Family, row_tiles: usize, room: Room) -> Result<Self> {
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
    memory: Memory,
    pub(super) form: Form,
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    pub(super) out: Out,
    pub(super) division: Division,
}

impl Matrix {
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

/// Rows of a stored matrix, as bytes.
pub(super) struct Rows<'a> {
    kind: GgmlDType,
    columns: usize,
    count: usize,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Rows<'a> {
    /// The rows of a tensor [rows, columns], brought to another format if one is asked for. What no kernel
    /// reads becomes f32.
    pub(super) fn of(
        weights: &'a dyn Weights,
        name: &str,
        shape: [usize; 2],
        quant: Option<Quant>,
    ) -> Result<Self> {
        let quant = quant.filter(|quant| matches!(quant, Quant::Q4K | Quant::Q8_0));
        let readable = |kind| {
            matches!(
                kind,
                GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16 | GgmlDType::Q8_0 | GgmlDType::Q4K
            )
        };
        if quant.is_none()
            && let Some((kind, bytes)) = weights.raw(name, &shape)?
            && readable(kind)
        {
            return Ok(Self {
                kind,
                columns: shape[1],
                count: shape[0],
                bytes: Cow::Borrowed(bytes),
            });
        }
        let stored = weights.stored_as(name, &shape)?;
        Self::from_stored(stored, shape, quant, readable)
    }

    fn from_stored(
        stored: Stored,
        shape: [usize; 2],
        quant: Option<Quant>,
        readable: impl Fn(GgmlDType) -> bool,
    ) -> Result<Self> {
        let made = |kind, bytes: Vec<u8>| Self {
            kind,
            columns: shape[1],
            count: shape[0],
            bytes: Cow::Owned(bytes),
        };
        let wide = match stored {
            Stored::Quantized(tensor) if quant.is_none() && readable(tensor.dtype()) => {
                return Ok(made(tensor.dtype(), tensor.data()?.into_owned()));
            }
            Stored::Quantized(tensor) => tensor.dequantize(&Device::Cpu)?,
            Stored::Plain(tensor) => tensor.to_dtype(DType::F32)?,
        };
        if let Some(quant) = quant.map(|quant| quant.fitting(shape[1]))
            && readable(quant.ggml())
        {
            let blocks = candle_core::quantized::QTensor::quantize(&wide, quant.ggml())?;
            return Ok(made(quant.ggml(), blocks.data()?.into_owned()));
        }
        let values: Vec<f32> = wide.flatten_all()?.to_vec1()?;
        Ok(made(GgmlDType::F32, bytemuck::cast_slice(&values).to_vec()))
    }

    fn row_bytes(&self) -> usize {
        self.columns / self.kind.block_size() * self.kind.type_size()
    }

    /// Some of the rows.
    pub(super) fn part(mut self, rows: Range<usize>) -> Self {
        let row = self.row_bytes();
        let range = rows.start * row..rows.end * row;
        self.count = rows.len();
        self.bytes = match self.bytes {
            Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[range]),
            Cow::Owned(bytes) => Cow::Owned(bytes[range].to_vec()),
        };
        self
    }

    pub(super) fn kind(&self) -> GgmlDType {
        self.kind
    }

    /// The same rows as f32.
    fn widened(self) -> Result<Self> {
        use candle_core::Tensor;
        use candle_core::quantized::{QStorage, QTensor};
        let shape = (self.count, self.columns);
        let wide = match self.kind {
            GgmlDType::F32 => {
                Tensor::from_raw_buffer(&self.bytes, DType::F32, &[shape.0, shape.1], &Device::Cpu)?
            }
            GgmlDType::F16 => {
                Tensor::from_raw_buffer(&self.bytes, DType::F16, &[shape.0, shape.1], &Device::Cpu)?
            }
            GgmlDType::BF16 => {
                Tensor::from_raw_buffer(&self.bytes, DType::BF16, &[shape.0, shape.1], &Device::Cpu)?
            }
            kind => {
                let storage = QStorage::from_data(Cow::Owned(self.bytes.into_owned()), &Device::Cpu, kind)?;
                QTensor::new(storage, shape)?.dequantize(&Device::Cpu)?
            }
        };
        let values: Vec<f32> = wide.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
        Ok(Self {
            kind: GgmlDType::F32,
            columns: shape.1,
            count: shape.0,
            bytes: Cow::Owned(bytemuck::cast_slice(&values).to_vec()),
        })
    }
}

/// Inputs that come in heads, each padded; one head as long as a row where there are none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    pub(super) head: usize,
    pub(super) true_head: usize,
    pub(super) padded: usize,
}

impl Columns {
    pub(super) fn straight(count: usize, padded: usize) -> Self {
        Self {
            head: padded,
            true_head: count,
            padded,
        }
    }

    /// Whether 32 inputs beside each other, which share a scale, are 32 stored ones or all padding.
    fn keeps_blocks(&self) -> bool {
        self.head == self.true_head || (self.head.is_multiple_of(32) && self.true_head.is_multiple_of(32))
    }
}

/// As `Source` in `repack.cu`.
#[repr(C)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct Source {
    bytes: u64,
    row_of: u64,
    row_bytes: i64,
    kind: i32,
    head: i32,
    true_head: i32,
    outputs: i32,
    inputs: i32,
    width: i32,
}

fn kind_number(kind: GgmlDType) -> i32 {
    match kind {
        GgmlDType::F16 => 1,
        GgmlDType::Q8_0 => 8,
        GgmlDType::Q4K => 12,
        GgmlDType::BF16 => 30,
        _ => 0,
    }
}

/// Two f16 in a word, the first one low.
fn pair(low: f32, high: f32) -> u32 {
    let bits = |v: f32| u32::from(half::f16::from_f32(v).to_bits());
    bits(low) | bits(high) << 16
}

/// Bytes that go to the card at a time, from one of two places while the other is being filled.
const PIECE: usize = 32 << 20;

/// Brings weights to a card.
pub(super) struct Loader<'a> {
    card: &'a Arc<Card>,
    stages: [(HostMemory, Option<Mark>); 2],
    next: usize,
    /// Stored bytes, as long as they are being put in order.
    raw: Option<Memory>,
    wide: Wide,
}

impl<'a> Loader<'a> {
    pub(super) fn new(card: &'a Arc<Card>, wide: Wide) -> Result<Self> {
        let stage = || Ok::<_, ModelError>((card.context.host(PIECE)?, None));
        Ok(Self {
            card,
            stages: [stage()?, stage()?],
            next: 0,
            raw: None,
            wide,
        })
    }

    pub(super) fn card(&self) -> &'a Arc<Card> {
        self.card
    }

    /// Copies `bytes` to `offset`: the processor fills one stage while the card empties the other.
    fn send(&mut self, to: &Memory, offset: usize, bytes: &[u8]) -> Result<()> {
        for (index, piece) in bytes.chunks(PIECE).enumerate() {
            let (stage, mark) = &mut self.stages[self.next];
            if let Some(mark) = mark.take() {
                mark.wait()?;
            }
            let room = &mut stage.bytes_mut()[..piece.len()];
            // One thread does not read as fast as the card takes.
            let share = piece.len().div_ceil(rayon::current_num_threads()).max(1 << 20);
            room.par_chunks_mut(share)
                .zip(piece.par_chunks(share))
                .for_each(|(to, from)| to.copy_from_slice(from));
            to.put_from(offset + index * PIECE, stage, piece.len())?;
            *mark = Some(self.card.context.mark()?);
            self.next = 1 - self.next;
        }
        Ok(())
    }

    /// Sends stored rows and tells what kernels need to know of them.
    fn stored(&mut self, parts: &[Rows<'_>], row_of: &Memory, columns: Columns) -> Result<Source> {
        let bytes: usize = parts.iter().map(|part| part.bytes.len()).sum();
        let raw = match self.raw.take() {
            Some(raw) if raw.len() >= bytes => raw,
            smaller => {
                drop(smaller);
                self.card.context.reserve("loading this model", bytes)?
            }
        };
        let mut offset = 0;
        for part in parts {
            self.send(&raw, offset, &part.bytes)?;
            offset += part.bytes.len();
        }
        let first = &parts[0];
        let source = Source {
            bytes: raw.at(0),
            row_of: row_of.at(0),
            row_bytes: first.row_bytes() as i64,
            kind: kind_number(first.kind),
            head: columns.head as i32,
            true_head: columns.true_head as i32,
            outputs: (row_of.len() / 4) as i32,
            inputs: columns.padded as i32,
            width: columns.padded as i32,
        };
        self.raw = Some(raw);
        Ok(source)
    }

    /// A matrix of stored rows, the parts one below the other; `row_of` names the stored row of each
    /// output.
    pub(super) fn matrix(
        &mut self,
        parts: Vec<Rows<'_>>,
        row_of: &Memory,
        columns: Columns,
        out: Out,
    ) -> Result<Matrix> {
        let kind = parts.first().map_or(GgmlDType::F32, Rows::kind);
        let is_uniform = parts.iter().all(|part| part.kind == kind);
        let parts = match is_uniform {
            true => parts,
            false => parts.into_iter().map(Rows::widened).collect::<Result<_>>()?,
        };
        let kind = parts.first().map_or(GgmlDType::F32, Rows::kind);
        let form = Form::of(kind, self.wide, columns.keeps_blocks());
        let (outputs, inputs) = (row_of.len() / 4, form.planes() * columns.padded);
        let memory = self
            .card
            .context
            .reserve("loading this model", form.bytes(outputs, inputs))?;
        let source = Source {
            inputs: inputs as i32,
            ..self.stored(&parts, row_of, columns)?
        };
        let name = match form {
            Form::Q4 => "repack_q4",
            Form::Q8 => "repack_q8",
            Form::Half | Form::Exact => "repack_half",
        };
        let kernel = self.card.kernel(File::Repack, name, 0)?;
        let extent = Extent::of_threads(memory.len() / 16, 256);
        kernel.launch(
            extent,
            &[bytemuck::bytes_of(&source), bytemuck::bytes_of(&memory.at(0))],
        )?;
        Ok(Matrix {
            memory,
            form,
            outputs,
            inputs,
            out,
            division: Division::of(outputs, inputs, out),
        })
    }

    /// A matrix of weights nobody trained, for measuring.
    pub(super) fn invented(&mut self, form: Form, outputs: usize, inputs: usize, out: Out) -> Result<Matrix> {
        let bytes = form.bytes(outputs, inputs);
        let memory = self.card.context.reserve("loading this model", bytes)?;
        let spread = (3.0 / inputs as f32).sqrt();
        let (scales, scale) = match form {
            // Nibbles of 0 to 15 around 7.5, bytes of 0 to 255 around 128.
            Form::Q4 => (32, pair(spread / 7.5, -spread)),
            Form::Q8 => (64, pair(spread / 127.0, spread / 127.0)),
            // Random bits would be numbers of any size.
            Form::Half | Form::Exact => (0, pair(spread, -spread)),
        };
        self.invent(&memory, (form.words(), scales), scale)?;
        Ok(Matrix {
            memory,
            form,
            outputs,
            inputs,
            out,
            division: Division::of(outputs, inputs, out),
        })
    }

    /// Fills memory with random words; of every `words.0` of 16 bytes those from `words.1` on are `scale`.
    fn invent(&self, memory: &Memory, words: (usize, usize), scale: u32) -> Result<()> {
        let kernel = self.card.kernel(File::Repack, "invent", 0)?;
        let arguments = (memory.at(0), (memory.len() / 16) as u64);
        kernel.launch(
            Extent::row(1024, 256),
            &[
                bytemuck::bytes_of(&arguments.0),
                bytemuck::bytes_of(&arguments.1),
                bytemuck::bytes_of(&(words.0 as i32)),
                bytemuck::bytes_of(&(words.1 as i32)),
                bytemuck::bytes_of(&scale),
                bytemuck::bytes_of(&(memory.len() as u32)),
            ],
        )?;
        Ok(())
    }

    /// Fills memory with f16 of about 1, for measuring.
    pub(super) fn invent_halves(&self, memory: &Memory) -> Result<()> {
        self.invent(memory, (1, 0), pair(1.0, -1.0))
    }

    /// Writes stored rows to a table in memory as f32 or, `is_half`, f16.
    pub(super) fn table(
        &mut self,
        rows: Rows<'_>,
        row_of: &Memory,
        columns: Columns,
        (table, width): (&Memory, Width),
    ) -> Result<()> {
        let source = self.stored(&[rows], row_of, columns)?;
        let name = match width {
            Width::Half => "rows_half",
            Width::Float => "rows_float",
        };
        let kernel = self.card.kernel(File::Repack, name, 0)?;
        let pairs = row_of.len() / 4 * columns.padded / 2;
        kernel.launch(
            Extent::of_threads(pairs, 256),
            &[bytemuck::bytes_of(&source), bytemuck::bytes_of(&table.at(0))],
        )?;
        Ok(())
    }
}

/// Numbers of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Half,
    Float,
}

impl Width {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Half => 2,
            Self::Float => 4,
        }
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

//! Brings weights to a card: stored rows go there piece by piece and are put in the order the products
//! read by kernels (`shaders/cuda/repack.cu`).

use super::card::{Card, File};
use super::driver::{Extent, HostMemory, Mark, Memory};
use super::matrix::{Form, Matrix, Out, Wide};
use crate::model::weights::{ModelError, Stored, Weights};
use crate::task::Format;
use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device};
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// Rows of a stored matrix, as bytes.
pub(super) struct Rows<'a> {
    kind: GgmlDType,
    columns: usize,
    count: usize,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Rows<'a> {
    /// A whole tensor [rows, columns], as by [`Self::part`].
    pub(super) fn of(
        weights: &'a dyn Weights,
        name: &str,
        shape: [usize; 2],
        quant: Option<Format>,
    ) -> Result<Self> {
        Self::part(weights, name, (shape, 0..shape[0]), quant)
    }

    /// Some rows of a tensor [rows, columns], brought to another format if one is asked for. What no kernel
    /// reads becomes f32.
    pub(super) fn part(
        weights: &'a dyn Weights,
        name: &str,
        (whole, rows): ([usize; 2], Range<usize>),
        quant: Option<Format>,
    ) -> Result<Self> {
        let shape = [rows.len(), whole[1]];
        let quant = quant.filter(|quant| matches!(quant, Format::Q4K | Format::Q8_0));
        let readable = |kind| {
            matches!(
                kind,
                GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16 | GgmlDType::Q8_0 | GgmlDType::Q4K
            )
        };
        if quant.is_none()
            && let Some((kind, bytes)) = weights.raw_rows(name, &whole, rows.clone())?
            && readable(kind)
        {
            return Ok(Self {
                kind,
                columns: shape[1],
                count: shape[0],
                bytes,
            });
        }
        let stored = weights.stored_rows(name, &whole, rows)?;
        Self::from_stored(stored, shape, quant, readable)
    }

    fn from_stored(
        stored: Stored,
        shape: [usize; 2],
        quant: Option<Format>,
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
        Ok(Matrix::of(memory, form, (outputs, inputs), out))
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
        Ok(Matrix::of(memory, form, (outputs, inputs), out))
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

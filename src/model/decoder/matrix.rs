//! Matrices of the decoder on a CPU: in whatever blocks they are stored, one below the other
//! where they share their input, in shards where they are large.

use super::kernels::add;
use super::q8::{Blocks, candle_is_fast};
use crate::model::weights::{ModelError, Stored, Weights};
use crate::task::Format;
use candle_core::quantized::{QStorage, QTensor};
use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Shape, Tensor};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// A matrix [out, in] and its optional bias.
pub(crate) struct Linear {
    pub(crate) matrix: Matrix,
    pub(crate) bias: Option<Vec<f32>>,
    /// Length of a row of results.
    pub(crate) outs: usize,
}

/// Rows of weights in blocks. All formats, f32 too, go through dot products of one row with one
/// column (candle's, or where those are slow our own), so that a row's result does not depend on
/// what else is in the batch: that is what makes a seed one picture for every lookahead.
///
/// Large matrices are cut into shards of rows, one a thread. candle's own pool is not used (the
/// program sets its size to 1): its caller spins until the last worker is done, which brings
/// everything to a halt as soon as another program wants a core.
pub(crate) struct Matrix {
    shards: Vec<Shard>,
}

/// Some rows of a matrix.
enum Shard {
    Candle(QTensor),
    Own(Blocks),
}

/// How the matrices of a decoder are held.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    /// The format they are brought to, or the nearest that holds their rows; as stored if `None`.
    pub(crate) quant: Option<Format>,
    pub(crate) sums: Sums,
}

/// In which order products are summed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sums {
    /// The same on every processor where there is a kernel for it (Q8_0): a seed is one picture.
    Alike,
    /// As is fastest.
    Fast,
}

impl Shard {
    fn new(rows: QTensor, sums: Sums) -> candle_core::Result<Self> {
        let own = match sums == Sums::Alike || !candle_is_fast() {
            true => Blocks::of(&rows)?,
            false => None,
        };
        Ok(own.map_or(Self::Candle(rows), Self::Own))
    }

    /// [rows, in] -> [rows, outs].
    fn multiply(&self, input: &CpuStorage, layout: &Layout) -> candle_core::Result<Vec<f32>> {
        match (self, input) {
            (Self::Own(blocks), CpuStorage::F32(input)) => Ok(blocks.multiply(input)),
            (Self::Candle(rows), input) => match rows.cpu_fwd(input, layout)?.0 {
                CpuStorage::F32(values) => Ok(values),
                _ => candle_core::bail!("a product of f32 rows came back in another type"),
            },
            _ => candle_core::bail!("rows that are multiplied are f32"),
        }
    }
}

/// A matrix in the format asked for, or the nearest one that holds its rows; as stored if none is.
pub(crate) fn fitted(stored: Stored, quant: Option<Format>) -> Result<Arc<QTensor>, ModelError> {
    let kept = match (stored, quant) {
        (Stored::Quantized(tensor), None) => return Ok(tensor),
        (Stored::Quantized(tensor), Some(_)) => tensor.dequantize(&Device::Cpu)?,
        (Stored::Plain(tensor), _) => tensor,
    };
    let columns = kept.dims().last().copied().unwrap_or(0);
    let wanted = quant.unwrap_or(match kept.dtype() {
        DType::F16 => Format::F16,
        DType::BF16 => Format::Bf16,
        _ => Format::F32,
    });
    let wanted = wanted.fitting(columns).ggml();
    Ok(Arc::new(QTensor::quantize(&kept.to_dtype(DType::F32)?, wanted)?))
}

/// Matrices with fewer weights stay whole.
const SHARD_FROM: usize = 1 << 21;
/// Rows of a shard are a multiple of what candle's kernels take side by side.
const SHARD_ROWS: usize = 16;

impl Matrix {
    pub(crate) fn new(stored: Stored, form: Form) -> Result<Self, ModelError> {
        Self::sharded(&*fitted(stored, form.quant)?, form.sums)
    }

    fn sharded(whole: &QTensor, sums: Sums) -> Result<Self, ModelError> {
        let (outs, ins) = whole.shape().dims2()?;
        let count = if outs * ins < SHARD_FROM {
            1
        } else {
            rayon::current_num_threads()
        };
        let rows = outs.div_ceil(count).next_multiple_of(SHARD_ROWS).max(SHARD_ROWS);
        let shards = (0..outs).step_by(rows).map(|first| {
            Ok(Shard::new(
                block_rows(whole, first..outs.min(first + rows))?,
                sums,
            )?)
        });
        Ok(Self {
            shards: shards.collect::<Result<_, ModelError>>()?,
        })
    }

    pub(crate) fn is_sharded(&self) -> bool {
        self.shards.len() > 1
    }

    /// [rows, in] -> [rows, outs].
    fn forward(&self, input: Vec<f32>, columns: usize, outs: usize) -> candle_core::Result<Vec<f32>> {
        let rows = input.len() / columns;
        let layout = Layout::contiguous(Shape::from((rows, columns)));
        let input = CpuStorage::F32(input);
        if let [whole] = &self.shards[..] {
            return whole.multiply(&input, &layout);
        }
        let parts = self
            .shards
            .par_iter()
            .map(|shard| shard.multiply(&input, &layout))
            .collect::<candle_core::Result<Vec<_>>>()?;
        let mut out = vec![0.0; rows * outs];
        let mut first = 0;
        for part in parts {
            let width = part.len() / rows;
            for (to, from) in out.chunks_exact_mut(outs).zip(part.chunks_exact(width)) {
                to[first..first + width].copy_from_slice(from);
            }
            first += width;
        }
        Ok(out)
    }
}

impl Linear {
    /// The matrices `parts` (name, rows) with the same inputs, one below the other.
    pub(crate) fn load(
        weights: &dyn Weights,
        parts: &[(String, usize)],
        ins: usize,
        bias: Bias,
        form: Form,
    ) -> Result<Self, ModelError> {
        let stored = parts
            .iter()
            .map(|(name, outs)| weights.stored_as(&format!("{name}.weight"), &[*outs, ins]));
        let matrix = Matrix::new(below_each_other(stored.collect::<Result<_, _>>()?)?, form)?;
        let bias = match bias {
            Bias::None => None,
            Bias::Added => {
                let one = |(name, outs): &(String, usize)| vector(weights, &format!("{name}.bias"), &[*outs]);
                Some(parts.iter().map(one).collect::<Result<Vec<_>, _>>()?.concat())
            }
        };
        Ok(Self {
            matrix,
            bias,
            outs: parts.iter().map(|(_, outs)| outs).sum(),
        })
    }

    pub(crate) fn forward(&self, input: Vec<f32>, rows: usize) -> candle_core::Result<Vec<f32>> {
        let columns = input.len() / rows;
        let mut out = self.matrix.forward(input, columns, self.outs)?;
        if let Some(bias) = &self.bias {
            for row in out.chunks_exact_mut(self.outs) {
                add(row, bias);
            }
        }
        Ok(out)
    }
}

/// Whether a configuration gives a matrix a bias.
#[derive(Clone, Copy)]
pub(crate) enum Bias {
    None,
    Added,
}

impl From<bool> for Bias {
    fn from(is_added: bool) -> Self {
        if is_added { Self::Added } else { Self::None }
    }
}

fn below_each_other(mut parts: Vec<Stored>) -> Result<Stored, ModelError> {
    if parts.len() == 1 {
        return Ok(parts.remove(0));
    }
    let mut plain = Vec::new();
    let mut blocks = Vec::new();
    for part in parts {
        match part {
            Stored::Plain(tensor) => plain.push(tensor),
            Stored::Quantized(tensor) => blocks.push(tensor),
        }
    }
    let (Some(first), true) = (blocks.first(), plain.is_empty()) else {
        if !blocks.is_empty() {
            return Err(ModelError::Config(
                "matrices of one layer are stored in different formats".to_owned(),
            ));
        }
        return Ok(Stored::Plain(Tensor::cat(&plain, 0)?));
    };
    let dtype = first.dtype();
    let (mut rows, mut columns, mut bytes) = (0, 0, Vec::new());
    for part in &blocks {
        if part.dtype() != dtype {
            return Err(ModelError::Config(
                "matrices of one layer are stored in different formats".to_owned(),
            ));
        }
        let (outs, ins) = part.shape().dims2()?;
        (rows, columns) = (rows + outs, ins);
        bytes.extend_from_slice(&part.data()?);
    }
    let storage = QStorage::from_data(bytes.into(), &Device::Cpu, dtype)?;
    Ok(Stored::Quantized(Arc::new(QTensor::new(
        storage,
        (rows, columns),
    )?)))
}

pub(crate) fn vector(weights: &dyn Weights, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
    Ok(weights.f32(name, shape)?.flatten_all()?.to_vec1()?)
}

/// Rows `rows` of a matrix, in its own format.
pub(crate) fn rows_of(stored: &Stored, rows: Range<usize>) -> Result<Stored, ModelError> {
    Ok(match stored {
        // A copy: what makes blocks of it would take the whole tensor that a part lies in.
        Stored::Plain(tensor) => Stored::Plain(tensor.narrow(0, rows.start, rows.len())?.force_contiguous()?),
        Stored::Quantized(tensor) => Stored::Quantized(Arc::new(block_rows(tensor, rows)?)),
    })
}

fn block_rows(tensor: &QTensor, rows: Range<usize>) -> Result<QTensor, ModelError> {
    let (outs, ins) = tensor.shape().dims2()?;
    let stride = tensor.storage_size_in_bytes() / outs;
    let bytes = tensor.data()?;
    let part = bytes[rows.start * stride..rows.end * stride].to_vec();
    let storage = QStorage::from_data(part.into(), &Device::Cpu, tensor.dtype())?;
    Ok(QTensor::new(storage, (rows.len(), ins))?)
}

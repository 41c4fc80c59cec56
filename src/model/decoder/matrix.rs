//! Matrices of the decoder on a CPU: in whatever blocks they are stored, one below the other
//! where they share their input, in shards where they are large.

use super::kernels::add;
use super::q8::{Blocks, candle_is_fast};
use crate::model::weights::{ModelError, Stored, Weights, block_rows, blocks_of};
use crate::task::Format;
use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Shape, Tensor};
use rayon::prelude::*;
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
    Ok(Arc::new(blocks_of(&kept, wanted)?))
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

/// One matrix of several. Where they are stored in different formats, all of them become f32, which
/// holds any.
fn below_each_other(mut parts: Vec<Stored>) -> Result<Stored, ModelError> {
    if parts.len() == 1 {
        return Ok(parts.remove(0));
    }
    let formats: Vec<Result<GgmlDType, DType>> = parts
        .iter()
        .map(|part| match part {
            Stored::Plain(tensor) => Err(tensor.dtype()),
            Stored::Quantized(tensor) => Ok(tensor.dtype()),
        })
        .collect();
    let blocks: Vec<&Arc<QTensor>> = parts
        .iter()
        .filter_map(|part| match part {
            Stored::Plain(_) => None,
            Stored::Quantized(tensor) => Some(tensor),
        })
        .collect();
    match (
        formats.first(),
        formats.iter().all(|format| Some(format) == formats.first()),
    ) {
        (Some(Ok(dtype)), true) => {
            let (mut rows, mut columns, mut bytes) = (0, 0, Vec::new());
            for part in blocks {
                let (outs, ins) = part.shape().dims2()?;
                (rows, columns) = (rows + outs, ins);
                bytes.extend_from_slice(&part.data()?);
            }
            let storage = QStorage::from_data(bytes.into(), &Device::Cpu, *dtype)?;
            Ok(Stored::Quantized(Arc::new(QTensor::new(
                storage,
                (rows, columns),
            )?)))
        }
        (_, is_uniform) => {
            let plain = parts.iter().map(|part| match part {
                Stored::Plain(tensor) if is_uniform => Ok(tensor.clone()),
                Stored::Plain(tensor) => Ok(tensor.to_dtype(DType::F32)?),
                Stored::Quantized(tensor) => Ok(tensor.dequantize(&Device::Cpu)?),
            });
            let plain = plain.collect::<Result<Vec<_>, ModelError>>()?;
            Ok(Stored::Plain(Tensor::cat(&plain, 0)?))
        }
    }
}

pub(crate) fn vector(weights: &dyn Weights, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
    Ok(weights.f32(name, shape)?.flatten_all()?.to_vec1()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(rows: usize, columns: usize, from: usize) -> Tensor {
        let value = |i: usize| ((i + from) * 7919 % 1000) as f32 / 500.0 - 1.0;
        let values: Vec<f32> = (0..rows * columns).map(value).collect();
        Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap()
    }

    fn stored(tensor: &Tensor, format: Format) -> Stored {
        match format {
            Format::F32 => Stored::Plain(tensor.clone()),
            Format::F16 => Stored::Plain(tensor.to_dtype(DType::F16).unwrap()),
            Format::Bf16 => Stored::Plain(tensor.to_dtype(DType::BF16).unwrap()),
            Format::Q8_0 | Format::Q4K => {
                Stored::Quantized(Arc::new(blocks_of(tensor, format.ggml()).unwrap()))
            }
        }
    }

    fn values(stored: Stored, quant: Option<Format>) -> Vec<f32> {
        let blocks = fitted(stored, quant).unwrap();
        let wide = blocks.dequantize(&Device::Cpu).unwrap();
        wide.flatten_all().unwrap().to_vec1().unwrap()
    }

    const FORMATS: [Format; 5] = [Format::F32, Format::F16, Format::Bf16, Format::Q8_0, Format::Q4K];

    /// A head of which some rows are needed, in whatever format it is stored and brought to.
    #[test]
    fn blocks_of_some_rows_are_those_of_the_whole() {
        let (rows, columns, part) = (12, 256, 3..8);
        let whole = numbers(rows, columns, 0);
        for format in FORMATS {
            for quant in [None, Some(Format::F32), Some(Format::Q8_0), Some(Format::Q4K)] {
                let all = values(stored(&whole, format), quant);
                let some = stored(&whole, format).rows(part.clone()).unwrap();
                let some = values(some, quant);
                assert_eq!(
                    some,
                    all[part.start * columns..part.end * columns],
                    "{format:?} {quant:?}"
                );
                // A part that was not copied.
                if format == Format::F32 {
                    let view = whole.narrow(0, part.start, part.len()).unwrap();
                    assert_eq!(values(Stored::Plain(view), quant), some, "{quant:?}");
                }
            }
        }
    }

    #[test]
    fn matrices_of_several_formats_stand_below_each_other() {
        let (rows, columns) = (2, 256);
        for first in FORMATS {
            for second in FORMATS {
                let parts = [
                    stored(&numbers(rows, columns, 0), first),
                    stored(&numbers(rows, columns, 5), second),
                ];
                let apart: Vec<f32> = parts.iter().flat_map(|part| values(part.clone(), None)).collect();
                let together = values(below_each_other(parts.to_vec()).unwrap(), None);
                assert_eq!(together, apart, "{first:?} {second:?}");
            }
        }
    }
}

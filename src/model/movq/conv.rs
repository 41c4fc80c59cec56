//! Convolutions of the image tokenizer.
//!
//! On a CPU they are done piece by piece in cache: a few rows are unrolled at a time and multiplied.
//! Other devices compose them of candle's operations, in strips where unrolling would take too much
//! memory. Pieces do not depend on the number of threads, so neither do results.

use crate::model::weights::ModelError;
use candle_core::{CpuStorage, CustomOp1, Device, Layout, Shape, Storage, Tensor, WithDType};
use rayon::prelude::*;

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// Budget for one unrolled convolution input on a device without its own convolutions.
const STRIP_BYTES: usize = 256 << 20;
/// Budget for a piece of an unrolled input on a CPU: half a usual second-level cache.
const PIECE_BYTES: usize = 512 << 10;

/// How a convolution walks over its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walk {
    /// Keeps the size.
    Same,
    /// Pads right and below only, and halves the size.
    Half,
    /// Doubles the size first: every pixel becomes four.
    Double,
}

/// A 3x3 convolution with bias.
pub(crate) struct Conv {
    /// [outs, ins, 3, 3]
    weight: Tensor,
    /// [outs]
    bias: Tensor,
    walk: Walk,
}

impl Conv {
    pub(crate) fn new(weight: Tensor, bias: Tensor, walk: Walk) -> Self {
        Self { weight, bias, walk }
    }

    /// [1, ins, height, width] to [1, outs, ...].
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match x.device() {
            Device::Cpu => {
                let outs = self.weight.dim(0)?;
                let unrolled = Unrolled {
                    matrix: self.weight.reshape((outs, self.weight.elem_count() / outs))?,
                    bias: self.bias.to_vec1()?,
                    walk: self.walk,
                };
                Ok(x.apply_op1_no_bwd(&unrolled)?)
            }
            _ => self.composed(x, STRIP_BYTES),
        }
    }

    /// The same of candle's operations: the oracle of the fast way, and the way on a GPU.
    fn composed(&self, x: &Tensor, budget: usize) -> Result<Tensor> {
        let (_, channels, height, width) = x.dims4()?;
        let x = match self.walk {
            Walk::Same => x.pad_with_zeros(2, 1, 1)?.pad_with_zeros(3, 1, 1)?,
            Walk::Half => x.pad_with_zeros(2, 0, 1)?.pad_with_zeros(3, 0, 1)?,
            Walk::Double => x
                .upsample_nearest2d(2 * height, 2 * width)?
                .pad_with_zeros(2, 1, 1)?
                .pad_with_zeros(3, 1, 1)?,
        };
        let ((rows, columns), stride) = (self.walk.size(height, width), self.walk.stride());
        let row_bytes = 4 * 9 * channels * columns;
        let strip = (budget / row_bytes.max(1)).max(1);
        let mut done = Vec::new();
        for first in (0..rows).step_by(strip) {
            let count = strip.min(rows - first);
            let part = x
                .narrow(2, first * stride, (count - 1) * stride + 3)?
                .contiguous()?;
            done.push(part.conv2d(&self.weight, 0, stride, 1, 1)?);
        }
        let bias = self.bias.reshape((1, self.bias.elem_count(), 1, 1))?;
        Ok(Tensor::cat(&done, 2)?.broadcast_add(&bias)?)
    }
}

impl Walk {
    fn stride(self) -> usize {
        if self == Self::Half { 2 } else { 1 }
    }

    /// Rows and columns that come out.
    fn size(self, height: usize, width: usize) -> (usize, usize) {
        match self {
            Self::Same => (height, width),
            Self::Half => (height / 2, width / 2),
            Self::Double => (2 * height, 2 * width),
        }
    }
}

/// A 1x1 convolution with bias: a product with every pixel.
pub(crate) struct Pointwise {
    /// [outs, ins]
    pub(crate) weight: Tensor,
    /// [outs, 1]
    pub(crate) bias: Tensor,
}

impl Pointwise {
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (_, channels, height, width) = x.dims4()?;
        let out = self
            .weight
            .matmul(&x.reshape((channels, height * width))?)?
            .broadcast_add(&self.bias)?;
        Ok(out.reshape((1, self.weight.dim(0)?, height, width))?)
    }
}

/// A slice of f32 behind a tensor's storage.
pub(super) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    let Some((from, upto)) = layout.contiguous_offsets() else {
        candle_core::bail!("a picture is not contiguous");
    };
    Ok(&f32::cpu_storage_as_slice(storage)?[from..upto])
}

struct Unrolled {
    /// [outs, ins * 9]
    matrix: Tensor,
    bias: Vec<f32>,
    walk: Walk,
}

impl Unrolled {
    /// One row of one channel as a kernel column sees it: [columns] values for (row, ky, kx).
    fn unroll_row(
        &self,
        plane: &[f32],
        (height, width): (usize, usize),
        at: (usize, usize, usize),
        out: &mut [f32],
    ) {
        let (row, ky, kx) = at;
        let (y, shift) = match self.walk {
            Walk::Half => (2 * row + ky, kx),
            _ => (row + ky, kx),
        };
        // Padding: one line above and left, except where the size is halved.
        let (y, shift) = match self.walk {
            Walk::Half => (Some(y), shift as isize),
            _ => (y.checked_sub(1), shift as isize - 1),
        };
        let lines = if self.walk == Walk::Double {
            2 * height
        } else {
            height
        };
        let Some(y) = y.filter(|y| *y < lines) else {
            return out.fill(0.0);
        };
        match self.walk {
            Walk::Same => {
                let line = &plane[y * width..(y + 1) * width];
                match shift {
                    -1 => {
                        out[0] = 0.0;
                        out[1..].copy_from_slice(&line[..width - 1]);
                    }
                    0 => out.copy_from_slice(line),
                    _ => {
                        out[..width - 1].copy_from_slice(&line[1..]);
                        out[width - 1] = 0.0;
                    }
                }
            }
            Walk::Half => {
                let line = &plane[y * width..(y + 1) * width];
                for (column, out) in out.iter_mut().enumerate() {
                    *out = line.get(2 * column + kx).copied().unwrap_or(0.0);
                }
            }
            Walk::Double => {
                let line = &plane[y / 2 * width..(y / 2 + 1) * width];
                for (column, out) in out.iter_mut().enumerate() {
                    let x = column as isize + shift;
                    let inside = usize::try_from(x).ok().and_then(|x| line.get(x / 2));
                    *out = inside.copied().unwrap_or(0.0);
                }
            }
        }
    }
}

impl CustomOp1 for Unrolled {
    fn name(&self) -> &'static str {
        "conv3x3"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let (_, channels, height, width) = layout.shape().dims4()?;
        let x = values(storage, layout)?;
        let (outs, inner) = self.matrix.dims2()?;
        let (rows, columns) = self.walk.size(height, width);
        let piece = (PIECE_BYTES / (4 * inner * columns)).clamp(1, rows);
        let mut out = vec![0.0f32; outs * rows * columns];
        // The places of each piece: its rows in every channel.
        let mut pieces: Vec<Vec<&mut [f32]>> = (0..rows.div_ceil(piece))
            .map(|_| Vec::with_capacity(outs))
            .collect();
        for plane in out.chunks_exact_mut(rows * columns) {
            for (places, place) in pieces.iter_mut().zip(plane.chunks_mut(piece * columns)) {
                places.push(place);
            }
        }
        pieces
            .into_par_iter()
            .enumerate()
            .try_for_each(|(index, places)| {
                let first = index * piece;
                let count = piece.min(rows - first);
                let mut unrolled = vec![0.0f32; inner * count * columns];
                let lines = unrolled.chunks_exact_mut(columns).enumerate();
                for (line, out) in lines {
                    let (row, kernel) = (first + line % count, line / count);
                    let (channel, kernel) = (kernel / 9, kernel % 9);
                    let plane = &x[channel * height * width..(channel + 1) * height * width];
                    self.unroll_row(plane, (height, width), (row, kernel / 3, kernel % 3), out);
                }
                debug_assert_eq!(inner, 9 * channels);
                let unrolled = Tensor::from_vec(unrolled, (inner, count * columns), &Device::Cpu)?;
                let product = self.matrix.matmul(&unrolled)?;
                let (storage, layout) = product.storage_and_layout();
                let Storage::Cpu(storage) = &*storage else {
                    candle_core::bail!("a product left the CPU");
                };
                let product = values(storage, layout)?;
                for ((place, product), bias) in places
                    .into_iter()
                    .zip(product.chunks_exact(count * columns))
                    .zip(&self.bias)
                {
                    for (place, value) in place.iter_mut().zip(product) {
                        *place = value + bias;
                    }
                }
                Ok(())
            })?;
        Ok((CpuStorage::F32(out), Shape::from((1, outs, rows, columns))))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_tensors::{random, worst};
    use super::*;

    #[test]
    fn pieces_and_strips_are_the_convolution() {
        // Wide enough that a piece is less than the picture.
        for walk in [Walk::Same, Walk::Half, Walk::Double] {
            let conv = Conv::new(random(&[8, 32, 3, 3]), random(&[8]), walk);
            let x = random(&[1, 32, 18, 140]);
            let whole = conv.composed(&x, usize::MAX).unwrap();
            assert!(worst(&whole, &conv.composed(&x, 4 * 9 * 32 * 140 * 3).unwrap()) < 1e-4);
            assert!(worst(&whole, &conv.forward(&x).unwrap()) < 1e-4, "{walk:?}");
        }
    }
}

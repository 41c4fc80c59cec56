//! Norms of the image tokenizer: on a CPU a norm and its activation are one pass, other devices compose them
//! of candle's operations.

use super::conv::{Pointwise, values};
use crate::model::decoder::kernels::{exp, fast, sum};
use crate::model::weights::ModelError;
use candle_core::{CpuStorage, CustomOp1, CustomOp3, D, Device, Layout, Shape, Tensor};
use rayon::prelude::*;

type Result<T, E = ModelError> = std::result::Result<T, E>;

/// What follows a norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    Swish,
}

/// GroupNorm over 32 groups, in the decoder modulated by the code vectors z (SpatialNorm).
pub(crate) struct Norm {
    /// [channels]
    pub(crate) weight: Tensor,
    pub(crate) bias: Tensor,
    /// conv_y and conv_b.
    pub(crate) spatial: Option<(Pointwise, Pointwise)>,
}

const EPS: f64 = 1e-6;

impl Norm {
    pub(crate) fn forward(&self, x: &Tensor, z: Option<&Tensor>, then: Then) -> Result<Tensor> {
        // 1x1 convolutions commute with nearest resizing: they run at the codes' own size.
        let scale = match (&self.spatial, z) {
            (Some((y, b)), Some(z)) => Some((y.forward(z)?, b.forward(z)?)),
            _ => None,
        };
        match x.device() {
            Device::Cpu => {
                let op = Pass {
                    weight: self.weight.to_vec1()?,
                    bias: self.bias.to_vec1()?,
                    then,
                };
                Ok(match &scale {
                    Some((y, b)) => x.apply_op3_no_bwd(y, b, &op)?,
                    None => x.apply_op1_no_bwd(&op)?,
                })
            }
            _ => self.composed(x, scale.as_ref(), then),
        }
    }

    fn composed(&self, x: &Tensor, scale: Option<&(Tensor, Tensor)>, then: Then) -> Result<Tensor> {
        let (batch, channels, height, width) = x.dims4()?;
        let groups = x.reshape((batch, 32, channels / 32 * height * width))?;
        let centred = groups.broadcast_sub(&groups.mean_keepdim(D::Minus1)?)?;
        let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + EPS)?.sqrt()?;
        let normed = centred
            .broadcast_div(&deviation)?
            .reshape((batch, channels, height, width))?;
        let row = |t: &Tensor| t.reshape((1, channels, 1, 1));
        let mut normed = normed
            .broadcast_mul(&row(&self.weight)?)?
            .broadcast_add(&row(&self.bias)?)?;
        if let Some((y, b)) = scale {
            let (y, b) = (
                y.upsample_nearest2d(height, width)?,
                b.upsample_nearest2d(height, width)?,
            );
            normed = ((normed * y)? + b)?;
        }
        Ok(match then {
            Then::Nothing => normed,
            Then::Swish => normed.silu()?,
        })
    }
}

/// Norm, modulation and activation in one pass over each group.
struct Pass {
    weight: Vec<f32>,
    bias: Vec<f32>,
    then: Then,
}

/// conv_y(z) and conv_b(z) of all channels, and their size.
type Modulation<'a> = (&'a [f32], &'a [f32], (usize, usize));

impl Pass {
    fn run(
        &self,
        x: &[f32],
        (height, width): (usize, usize),
        modulation: Option<Modulation<'_>>,
    ) -> Vec<f32> {
        let pixels = height * width;
        let per_group = self.weight.len() / 32 * pixels;
        let mut out = vec![0.0f32; x.len()];
        let group = |(group, (out, x)): (usize, (&mut [f32], &[f32]))| {
            fast(
                #[inline(always)]
                || {
                    // Two passes, summed line by line in f64: exact enough for any size.
                    let count = x.len() as f64;
                    let total = |f: &dyn Fn(&[f32]) -> f32| {
                        x.chunks(width).map(|line| f64::from(f(line))).sum::<f64>() / count
                    };
                    let mean = total(&|line| sum(line, |v| v)) as f32;
                    let variance = total(&|line| sum(line, |v| (v - mean) * (v - mean)));
                    let scale = (1.0 / (variance + EPS).sqrt()) as f32;
                    let first = group * (self.weight.len() / 32);
                    for (index, (out, x)) in out
                        .chunks_exact_mut(pixels)
                        .zip(x.chunks_exact(pixels))
                        .enumerate()
                    {
                        let channel = first + index;
                        let weight = scale * self.weight[channel];
                        let bias = self.bias[channel] - mean * weight;
                        let lines = out.chunks_exact_mut(width).zip(x.chunks_exact(width)).enumerate();
                        for (row, (out, x)) in lines {
                            match modulation {
                                None => line(out, x, weight, bias),
                                Some((y, b, (rows, columns))) => {
                                    let at = (channel * rows + row * rows / height) * columns;
                                    let cell = width / columns;
                                    let cells = out.chunks_exact_mut(cell).zip(x.chunks_exact(cell));
                                    for ((out, x), (y, b)) in
                                        cells.zip(y[at..at + columns].iter().zip(&b[at..at + columns]))
                                    {
                                        line(out, x, weight * y, bias * y + b);
                                    }
                                }
                            }
                            if self.then == Then::Swish {
                                out.iter_mut().for_each(|v| *v /= 1.0 + exp(-*v));
                            }
                        }
                    }
                },
            );
        };
        out.par_chunks_exact_mut(per_group)
            .zip(x.par_chunks_exact(per_group))
            .enumerate()
            .for_each(group);
        out
    }
}

#[inline(always)]
fn line(out: &mut [f32], x: &[f32], weight: f32, bias: f32) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = x * weight + bias;
    }
}

impl CustomOp1 for Pass {
    fn name(&self) -> &'static str {
        "group-norm"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let (_, _, height, width) = layout.shape().dims4()?;
        let out = self.run(values(storage, layout)?, (height, width), None);
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

impl CustomOp3 for Pass {
    fn name(&self) -> &'static str {
        "spatial-norm"
    }

    fn cpu_fwd(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
        y: &CpuStorage,
        y_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (_, _, height, width) = layout.shape().dims4()?;
        let (_, _, rows, columns) = y_layout.shape().dims4()?;
        if !height.is_multiple_of(rows) || !width.is_multiple_of(columns) {
            candle_core::bail!("a picture of {width}x{height} has no whole number of pixels a code");
        }
        let modulation = (values(y, y_layout)?, values(b, b_layout)?, (rows, columns));
        let out = self.run(values(storage, layout)?, (height, width), Some(modulation));
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_tensors::{random, worst};
    use super::*;

    #[test]
    fn one_pass_norms_are_the_composed_ones() {
        let point = || Pointwise {
            weight: random(&[64, 4]),
            bias: random(&[64, 1]),
        };
        for then in [Then::Nothing, Then::Swish] {
            let (x, z) = ((random(&[1, 64, 8, 12]) + 3.0).unwrap(), random(&[1, 4, 2, 3]));
            let mut norm = Norm {
                weight: random(&[64]),
                bias: random(&[64]),
                spatial: None,
            };
            assert!(
                worst(
                    &norm.forward(&x, None, then).unwrap(),
                    &norm.composed(&x, None, then).unwrap()
                ) < 1e-4
            );
            norm.spatial = Some((point(), point()));
            let (y, b) = norm.spatial.as_ref().unwrap();
            let scale = (y.forward(&z).unwrap(), b.forward(&z).unwrap());
            let composed = norm.composed(&x, Some(&scale), then).unwrap();
            assert!(worst(&norm.forward(&x, Some(&z), then).unwrap(), &composed) < 1e-4);
        }
    }
}

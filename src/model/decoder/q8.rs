//! Products with Q8_0 matrices that come out the same on every processor.
//!
//! candle has other kernels for other processors, whose sums differ in their last bits: enough to
//! turn a near-tie of two codes, and with it the rest of a picture. Here integers are summed exactly
//! and floats in one order, with AVX2 or without. A tile of columns and rows shares what is read, so
//! that guessing ahead pays; rows do not depend on what else is in the batch.

use super::kernels::ROUND;
use candle_core::quantized::{GgmlDType, QTensor};
use half::f16;

/// Numbers of a block, which share a scale.
const BLOCK: usize = 32;
/// Bytes of a stored block: its scale as f16, then its weights.
const STORED: usize = 2 + BLOCK;
/// Sums of a row and a column, added up at the end: lane i has the products 4 i to 4 i + 3 of blocks.
const LANES: usize = 8;

type Bytes = [i8; BLOCK];

/// A matrix [outs, ins], or the rows of a batch: 8 bits a number, a scale for every 32 of them.
pub(crate) struct Blocks {
    bytes: Vec<Bytes>,
    scales: Vec<f32>,
    /// Blocks of a row.
    per_row: usize,
}

/// Whether candle's own kernels for Q8_0 read weights once for all rows here.
pub(crate) fn candle_is_fast() -> bool {
    #[cfg(target_arch = "x86_64")]
    let is_fast = is_x86_feature_detected!("avx512vnni") || is_x86_feature_detected!("avxvnni");
    #[cfg(not(target_arch = "x86_64"))]
    let is_fast = true;
    is_fast
}

impl Blocks {
    /// `None` for other formats.
    pub(crate) fn of(tensor: &QTensor) -> candle_core::Result<Option<Self>> {
        if tensor.dtype() != GgmlDType::Q8_0 {
            return Ok(None);
        }
        let (_, ins) = tensor.shape().dims2()?;
        let data = tensor.data()?;
        let blocks = data.as_chunks::<STORED>().0;
        let scale = |block: &[u8; STORED]| f16::from_le_bytes([block[0], block[1]]).to_f32();
        let bytes = |block: &[u8; STORED]| std::array::from_fn(|i| block[2 + i].cast_signed());
        Ok(Some(Self {
            bytes: blocks.iter().map(bytes).collect(),
            scales: blocks.iter().map(scale).collect(),
            per_row: ins / BLOCK,
        }))
    }

    /// [rows, ins] -> [rows, outs].
    pub(crate) fn multiply(&self, input: &[f32]) -> Vec<f32> {
        let mut rows = Self {
            bytes: vec![[0; BLOCK]; input.len() / BLOCK],
            scales: vec![0.0; input.len() / BLOCK],
            per_row: self.per_row,
        };
        super::kernels::fast(
            #[inline(always)]
            || rows.round(input),
        );
        let outs = self.bytes.len() / self.per_row;
        let mut out = vec![0.0; rows.bytes.len() / self.per_row * outs];
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            simd.vectorize(x86::Product {
                simd,
                matrix: self,
                rows: &rows,
                outs,
                out: &mut out,
            });
            return out;
        }
        self.product(&rows, &mut out);
        out
    }

    #[inline(always)]
    fn round(&mut self, input: &[f32]) {
        let blocks = input.as_chunks::<BLOCK>().0.iter();
        for ((block, bytes), scale) in blocks.zip(&mut self.bytes).zip(&mut self.scales) {
            let mut most = [0.0f32; LANES];
            for part in block.as_chunks::<LANES>().0 {
                for (most, v) in most.iter_mut().zip(part) {
                    *most = most.max(v.abs());
                }
            }
            let most = most.iter().copied().fold(0.0, f32::max);
            *scale = most / 127.0;
            let of_one = if most > 0.0 { 127.0 / most } else { 0.0 };
            for (byte, v) in bytes.iter_mut().zip(block) {
                *byte = (v * of_one + ROUND).to_bits().to_le_bytes()[0].cast_signed();
            }
        }
    }

    /// The blocks of a row, and their scales.
    #[inline(always)]
    fn row(&self, row: usize) -> (&[Bytes], &[f32]) {
        let range = row * self.per_row..(row + 1) * self.per_row;
        (&self.bytes[range.clone()], &self.scales[range])
    }

    /// Without any instruction that not every processor has.
    fn product(&self, rows: &Self, out: &mut [f32]) {
        let outs = self.bytes.len() / self.per_row;
        for (row, out) in out.chunks_exact_mut(outs).enumerate() {
            let (x, x_scales) = rows.row(row);
            for (column, out) in out.iter_mut().enumerate() {
                let (w, w_scales) = self.row(column);
                let mut sums = [0.0f32; LANES];
                for ((x, x_scale), (w, w_scale)) in x.iter().zip(x_scales).zip(w.iter().zip(w_scales)) {
                    for (lane, sum) in sums.iter_mut().enumerate() {
                        let products = (4 * lane..4 * lane + 4).map(|i| i32::from(x[i]) * i32::from(w[i]));
                        *sum = (products.sum::<i32>() as f32 * x_scale).mul_add(*w_scale, *sum);
                    }
                }
                *out = total(sums);
            }
        }
    }
}

#[inline(always)]
fn total([a, b, c, d, e, f, g, h]: [f32; LANES]) -> f32 {
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Blocks, Bytes, total};
    use pulp::NullaryFnOnce;
    use pulp::x86::V3;
    use std::arch::x86_64::__m256i;

    pub(crate) struct Product<'a> {
        pub(crate) simd: V3,
        pub(crate) matrix: &'a Blocks,
        pub(crate) rows: &'a Blocks,
        pub(crate) outs: usize,
        pub(crate) out: &'a mut [f32],
    }

    impl NullaryFnOnce for Product<'_> {
        type Output = ();

        #[inline(always)]
        fn call(mut self) {
            let rows = self.out.len() / self.outs;
            let mut first = 0;
            // As many rows at a time as leave the sums of two columns in registers.
            while first < rows {
                first += match rows - first {
                    1 => self.columns::<4, 1>(first),
                    2 => self.columns::<2, 2>(first),
                    3 => self.columns::<2, 3>(first),
                    _ => self.columns::<2, 4>(first),
                };
            }
        }
    }

    impl Product<'_> {
        /// All columns of `R` rows, `C` at a time; returns `R`.
        #[inline(always)]
        fn columns<const C: usize, const R: usize>(&mut self, first_row: usize) -> usize {
            let mut column = 0;
            while column + C <= self.outs {
                self.tile::<C, R>(column, first_row);
                column += C;
            }
            while column < self.outs {
                self.tile::<1, R>(column, first_row);
                column += 1;
            }
            R
        }

        #[inline(always)]
        fn tile<const C: usize, const R: usize>(&mut self, column: usize, first_row: usize) {
            let simd = self.simd;
            let per_row = self.matrix.per_row;
            let weights: [_; C] = std::array::from_fn(|c| self.matrix.row(column + c));
            let inputs: [_; R] = std::array::from_fn(|r| self.rows.row(first_row + r));
            // All slices are as long as the loop, and the compiler knows.
            let long = |of: &(&[Bytes], &[f32])| of.0.len() == per_row && of.1.len() == per_row;
            assert!(weights.iter().all(long) && inputs.iter().all(long));
            let ones = simd.avx._mm256_set1_epi16(1);
            let mut sums = [[simd.avx._mm256_setzero_ps(); R]; C];
            for block in 0..per_row {
                for (c, (bytes, scales)) in weights.iter().enumerate() {
                    let w: __m256i = pulp::cast(bytes[block]);
                    let w_size = simd.avx2._mm256_abs_epi8(w);
                    let w_scale = simd.avx._mm256_set1_ps(scales[block]);
                    for (r, (bytes, scales)) in inputs.iter().enumerate() {
                        let x: __m256i = pulp::cast(bytes[block]);
                        let x_scale = simd.avx._mm256_set1_ps(scales[block]);
                        // |w| and x with the sign of w: of sums of two products none is over 32512.
                        let pairs = simd
                            .avx2
                            ._mm256_maddubs_epi16(w_size, simd.avx2._mm256_sign_epi8(x, w));
                        let fours = simd.avx2._mm256_madd_epi16(pairs, ones);
                        let scaled = simd
                            .avx
                            ._mm256_mul_ps(simd.avx._mm256_cvtepi32_ps(fours), x_scale);
                        sums[c][r] = simd.fma._mm256_fmadd_ps(scaled, w_scale, sums[c][r]);
                    }
                }
            }
            for (c, sums) in sums.into_iter().enumerate() {
                for (r, sum) in sums.into_iter().enumerate() {
                    self.out[(first_row + r) * self.outs + column + c] = total(pulp::cast(sum));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Tensor};

    fn noise(count: usize, seed: usize) -> Vec<f32> {
        let value = |i: usize| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0;
        (0..count).map(|i| value(i) * (1.0 + (i % 7) as f32)).collect()
    }

    fn stored(weights: Vec<f32>, shape: (usize, usize)) -> QTensor {
        let weights = Tensor::from_vec(weights, shape, &Device::Cpu).unwrap();
        QTensor::quantize(&weights, GgmlDType::Q8_0).unwrap()
    }

    #[test]
    fn products_are_those_of_the_stored_weights_and_rows_stand_alone() {
        for (outs, ins) in [(37, 96), (64, 256), (5, 32)] {
            let stored = stored(noise(outs * ins, 1), (outs, ins));
            let exact: Vec<f32> = stored
                .dequantize(&Device::Cpu)
                .and_then(|weights| weights.flatten_all()?.to_vec1())
                .unwrap();
            let blocks = Blocks::of(&stored).unwrap().unwrap();
            for rows in [1, 2, 3, 4, 5, 9] {
                let input = noise(rows * ins, 2);
                let together = blocks.multiply(&input);
                assert_eq!(together.len(), rows * outs);
                for (row, found) in input.chunks_exact(ins).zip(together.chunks_exact(outs)) {
                    assert_eq!(found, blocks.multiply(row));
                    for (column, found) in exact.chunks_exact(ins).zip(found) {
                        let products = row.iter().zip(column).map(|(x, w)| f64::from(*x) * f64::from(*w));
                        let size: f64 = products.clone().map(f64::abs).sum();
                        let error = (f64::from(*found) - products.sum::<f64>()).abs();
                        // Rounding an input to 8 bits moves it by 1/254 of its block's largest.
                        assert!(error <= 0.02 * size, "{found} is off by {error} of {size}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_processor_has_the_same_sums() {
        let (outs, ins, rows) = (21, 768, 5);
        let blocks = Blocks::of(&stored(noise(outs * ins, 3), (outs, ins)))
            .unwrap()
            .unwrap();
        let input = noise(rows * ins, 4);
        let mut rounded = Blocks {
            bytes: vec![[0; BLOCK]; input.len() / BLOCK],
            scales: vec![0.0; input.len() / BLOCK],
            per_row: ins / BLOCK,
        };
        rounded.round(&input);
        let mut plain = vec![0.0; rows * outs];
        blocks.product(&rounded, &mut plain);
        assert_eq!(plain, blocks.multiply(&input));
    }

    #[test]
    fn the_largest_weights_do_not_overflow() {
        let blocks = Blocks::of(&stored(vec![-127.0; 64], (2, 32))).unwrap().unwrap();
        for sign in [1.0, -1.0] {
            let found = blocks.multiply(&[sign * 127.0; 32]);
            assert_eq!(found, [sign * -127.0 * 127.0 * 32.0; 2]);
        }
    }
}

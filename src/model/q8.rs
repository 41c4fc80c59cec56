//! Products with Q8_0 matrices on x86 processors that have AVX2 but not VNNI.
//!
//! candle multiplies Q8_0 blocks of such processors row by row and reads every weight again for
//! each row; here a tile of columns and rows shares what is read, so that guessing ahead pays. On
//! other processors candle's kernels are used. The sum of a row and a column has an order of its
//! own, whatever the tile: rows do not depend on what else is in the batch.

use candle_core::quantized::QTensor;

/// Weights of a block.
#[cfg(target_arch = "x86_64")]
const BLOCK: usize = 32;

#[cfg(not(target_arch = "x86_64"))]
pub(super) enum Blocks {}

#[cfg(not(target_arch = "x86_64"))]
impl Blocks {
    pub(super) fn of(_: &QTensor) -> candle_core::Result<Option<Self>> {
        Ok(None)
    }

    pub(super) fn multiply(&self, _: &[f32]) -> Vec<f32> {
        match *self {}
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::Blocks;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{BLOCK, QTensor};
    use candle_core::quantized::GgmlDType;
    use half::f16;
    use pulp::NullaryFnOnce;
    use pulp::x86::V3;
    use std::arch::x86_64::__m256i;

    /// Bytes of a stored block: its scale as f16, then its weights.
    const STORED: usize = 2 + BLOCK;

    type Bytes = [i8; BLOCK];

    /// A matrix [outs, ins], or the rows of a batch: 8 bits a number, a scale for every 32 of them.
    pub(in crate::model) struct Blocks {
        simd: V3,
        bytes: Vec<Bytes>,
        scales: Vec<f32>,
        /// Blocks of a row.
        per_row: usize,
    }

    impl Blocks {
        /// `None` where candle's kernels serve better: other formats, other processors.
        pub(in crate::model) fn of(tensor: &QTensor) -> candle_core::Result<Option<Self>> {
            let has_vnni = is_x86_feature_detected!("avx512vnni") || is_x86_feature_detected!("avxvnni");
            match V3::try_new() {
                Some(simd) if tensor.dtype() == GgmlDType::Q8_0 && !has_vnni => {
                    Self::stored(simd, tensor).map(Some)
                }
                _ => Ok(None),
            }
        }

        pub(super) fn stored(simd: V3, tensor: &QTensor) -> candle_core::Result<Self> {
            let (_, ins) = tensor.shape().dims2()?;
            let data = tensor.data()?;
            let blocks = data.as_chunks::<STORED>().0;
            let scale = |block: &[u8; STORED]| f16::from_le_bytes([block[0], block[1]]).to_f32();
            let bytes = |block: &[u8; STORED]| std::array::from_fn(|i| block[2 + i].cast_signed());
            Ok(Self {
                simd,
                bytes: blocks.iter().map(bytes).collect(),
                scales: blocks.iter().map(scale).collect(),
                per_row: ins / BLOCK,
            })
        }

        /// Rows [rows, ins] as blocks.
        fn rounded(simd: V3, rows: &[f32], ins: usize) -> Self {
            let count = rows.len() / BLOCK;
            let (mut bytes, mut scales) = (vec![[0; BLOCK]; count], vec![0.0; count]);
            simd.vectorize(Rounding {
                rows,
                bytes: &mut bytes,
                scales: &mut scales,
            });
            Self {
                simd,
                bytes,
                scales,
                per_row: ins / BLOCK,
            }
        }

        /// [rows, ins] -> [rows, outs].
        pub(in crate::model) fn multiply(&self, input: &[f32]) -> Vec<f32> {
            let rows = Self::rounded(self.simd, input, self.per_row * BLOCK);
            let outs = self.bytes.len() / self.per_row;
            let mut out = vec![0.0; rows.bytes.len() / self.per_row * outs];
            self.simd.vectorize(Product {
                matrix: self,
                rows: &rows,
                outs,
                out: &mut out,
            });
            out
        }

        /// The blocks of a row, and their scales.
        #[inline(always)]
        fn row(&self, row: usize) -> (&[Bytes], &[f32]) {
            let range = row * self.per_row..(row + 1) * self.per_row;
            (&self.bytes[range.clone()], &self.scales[range])
        }
    }

    struct Rounding<'a> {
        rows: &'a [f32],
        bytes: &'a mut [Bytes],
        scales: &'a mut [f32],
    }

    impl NullaryFnOnce for Rounding<'_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            /// Adding it rounds to an integer, which then stands in the low bits.
            const ROUND: f32 = 12_582_912.0;
            let blocks = self.rows.as_chunks::<BLOCK>().0.iter();
            for ((block, bytes), scale) in blocks.zip(self.bytes).zip(self.scales) {
                let mut most = [0.0f32; 8];
                for part in block.as_chunks::<8>().0 {
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
    }

    struct Product<'a> {
        matrix: &'a Blocks,
        rows: &'a Blocks,
        outs: usize,
        out: &'a mut [f32],
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
            let simd = self.matrix.simd;
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
                        // |w| and x with the sign of w: of products of pairs none is over 32512.
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
                    let [a, b, c2, d, e, f, g, h]: [f32; 8] = pulp::cast(sum);
                    self.out[(first_row + r) * self.outs + column + c] =
                        ((a + e) + (c2 + g)) + ((b + f) + (d + h));
                }
            }
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use candle_core::quantized::GgmlDType;
    use candle_core::{Device, Tensor};
    use pulp::x86::V3;

    fn noise(count: usize, seed: usize) -> Vec<f32> {
        let value = |i: usize| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0;
        (0..count).map(|i| value(i) * (1.0 + (i % 7) as f32)).collect()
    }

    #[test]
    fn products_are_those_of_the_stored_weights_and_rows_stand_alone() {
        let Some(simd) = V3::try_new() else {
            return;
        };
        for (outs, ins) in [(37, 96), (64, 256), (5, 32)] {
            let weights = Tensor::from_vec(noise(outs * ins, 1), (outs, ins), &Device::Cpu).unwrap();
            let stored = QTensor::quantize(&weights, GgmlDType::Q8_0).unwrap();
            let exact: Vec<f32> = stored
                .dequantize(&Device::Cpu)
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1()
                .unwrap();
            let blocks = Blocks::stored(simd, &stored).unwrap();
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
    fn the_largest_weights_do_not_overflow() {
        let Some(simd) = V3::try_new() else {
            return;
        };
        let weights = Tensor::from_vec(vec![-127.0f32; 64], (2, 32), &Device::Cpu).unwrap();
        let stored = QTensor::quantize(&weights, GgmlDType::Q8_0).unwrap();
        let blocks = Blocks::stored(simd, &stored).unwrap();
        for sign in [1.0, -1.0] {
            let found = blocks.multiply(&[sign * 127.0; 32]);
            assert_eq!(found, [sign * -127.0 * 127.0 * 32.0; 2]);
        }
    }
}

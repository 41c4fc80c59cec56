//! A fast preview: each code as an 8x8 patch, a linear map of its code vector fitted to the
//! model's own MoVQ on drawn pictures.

use super::movq::Movq;
use super::weights::ModelError;
use crate::pixels::{Pixels, Size};
use crate::token::Grid;
use candle_core::{Device, Tensor};

const PATCH: usize = 8 * 8 * 3;

/// 8x8 RGB patches of all codes.
pub struct Preview {
    /// [192][dim + 1]
    map: Vec<Vec<f32>>,
    patches: Vec<[u8; PATCH]>,
}

/// A picture of coloured discs and bars on a gradient, different for every `index`.
fn sample(index: u32) -> Pixels {
    let size = Size::new(64, 64);
    let mut pixels = Pixels::filled(size, [0; 3]);
    let colour = |n: u32| {
        [
            n.wrapping_mul(97) as u8,
            n.wrapping_mul(53).wrapping_add(80) as u8,
            n.wrapping_mul(171) as u8,
        ]
    };
    let (ground, shape, bar) = (
        colour(index * 3 + 1),
        colour(index * 7 + 2),
        colour(index * 11 + 3),
    );
    for (at, pixel) in pixels.rgb_mut().chunks_exact_mut(3).enumerate() {
        let (x, y) = ((at % 64) as i32, (at / 64) as i32);
        let shade = 0.5 + 0.5 * (y as f32 + x as f32 * (index % 3) as f32) / 192.0;
        let disc = (x - 20 - (index % 5) as i32 * 5).pow(2) + (y - 30).pow(2) < 200 + 20 * (index % 7) as i32;
        let stripe = (x + y * (index % 2) as i32) % 23 < 4;
        let from = if disc {
            shape
        } else if stripe {
            bar
        } else {
            ground
        };
        for (channel, value) in pixel.iter_mut().zip(from) {
            *channel = (f32::from(value) * shade) as u8;
        }
    }
    pixels
}

/// Solves the symmetric system `a x = b` for many right-hand sides by Gaussian elimination.
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let n = a.len();
    for pivot in 0..n {
        let best = (pivot..n)
            .max_by(|x, y| a[*x][pivot].abs().total_cmp(&a[*y][pivot].abs()))
            .unwrap_or(pivot);
        a.swap(pivot, best);
        b.swap(pivot, best);
        for row in (0..n).filter(|row| *row != pivot) {
            let factor = a[row][pivot] / a[pivot][pivot];
            for system in [&mut a, &mut b] {
                let from = std::mem::take(&mut system[pivot]);
                for (value, pivot) in system[row].iter_mut().zip(&from) {
                    *value -= factor * pivot;
                }
                system[pivot] = from;
            }
        }
    }
    for (row, values) in b.iter_mut().enumerate() {
        values.iter_mut().for_each(|value| *value /= a[row][row]);
    }
    b
}

impl Preview {
    /// Least squares from code vectors to the patches that the model decodes them to.
    pub fn fit(movq: &Movq) -> Result<Self, ModelError> {
        let dim = movq.vectors().first().map_or(0, Vec::len);
        let mut a = vec![vec![0.0; dim + 1]; dim + 1];
        let mut b = vec![vec![0.0; PATCH]; dim + 1];
        for (i, row) in a.iter_mut().enumerate() {
            row[i] = 1e-3;
        }
        let grid = Grid { rows: 8, columns: 8 };
        for index in 0..6 {
            let codes = movq.encode(&sample(index))?;
            let decoded = movq.decode(&codes, grid)?;
            for (at, code) in codes.iter().enumerate() {
                let mut z: Vec<f64> = movq.vectors()[*code as usize]
                    .iter()
                    .map(|v| f64::from(*v))
                    .collect();
                z.push(1.0);
                let (x, y) = (at % 8 * 8, at / 8 * 8);
                for i in 0..=dim {
                    for j in 0..=dim {
                        a[i][j] += z[i] * z[j];
                    }
                    for (p, sum) in b[i].iter_mut().enumerate() {
                        let pixel = (y + p / 24) * 64 + x + p % 24 / 3;
                        *sum += z[i] * f64::from(decoded.rgb()[3 * pixel + p % 3]);
                    }
                }
            }
        }
        let solution = solve(a, b);
        let map = (0..PATCH)
            .map(|p| solution.iter().map(|row| row[p] as f32).collect())
            .collect();
        Ok(Self::new(map, movq))
    }

    fn new(map: Vec<Vec<f32>>, movq: &Movq) -> Self {
        let patch = |z: &Vec<f32>| {
            let mut patch = [0; PATCH];
            for (value, row) in patch.iter_mut().zip(&map) {
                let (last, weights) = row.split_last().unwrap_or((&0.0, &[]));
                let sum: f32 = weights.iter().zip(z).map(|(w, v)| w * v).sum();
                *value = (sum + last).round().clamp(0.0, 255.0) as u8;
            }
            patch
        };
        let patches = movq.vectors().iter().map(patch).collect();
        Self { map, patches }
    }

    /// The map as [192, dim + 1], to be stored with the model.
    pub fn to_tensor(&self) -> Result<Tensor, ModelError> {
        Ok(Tensor::new(self.map.clone(), &Device::Cpu)?)
    }

    pub fn from_tensor(tensor: &Tensor, movq: &Movq) -> Result<Self, ModelError> {
        let map: Vec<Vec<f32>> = tensor.to_vec2()?;
        let dim = movq.vectors().first().map_or(0, Vec::len);
        if map.len() != PATCH || map.iter().any(|row| row.len() != dim + 1) {
            return Err(ModelError::Config(
                "the stored preview does not belong to this image tokenizer".to_owned(),
            ));
        }
        Ok(Self::new(map, movq))
    }

    /// One row of codes, 8 pixels high.
    pub fn paint(&self, codes: &[u32]) -> Pixels {
        let size = Size::new(8 * codes.len() as u32, 8);
        let mut pixels = Pixels::filled(size, [128; 3]);
        let stride = 24 * codes.len();
        for (column, patch) in codes
            .iter()
            .map(|code| self.patches.get(*code as usize))
            .enumerate()
        {
            for (line, values) in patch
                .into_iter()
                .flat_map(|patch| patch.chunks_exact(24))
                .enumerate()
            {
                let at = line * stride + 24 * column;
                pixels.rgb_mut()[at..at + 24].copy_from_slice(values);
            }
        }
        pixels
    }
}

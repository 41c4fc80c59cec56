//! A fast preview of rows of codes: each code becomes an 8x8 patch, a linear map of its code vector
//! and those of its left, right and upper neighbours, fitted to the model's own MoVQ.
//!
//! The neighbours are worth 2 to 3 dB: the image tokenizer draws over the borders of its cells. The
//! row below is not known yet when a row is shown, and what was shown never changes, so it takes no
//! part.
//!
//! Patches do not quite meet. A small step from one to the next is no edge of the picture: it is spread
//! over the pixels on both sides, or, at the row above, which is shown already, on this side alone.

use super::codec::PictureCodec;
use crate::model::weights::ModelError;
use crate::pixels::{Pixels, Size};
use crate::token::{CODE_PIXELS, Grid};
use candle_core::{Device, Tensor};

const SIDE: usize = CODE_PIXELS as usize;
const PATCH: usize = SIDE * SIDE * 3;
/// The code itself, left, right, above.
const CELLS: usize = 4;
/// Pictures the map is fitted on, and their side in codes.
const SAMPLES: u32 = 12;
const SAMPLE_SIDE: u32 = 8;

/// Paints rows of codes.
pub struct Preview {
    /// [192][4 * dim + 1]
    map: Vec<Vec<f32>>,
    /// [codes][dim]
    vectors: Vec<Vec<f32>>,
}

/// Steps between two patches up to this, of 255, are smoothed away.
const SMALL_STEP: f32 = 20.0;
/// Pixels on each side over which a step is spread.
const SPREAD: usize = 4;

/// A row of codes and those above it, where there are any.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    pub codes: &'a [u32],
    pub above: Option<&'a [u32]>,
    /// The row above that.
    pub second_above: Option<&'a [u32]>,
}

impl Line<'_> {
    /// The code of a column and of its neighbours; at the borders the code itself.
    fn cells(&self, column: usize) -> [u32; CELLS] {
        let here = self.codes[column];
        let at = |column: Option<usize>| column.and_then(|at| self.codes.get(at)).copied();
        let above = self.above.and_then(|above| above.get(column)).copied();
        [
            here,
            at(column.checked_sub(1)).unwrap_or(here),
            at(Some(column + 1)).unwrap_or(here),
            above.unwrap_or(here),
        ]
    }
}

/// A picture of flat shapes on a ground of two colours, different for every `index`.
fn sample(index: u32) -> Pixels {
    let side = (SAMPLE_SIDE * CODE_PIXELS) as f32;
    let mut state = index.wrapping_mul(0x9e37_79b9).wrapping_add(0x7f4a_7c15);
    // xorshift32, as parts of 1.
    let mut part = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32
    };
    let mut colour = move || [part(), part(), part()];
    let (top, bottom, [tilt, edge, soft]) = (colour(), colour(), colour());
    let shapes: Vec<_> = (0..6).map(|_| (colour(), colour(), colour())).collect();
    let mut rgb = Vec::with_capacity(3 * (side * side) as usize);
    for at in 0..(side * side) as usize {
        let (x, y) = (at as f32 % side / side, (at as f32 / side).floor() / side);
        let along = ((y + (tilt - 0.5) * x - edge) / (0.01 + soft) + 0.5).clamp(0.0, 1.0);
        let mut pixel = [0, 1, 2].map(|channel| top[channel] * (1.0 - along) + bottom[channel] * along);
        for (ink, [across, down, reach], [kind, narrow, slant]) in &shapes {
            let (dx, dy, reach) = (x - across, y - down, 0.05 + 0.3 * reach);
            let inside = match (kind * 3.0) as u32 {
                0 => dx.hypot(dy) < reach,
                1 => dx.abs() < reach && dy.abs() < reach * (0.3 + 0.7 * narrow),
                _ => (dx + dy * (2.0 * slant - 1.0)).abs() < 0.25 * reach,
            };
            if inside {
                pixel = *ink;
            }
        }
        rgb.extend(pixel.map(|value| (255.0 * value) as u8));
    }
    let size = Size::new(side as u32, side as u32);
    Pixels::new(size, rgb).unwrap_or_else(|| Pixels::filled(size, [0; 3]))
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

/// The rows of a grid of codes, each with those above it.
fn lines(codes: &[u32], columns: usize) -> impl Iterator<Item = Line<'_>> {
    let row = move |row: usize| codes.chunks(columns).nth(row);
    codes.chunks(columns).enumerate().map(move |(at, codes)| Line {
        codes,
        above: at.checked_sub(1).and_then(row),
        second_above: at.checked_sub(2).and_then(row),
    })
}

/// What is added to the pixel at this distance from a border (0: it touches it), so that a step is gone
/// there and nothing changes from `spread` on. `share`: how much of the step this side takes.
fn ramp(step: f32, distance: usize, spread: usize, share: f32) -> f32 {
    if step.abs() > SMALL_STEP {
        return 0.0;
    }
    step * share * (1.0 - distance as f32 / spread as f32)
}

impl Preview {
    /// Least squares from code vectors to the patches that the model decodes them to.
    ///
    /// # Errors
    /// The tokenizer cannot encode or decode the samples.
    pub fn fit(movq: &PictureCodec) -> Result<Self, ModelError> {
        let dim = movq.vectors().first().map_or(0, Vec::len);
        let features = CELLS * dim + 1;
        let mut a = vec![vec![0.0; features]; features];
        let mut b = vec![vec![0.0; PATCH]; features];
        let mut fitted = Self {
            map: Vec::new(),
            vectors: movq.vectors().to_vec(),
        };
        let grid = Grid {
            rows: SAMPLE_SIDE,
            columns: SAMPLE_SIDE,
        };
        let stride = 3 * (SAMPLE_SIDE * CODE_PIXELS) as usize;
        for index in 0..SAMPLES {
            let codes = movq.encode(&sample(index))?;
            let decoded = movq.decode(&codes, grid)?;
            for (row, line) in lines(&codes, grid.columns as usize).enumerate() {
                for column in 0..line.codes.len() {
                    let z = fitted.features(line.cells(column));
                    let corner = row * SIDE * stride + column * SIDE * 3;
                    for i in 0..features {
                        for j in 0..features {
                            a[i][j] += f64::from(z[i]) * f64::from(z[j]);
                        }
                        for (p, sum) in b[i].iter_mut().enumerate() {
                            let at = corner + p / (3 * SIDE) * stride + p % (3 * SIDE);
                            *sum += f64::from(z[i]) * f64::from(decoded.rgb()[at]);
                        }
                    }
                }
            }
        }
        // A little of every square keeps the system solvable where features are alike.
        for (i, row) in a.iter_mut().enumerate() {
            row[i] = row[i] * 1.001 + 1e-3;
        }
        let solution = solve(a, b);
        fitted.map = (0..PATCH)
            .map(|p| solution.iter().map(|row| row[p] as f32).collect())
            .collect();
        Ok(fitted)
    }

    /// Vectors of the cells, one after the other, and a 1.
    fn features(&self, cells: [u32; CELLS]) -> Vec<f32> {
        let vectors = cells
            .iter()
            .filter_map(|code| self.vectors.get(*code as usize))
            .flatten();
        vectors.copied().chain([1.0]).collect()
    }

    /// The map as [192, 4 * dim + 1], to be stored with the model.
    ///
    /// # Errors
    /// The tensor library fails.
    pub fn to_tensor(&self) -> Result<Tensor, ModelError> {
        Ok(Tensor::new(self.map.clone(), &Device::Cpu)?)
    }

    /// A stored map; `None` when it is not one of this image tokenizer.
    ///
    /// # Errors
    /// The tensor library fails.
    pub fn from_tensor(tensor: &Tensor, movq: &PictureCodec) -> Result<Option<Self>, ModelError> {
        let dim = movq.vectors().first().map_or(0, Vec::len);
        if tensor.dims() != [PATCH, CELLS * dim + 1] {
            return Ok(None);
        }
        let map: Vec<Vec<f32>> = tensor.to_vec2()?;
        if !map.iter().flatten().all(|weight| weight.is_finite()) {
            return Ok(None);
        }
        Ok(Some(Self {
            map,
            vectors: movq.vectors().to_vec(),
        }))
    }

    /// One row of codes, `8 * codes` x 8 pixels.
    pub fn paint(&self, line: Line<'_>) -> Pixels {
        let (width, mut values) = self.patches(line);
        if let Some(above) = line.above {
            let (_, over) = self.patches(Line {
                codes: above,
                above: line.second_above,
                second_above: None,
            });
            // Whatever the row above took from the one above it did not reach its last line.
            let last = 3 * width * (SIDE - 1);
            for at in 0..3 * width {
                let step = over.get(last + at).map_or(0.0, |shown| shown - values[at]);
                for distance in 0..SIDE - 1 {
                    values[3 * width * distance + at] += ramp(step, distance, SIDE - 1, 1.0);
                }
            }
        }
        let mut pixels = Pixels::filled(Size::new(width as u32, CODE_PIXELS), [128; 3]);
        for (pixel, value) in pixels.rgb_mut().iter_mut().zip(values) {
            *pixel = value.round().clamp(0.0, 255.0) as u8;
        }
        pixels
    }

    /// The patches of a row, smoothed where they meet: its width in pixels, and values from 0 to 255, line
    /// by line.
    fn patches(&self, line: Line<'_>) -> (usize, Vec<f32>) {
        let width = SIDE * line.codes.len();
        let mut values = vec![128.0; 3 * width * SIDE];
        for column in 0..line.codes.len() {
            let z = self.features(line.cells(column));
            for (p, weights) in self.map.iter().enumerate().filter(|(_, w)| w.len() == z.len()) {
                let value: f32 = weights.iter().zip(&z).map(|(w, v)| w * v).sum();
                values[3 * (p / (3 * SIDE) * width + column * SIDE) + p % (3 * SIDE)] = value;
            }
        }
        for pixels in values.chunks_mut((3 * width).max(1)) {
            for border in (SIDE..width).step_by(SIDE) {
                for channel in 0..3 {
                    let at = |x: usize| 3 * x + channel;
                    let step = pixels[at(border)] - pixels[at(border - 1)];
                    for distance in 0..SPREAD {
                        let change = ramp(step, distance, SPREAD, 0.5);
                        pixels[at(border - 1 - distance)] += change;
                        pixels[at(border + distance)] -= change;
                    }
                }
            }
        }
        (width, values)
    }

    /// Codes from the start of a row on, in lines of `columns`; `None` for none. `above`: the row above
    /// them and the one above that.
    pub fn paint_ahead(&self, codes: &[u32], above: [Option<&[u32]>; 2], columns: usize) -> Option<Pixels> {
        let columns = columns.max(1);
        let mut rgb = Vec::new();
        let [mut above, mut second_above] = above;
        for chunk in codes.chunks(columns) {
            let painted = self.paint(Line {
                codes: chunk,
                above,
                second_above,
            });
            for pixels in painted.rgb().chunks(3 * SIDE * chunk.len()) {
                rgb.extend_from_slice(pixels);
                rgb.resize(rgb.len() + 3 * SIDE * (columns - chunk.len()), 128);
            }
            (above, second_above) = (Some(chunk), above);
        }
        let lines = codes.len().div_ceil(columns);
        let size = Size::new((SIDE * columns) as u32, (SIDE * lines) as u32);
        Pixels::new(size, rgb).filter(|_| lines > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bundle::{Bundle, Source};

    /// Peak signal to noise in dB of the preview of `pixels`' codes against their decode.
    fn quality(model: &Bundle, pixels: &Pixels) -> f64 {
        let grid = Grid::of(pixels.size()).expect("a size");
        let codes = model.movq.encode(pixels).expect("codes");
        let decoded = model.movq.decode(&codes, grid).expect("a picture");
        let painted: Vec<u8> = lines(&codes, grid.columns as usize)
            .flat_map(|line| model.preview.paint(line).rgb().to_vec())
            .collect();
        let squares = painted.iter().zip(decoded.rgb()).map(|(a, b)| {
            let off = f64::from(*a) - f64::from(*b);
            off * off
        });
        let mean = squares.sum::<f64>() / painted.len() as f64;
        10.0 * (255.0 * 255.0 / mean).log10()
    }

    /// Pictures of the starter's world, which the map was not fitted on. One flat colour a code
    /// (the mean of its own 8x8 pixels is the best there can be) is not as near.
    #[test]
    fn previews_are_near_to_the_decoded_picture() {
        let model = Bundle::open(&Source::default()).expect("the starter");
        let mut total = 0.0;
        let names = ["t2i_cat", "t2i_two", "control"];
        for name in names {
            let path = format!("{}/tests/golden/generate/{name}.png", env!("CARGO_MANIFEST_DIR"));
            let pixels = crate::picture::read(path.as_ref()).expect("a picture");
            let found = quality(&model, &pixels);
            println!("{name}: {found:.1} dB");
            total += found;
        }
        assert!(total / names.len() as f64 > 19.5, "{total}");
    }

    #[test]
    fn guesses_take_the_lines_of_their_grid() {
        let model = Bundle::open(&Source::default()).expect("the starter");
        let row = [5; 4];
        assert_eq!(model.preview.paint_ahead(&[], [Some(&row), None], 4), None);
        let painted = model
            .preview
            .paint_ahead(&[7, 8, 9, 10, 11], [Some(&row), None], 4)
            .expect("two lines");
        assert_eq!(painted.size(), Size::new(32, 16));
        let first = model.preview.paint(Line {
            codes: &[7, 8, 9, 10],
            above: Some(&row),
            second_above: None,
        });
        assert_eq!(painted.rows(0, 8), first);
        assert_eq!(painted.rgb()[3 * (8 * 32 + 8)..3 * 9 * 32], [128; 72]);
    }
}

//! Fitting a picture to a panel, and a panel back into its picture.

use crate::pixels::{Mask, Pixels, Size};
use crate::token::{CODE_PIXELS, Grid};
use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

/// A picture's sides are to each other as its target's, up to this factor.
const LONGEST_SHAPE: u64 = 16;

/// Where a panel lies in its picture: panel x = (x + 0.5) * scale - offset.
struct Fitted {
    scale: (f64, f64),
    offset: (f64, f64),
}

/// The part of a picture that a panel shows, in parts of the picture's sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

/// The part of a picture of `source` pixels that its panel shows.
pub fn part_of(source: Size, panel: Size) -> Part {
    let place = place(source, panel);
    let start = |offset: f64, scale: f64, side: u32| (offset / scale / f64::from(side)) as f32;
    let extent = |panel: u32, scale: f64, side: u32| (f64::from(panel) / scale / f64::from(side)) as f32;
    Part {
        left: start(place.offset.0, place.scale.0, source.width),
        top: start(place.offset.1, place.scale.1, source.height),
        width: extent(panel.width, place.scale.0, source.width),
        height: extent(panel.height, place.scale.1, source.height),
    }
}

/// Size that covers `target` in the shape of `source`, sides rounded half to even.
fn cover(source: Size, target: Size) -> Size {
    let across = f64::from(target.width) / f64::from(source.width);
    let down = f64::from(target.height) / f64::from(source.height);
    let scale = across.max(down);
    let side = |side: u32, least: u32| ((f64::from(side) * scale).round_ties_even() as u32).max(least);
    Size::new(
        side(source.width, target.width),
        side(source.height, target.height),
    )
}

fn place(source: Size, panel: Size) -> Fitted {
    let covered = cover(source, panel);
    let scale = |to: u32, from: u32| f64::from(to) / f64::from(from);
    let offset = |covered: u32, side: u32| f64::from((covered - side) / 2);
    Fitted {
        scale: (
            scale(covered.width, source.width),
            scale(covered.height, source.height),
        ),
        offset: (
            offset(covered.width, panel.width),
            offset(covered.height, panel.height),
        ),
    }
}

pub(super) fn resize(pixels: &Pixels, to: Size, filter: FilterType) -> Pixels {
    let from = pixels.size();
    let bytes = pixels.rgb().to_vec();
    let Ok(source) = Image::from_vec_u8(from.width, from.height, bytes, PixelType::U8x3) else {
        return pixels.clone();
    };
    let mut target = Image::new(to.width, to.height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    // Fails only for differing pixel types, which both sides fix above.
    if Resizer::new().resize(&source, &mut target, &options).is_err() {
        return Pixels::filled(to, [255; 3]);
    }
    Pixels::new(to, target.into_vec()).unwrap_or_else(|| Pixels::filled(to, [255; 3]))
}

/// Brings a picture to `target` as the published code does: halved with a box while both sides
/// are at least twice the target, resized bicubically to cover it, cropped to its centre.
pub fn fit(pixels: &Pixels, target: Size) -> Pixels {
    let mut picture = middle(pixels, target);
    while picture.size().width >= 2 * target.width && picture.size().height >= 2 * target.height {
        let half = Size::new(picture.size().width / 2, picture.size().height / 2);
        picture = resize(&picture, half, FilterType::Box);
    }
    let covered = cover(picture.size(), target);
    if covered != picture.size() {
        picture = resize(&picture, covered, FilterType::CatmullRom);
    }
    let (left, top) = (
        (covered.width - target.width) / 2,
        (covered.height - target.height) / 2,
    );
    let stride = 3 * covered.width as usize;
    let line = |y: u32| {
        let at = (top + y) as usize * stride + 3 * left as usize;
        &picture.rgb()[at..at + 3 * target.width as usize]
    };
    let rgb = (0..target.height).flat_map(line).copied().collect();
    Pixels::new(target, rgb).unwrap_or(picture)
}

/// A picture many times longer than the target loses its ends first: covering the target with all
/// of it could take more memory than there is, and the ends are cropped anyway.
fn middle(pixels: &Pixels, target: Size) -> Pixels {
    let size = pixels.size();
    // As many pixels go at both ends, so the centre stays.
    let kept = |side: u32, other: u32, side_to: u32, other_to: u32| {
        let most = u64::from(other) * u64::from(side_to) * LONGEST_SHAPE / u64::from(other_to);
        let ends = u64::from(side).saturating_sub(most.max(1)) / 2;
        side - 2 * ends as u32
    };
    let width = kept(size.width, size.height, target.width, target.height);
    let height = kept(size.height, size.width, target.height, target.width);
    if (width, height) == (size.width, size.height) {
        return pixels.clone();
    }
    let (left, top) = ((size.width - width) / 2, (size.height - height) / 2);
    let line = |y: u32| {
        let at = 3 * ((top + y) as usize * size.width as usize + left as usize);
        &pixels.rgb()[at..at + 3 * width as usize]
    };
    let rgb = (0..height).flat_map(line).copied().collect();
    Pixels::new(Size::new(width, height), rgb).unwrap_or_else(|| pixels.clone())
}

/// Whether a mask, resized to a picture of `size`, allows redrawing each of its pixels.
fn allowed(mask: &Mask, size: Size) -> Vec<bool> {
    let from = mask.size();
    let pick =
        |at: u32, to: u32, from: u32| (u64::from(at) * u64::from(from) / u64::from(to.max(1))) as usize;
    let value = |x: u32, y: u32| {
        let at = pick(y, size.height, from.height) * from.width as usize + pick(x, size.width, from.width);
        mask.values()[at] >= 128
    };
    (0..size.height)
        .flat_map(|y| (0..size.width).map(move |x| (x, y)))
        .map(|(x, y)| value(x, y))
        .collect()
}

/// Which codes of a panel a mask over a picture of `source` pixels touches, row by row.
pub fn mask_codes(mask: &Mask, source: Size, panel: Grid) -> Vec<bool> {
    let place = place(source, panel.pixels());
    let mut touched = vec![false; panel.codes()];
    let cells = |at: u32, scale: f64, offset: f64, count: u32| {
        let cell = f64::from(CODE_PIXELS);
        let from = (f64::from(at) * scale - offset) / cell;
        let to = (f64::from(at + 1) * scale - offset) / cell;
        let last = to.ceil().min(f64::from(count));
        (from.floor().max(0.0) as u32)..(last.max(0.0) as u32)
    };
    for (index, _) in allowed(mask, source)
        .into_iter()
        .enumerate()
        .filter(|(_, allowed)| *allowed)
    {
        let (x, y) = (index as u32 % source.width, index as u32 / source.width);
        for row in cells(y, place.scale.1, place.offset.1, panel.rows) {
            for column in cells(x, place.scale.0, place.offset.0, panel.columns) {
                touched[panel.index(row, column)] = true;
            }
        }
    }
    touched
}

/// The source with what a mask allows taken from the drawn panel, blended over `feather` pixels
/// inside the mask. Everything outside the mask, and outside the panel's crop, stays as it was.
pub fn compose(source: &Pixels, mask: &Mask, drawn: &Pixels, feather: u32) -> Pixels {
    let size = source.size();
    let allowed = allowed(mask, size);
    let place = place(size, drawn.size());
    let distance = depth(&allowed, size, feather);
    let mut result = source.clone();
    let (width, height) = (f64::from(drawn.size().width), f64::from(drawn.size().height));
    for (index, _) in allowed.iter().enumerate().filter(|(_, allowed)| **allowed) {
        let (x, y) = (index as u32 % size.width, index as u32 / size.width);
        let across = (f64::from(x) + 0.5) * place.scale.0 - place.offset.0 - 0.5;
        let down = (f64::from(y) + 0.5) * place.scale.1 - place.offset.1 - 0.5;
        if across < -0.5 || down < -0.5 || across > width - 0.5 || down > height - 0.5 {
            continue;
        }
        let share = if feather == 0 {
            1.0
        } else {
            (distance[index] / (feather as f32 + 1.0)).min(1.0)
        };
        let new = bilinear(
            drawn,
            across.clamp(0.0, width - 1.0),
            down.clamp(0.0, height - 1.0),
        );
        for (value, new) in result.rgb_mut()[3 * index..3 * index + 3].iter_mut().zip(new) {
            *value = (f32::from(*value) * (1.0 - share) + new * share).round() as u8;
        }
    }
    result
}

/// Distance of each allowed pixel to the nearest one that is not, in pixels.
fn depth(allowed: &[bool], size: Size, feather: u32) -> Vec<f32> {
    if feather == 0 {
        return vec![1.0; allowed.len()];
    }
    let outside = image::GrayImage::from_fn(size.width, size.height, |x, y| {
        image::Luma([if allowed[(y * size.width + x) as usize] {
            0
        } else {
            255
        }])
    });
    let squared = imageproc::distance_transform::euclidean_squared_distance_transform(&outside);
    squared
        .pixels()
        .map(|pixel| pixel.0[0].sqrt().min(1e6) as f32)
        .collect()
}

fn bilinear(pixels: &Pixels, x: f64, y: f64) -> [f32; 3] {
    let size = pixels.size();
    let (left, top) = (x.floor() as usize, y.floor() as usize);
    let (right, below) = (
        (left + 1).min(size.width as usize - 1),
        (top + 1).min(size.height as usize - 1),
    );
    let (fx, fy) = ((x - x.floor()) as f32, (y - y.floor()) as f32);
    let at = |x: usize, y: usize, channel: usize| {
        f32::from(pixels.rgb()[3 * (y * size.width as usize + x) + channel])
    };
    std::array::from_fn(|channel| {
        let upper = at(left, top, channel) * (1.0 - fx) + at(right, top, channel) * fx;
        let lower = at(left, below, channel) * (1.0 - fx) + at(right, below, channel) * fx;
        upper * (1.0 - fy) + lower * fy
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_shape_fits_any_panel() {
        for (width, height) in [(1, 1), (640, 480), (97, 301), (128, 128), (4000, 3), (1, 16_000)] {
            let fitted = fit(
                &Pixels::filled(Size::new(width, height), [9, 80, 200]),
                Size::new(64, 32),
            );
            assert_eq!(fitted.size(), Size::new(64, 32));
            assert!(
                fitted.rgb().chunks_exact(3).all(|pixel| pixel == [9, 80, 200]),
                "{width}x{height}"
            );
        }
    }

    #[test]
    fn a_mask_touches_the_cells_below_it_and_changes_nothing_else() {
        let source = Pixels::filled(Size::new(64, 64), [10, 20, 30]);
        let mut values = vec![0; 64 * 64];
        values[17 * 64 + 40] = 255;
        let mask = Mask::new(source.size(), values).unwrap();
        let grid = Grid { rows: 8, columns: 8 };
        let touched = mask_codes(&mask, source.size(), grid);
        assert_eq!(touched.iter().filter(|t| **t).count(), 1);
        assert!(touched[grid.index(2, 5)]);
        let drawn = Pixels::filled(Size::new(64, 64), [200; 3]);
        let result = compose(&source, &mask, &drawn, 0);
        let changed: Vec<usize> = (0..64 * 64)
            .filter(|i| result.rgb()[3 * i..3 * i + 3] != [10, 20, 30])
            .collect();
        assert_eq!(changed, [17 * 64 + 40]);
    }
}

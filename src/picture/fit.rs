//! Fitting a picture to a panel.

use crate::pixels::{Pixels, Size};
use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

/// A picture's sides are to each other as its target's, up to this factor.
const LONGEST_SHAPE: u64 = 16;

/// Where a panel lies in its picture: panel x = (x + 0.5) * scale - offset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fitted {
    pub(super) scale: (f64, f64),
    pub(super) offset: (f64, f64),
}

/// The part of a picture that a panel shows, in parts of the picture's sides; it may reach over them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

/// The part of a picture of `source` pixels that its panel shows.
pub fn part_of(source: Size, panel: Size) -> Part {
    place(source, panel).part(source, panel)
}

impl Fitted {
    /// The part of the picture that the panel shows.
    pub(super) fn part(&self, source: Size, panel: Size) -> Part {
        let start = |offset: f64, scale: f64, side: u32| (offset / scale / f64::from(side)) as f32;
        let extent = |panel: u32, scale: f64, side: u32| (f64::from(panel) / scale / f64::from(side)) as f32;
        Part {
            left: start(self.offset.0, self.scale.0, source.width),
            top: start(self.offset.1, self.scale.1, source.height),
            width: extent(panel.width, self.scale.0, source.width),
            height: extent(panel.height, self.scale.1, source.height),
        }
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

/// Where [`fit`] puts a picture.
pub(super) fn place(source: Size, panel: Size) -> Fitted {
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
    let corner = (
        (covered.width - target.width) / 2,
        (covered.height - target.height) / 2,
    );
    cut(&picture, corner, target)
}

/// The part of a picture of `size` pixels whose left upper corner is `corner`.
pub(super) fn cut(picture: &Pixels, (left, top): (u32, u32), size: Size) -> Pixels {
    let stride = 3 * picture.size().width as usize;
    let line = |y: u32| {
        let at = (top + y) as usize * stride + 3 * left as usize;
        &picture.rgb()[at..at + 3 * size.width as usize]
    };
    let rgb = (0..size.height).flat_map(line).copied().collect();
    Pixels::new(size, rgb).unwrap_or_else(|| picture.clone())
}

/// Size of all of `source` inside `target`, in its own shape.
fn within(source: Size, target: Size) -> Size {
    let across = f64::from(target.width) / f64::from(source.width);
    let down = f64::from(target.height) / f64::from(source.height);
    let scale = across.min(down);
    let side = |side: u32, most: u32| ((f64::from(side) * scale).round_ties_even() as u32).clamp(1, most);
    Size::new(
        side(source.width, target.width),
        side(source.height, target.height),
    )
}

fn margin(inner: Size, target: Size) -> (u32, u32) {
    (
        (target.width - inner.width) / 2,
        (target.height - inner.height) / 2,
    )
}

/// Where [`fit_whole`] puts a picture.
pub(super) fn place_whole(source: Size, panel: Size) -> Fitted {
    let inner = within(source, panel);
    let (left, top) = margin(inner, panel);
    Fitted {
        scale: (
            f64::from(inner.width) / f64::from(source.width),
            f64::from(inner.height) / f64::from(source.height),
        ),
        offset: (-f64::from(left), -f64::from(top)),
    }
}

/// All of a picture in the middle of `target`, its own edge drawn on around it.
pub(super) fn fit_whole(pixels: &Pixels, target: Size) -> Pixels {
    let inner = within(pixels.size(), target);
    let mut picture = pixels.clone();
    // Each side by itself: a strip is halved along its length only.
    loop {
        let size = picture.size();
        let half = |side: u32, to: u32| if side >= 2 * to { side / 2 } else { side };
        let next = Size::new(half(size.width, inner.width), half(size.height, inner.height));
        if next == size {
            break;
        }
        picture = resize(&picture, next, FilterType::Box);
    }
    if picture.size() != inner {
        picture = resize(&picture, inner, FilterType::CatmullRom);
    }
    let (left, top) = margin(inner, target);
    let mut rgb = Vec::with_capacity(3 * target.width as usize * target.height as usize);
    for y in 0..target.height {
        let row = y.saturating_sub(top).min(inner.height - 1) as usize;
        for x in 0..target.width {
            let column = x.saturating_sub(left).min(inner.width - 1) as usize;
            let at = 3 * (row * inner.width as usize + column);
            rgb.extend_from_slice(&picture.rgb()[at..at + 3]);
        }
    }
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
    let corner = ((size.width - width) / 2, (size.height - height) / 2);
    cut(pixels, corner, Size::new(width, height))
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
    fn all_of_a_picture_lies_inside_its_edge_drawn_on() {
        let mut wide = Pixels::filled(Size::new(300, 100), [10, 200, 30]);
        wide.rgb_mut()[..3].copy_from_slice(&[10, 200, 30]);
        for row in 0..100 {
            let at = 3 * 300 * row;
            wide.rgb_mut()[at..at + 3 * 100].fill(250);
        }
        let fitted = fit_whole(&wide, Size::new(96, 96));
        let at = |x: usize, y: usize| &fitted.rgb()[3 * (y * 96 + x)..][..3];
        // 96x32 in the middle, its rows drawn on above and below.
        for y in [0, 31, 48, 95] {
            assert_eq!(at(0, y), [250; 3], "row {y}");
            assert_eq!(at(95, y), [10, 200, 30], "row {y}");
        }
        let place = place_whole(wide.size(), Size::new(96, 96));
        assert_eq!((place.scale, place.offset), ((0.32, 0.32), (0.0, -32.0)));
        for (width, height) in [(1, 1), (16_000, 1), (1, 16_000), (97, 301)] {
            let size = Size::new(width, height);
            let fitted = fit_whole(&Pixels::filled(size, [9, 80, 200]), Size::new(64, 32));
            assert!(
                fitted.rgb().chunks_exact(3).all(|pixel| pixel == [9, 80, 200]),
                "{size}"
            );
        }
    }
}

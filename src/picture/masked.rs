//! Masked edits: which part of a picture a panel shows, which codes a mask touches, and the drawn
//! panel back in its picture.
//!
//! The part is a function of picture, mask and panel, so that a saved picture finds it again. It is
//! the middle of the picture where that holds the mask, else a part of the same size that does, else
//! all of the picture with its edge drawn on around it. Nothing of a mask is ever left out.

use super::fit::{Fitted, Part, cut, fit, fit_whole, place, place_whole};
use crate::pixels::{Mask, Pixels, REDRAWN, Size};
use crate::token::{CODE_PIXELS, Grid};
use std::ops::Range;

/// Pixels of a panel that a part loses where its sides are not quite those of the panel.
const ROUNDED: f64 = 1.5;

/// Which part of a picture is brought to a panel.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Framing {
    /// From a corner on, a size; its middle covers the panel.
    Cut { corner: (u32, u32), size: Size },
    /// All of it.
    Whole,
}

impl Framing {
    fn of(allowed: &Allowed, panel: Size) -> Self {
        let source = allowed.size;
        let middle = Self::Cut {
            corner: (0, 0),
            size: source,
        };
        let Some((columns, rows)) = allowed.bounds() else {
            return middle;
        };
        if shows(&middle.fitted(source, panel), &columns, &rows, (panel, 0.0)) {
            return middle;
        }
        let scaled = |side: u32, to: u32, by: u32| {
            ((f64::from(side) * f64::from(to) / f64::from(by)).round() as u32).max(1)
        };
        let size = Size::new(
            scaled(source.height, panel.width, panel.height).min(source.width),
            scaled(source.width, panel.height, panel.width).min(source.height),
        );
        // As much of the picture on one side of the mask as on the other, where there is as much.
        let around = |range: &Range<u32>, part: u32, side: u32| {
            let middle = range.start + (range.end - range.start) / 2;
            middle.saturating_sub(part / 2).min(side - part)
        };
        let cut = Self::Cut {
            corner: (
                around(&columns, size.width, source.width),
                around(&rows, size.height, source.height),
            ),
            size,
        };
        let fitted = cut.fitted(source, panel);
        let shown = shows(&fitted, &columns, &rows, (panel, ROUNDED));
        if shown { cut } else { Self::Whole }
    }

    fn fitted(self, source: Size, panel: Size) -> Fitted {
        match self {
            Self::Whole => place_whole(source, panel),
            Self::Cut { corner, size } => {
                let place = place(size, panel);
                Fitted {
                    offset: (
                        place.offset.0 + f64::from(corner.0) * place.scale.0,
                        place.offset.1 + f64::from(corner.1) * place.scale.1,
                    ),
                    ..place
                }
            }
        }
    }
}

/// Where the middle of a pixel lies in the panel, counted in the middles of its pixels.
fn across(fitted: &Fitted, x: u32) -> f64 {
    (f64::from(x) + 0.5) * fitted.scale.0 - fitted.offset.0 - 0.5
}

fn down(fitted: &Fitted, y: u32) -> f64 {
    (f64::from(y) + 0.5) * fitted.scale.1 - fitted.offset.1 - 0.5
}

/// Whether all of these pixels lie in the panel, or as little beyond its edge.
fn shows(fitted: &Fitted, columns: &Range<u32>, rows: &Range<u32>, (panel, beyond): (Size, f64)) -> bool {
    let inside = |at: f64, side: u32| at >= -0.5 - beyond && at <= f64::from(side) - 0.5 + beyond;
    inside(across(fitted, columns.start), panel.width)
        && inside(across(fitted, columns.end - 1), panel.width)
        && inside(down(fitted, rows.start), panel.height)
        && inside(down(fitted, rows.end - 1), panel.height)
}

/// What a mask, resized to a picture, allows to be redrawn.
struct Allowed {
    size: Size,
    pixels: Vec<bool>,
}

impl Allowed {
    fn of(mask: &Mask, size: Size) -> Self {
        let from = mask.size();
        let pick =
            |at: u32, to: u32, from: u32| (u64::from(at) * u64::from(from) / u64::from(to.max(1))) as usize;
        let value = |x: u32, y: u32| {
            let row = pick(y, size.height, from.height) * from.width as usize;
            mask.values()[row + pick(x, size.width, from.width)] >= REDRAWN
        };
        let pixels = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
        Self {
            size,
            pixels: pixels.map(|(x, y)| value(x, y)).collect(),
        }
    }

    /// Index, column and row of each allowed pixel.
    fn each(&self) -> impl Iterator<Item = (usize, u32, u32)> {
        let width = self.size.width;
        let allowed = self.pixels.iter().enumerate().filter(|(_, allowed)| **allowed);
        allowed.map(move |(index, _)| (index, index as u32 % width, index as u32 / width))
    }

    /// Columns and rows from the first to the last.
    fn bounds(&self) -> Option<(Range<u32>, Range<u32>)> {
        let wider = |range: Range<u32>, at: u32| range.start.min(at)..range.end.max(at + 1);
        self.each().fold(None, |bounds, (_, x, y)| match bounds {
            None => Some((x..x + 1, y..y + 1)),
            Some((columns, rows)) => Some((wider(columns, x), wider(rows, y))),
        })
    }

    /// Distance of each allowed pixel to the nearest one that is not, in pixels.
    fn depth(&self) -> Vec<f32> {
        let outside = self.pixels.iter().map(|allowed| if *allowed { 0 } else { 255 });
        let image = image::GrayImage::from_raw(self.size.width, self.size.height, outside.collect());
        let squared =
            image.map(|image| imageproc::distance_transform::euclidean_squared_distance_transform(&image));
        let distances = squared.iter().flat_map(|squared| squared.pixels());
        distances.map(|pixel| pixel.0[0].sqrt().min(1e6) as f32).collect()
    }
}

/// A panel of the part of a picture that is redrawn under a mask.
pub fn fit_masked(source: &Pixels, mask: &Mask, panel: Size) -> Pixels {
    match Framing::of(&Allowed::of(mask, source.size()), panel) {
        Framing::Whole => fit_whole(source, panel),
        Framing::Cut { size, .. } if size == source.size() => fit(source, panel),
        Framing::Cut { corner, size } => fit(&cut(source, corner, size), panel),
    }
}

/// That part of a picture of `source` pixels.
pub fn part_under_mask(source: Size, mask: &Mask, panel: Size) -> Part {
    let framing = Framing::of(&Allowed::of(mask, source), panel);
    framing.fitted(source, panel).part(source, panel)
}

/// Which codes of a panel a mask over a picture of `source` pixels touches, row by row.
pub fn mask_codes(mask: &Mask, source: Size, panel: Grid) -> Vec<bool> {
    let allowed = Allowed::of(mask, source);
    let fitted = Framing::of(&allowed, panel.pixels()).fitted(source, panel.pixels());
    let mut touched = vec![false; panel.codes()];
    let cells = |at: u32, scale: f64, offset: f64, count: u32| {
        let cell = f64::from(CODE_PIXELS);
        let last = f64::from(count - 1);
        let from = ((f64::from(at) * scale - offset) / cell).floor().clamp(0.0, last);
        let to = ((f64::from(at + 1) * scale - offset) / cell).ceil();
        from as u32..to.clamp(from + 1.0, last + 1.0) as u32
    };
    for (_, x, y) in allowed.each() {
        for row in cells(y, fitted.scale.1, fitted.offset.1, panel.rows) {
            for column in cells(x, fitted.scale.0, fitted.offset.0, panel.columns) {
                touched[panel.index(row, column)] = true;
            }
        }
    }
    touched
}

/// The source with what a mask allows taken from the drawn panel, blended over `feather` pixels
/// inside the mask. Everything outside the mask stays as it was, in the source's own depth, space
/// and transparency.
pub fn compose(source: &Pixels, mask: &Mask, drawn: &Pixels, feather: u32) -> Pixels {
    let size = source.size();
    let allowed = Allowed::of(mask, size);
    let fitted = Framing::of(&allowed, drawn.size()).fitted(size, drawn.size());
    let distance = if feather == 0 { Vec::new() } else { allowed.depth() };
    let (right, bottom) = (drawn.size().width - 1, drawn.size().height - 1);
    let new = |x: u32, y: u32| {
        let across = across(&fitted, x).clamp(0.0, f64::from(right));
        bilinear(drawn, across, down(&fitted, y).clamp(0.0, f64::from(bottom)))
    };
    let share = |index: usize| match distance.get(index) {
        Some(distance) => (distance / (feather as f32 + 1.0)).min(1.0),
        None => 1.0,
    };
    if let Some(original) = source.original() {
        let covered: Vec<(usize, f32)> = allowed.each().map(|(index, ..)| (index, share(index))).collect();
        let colours: Vec<u8> = allowed
            .each()
            .flat_map(|(_, x, y)| new(x, y).map(|value| value.round() as u8))
            .collect();
        let mut original = original.clone();
        original.cover(&covered, &colours);
        return Pixels::of(size, original).unwrap_or_else(|| source.clone());
    }
    let mut result = source.clone();
    let rgb = result.rgb_mut();
    for (index, x, y) in allowed.each() {
        let share = share(index);
        for (value, new) in rgb[3 * index..3 * index + 3].iter_mut().zip(new(x, y)) {
            *value = (f32::from(*value) * (1.0 - share) + new * share).round() as u8;
        }
    }
    result
}

/// A mask of the time when a panel was always the middle of its picture: what it allowed beyond
/// was not redrawn.
pub fn within_middle(mask: &Mask, source: Size, panel: Size) -> Mask {
    let allowed = Allowed::of(mask, source);
    let middle = place(source, panel);
    let shown = |x: u32, y: u32| shows(&middle, &(x..x + 1), &(y..y + 1), (panel, 0.0));
    let mut values = vec![0; allowed.pixels.len()];
    for (index, _, _) in allowed.each().filter(|(_, x, y)| shown(*x, *y)) {
        values[index] = 255;
    }
    Mask::new(source, values).unwrap_or_else(|| mask.clone())
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
mod tests;

//! How unsure the model was of a picture, as a picture.

use crate::picture;
use crate::pixels::Pixels;
use crate::saved_picture;
use crate::task::{Difference, Failure};
use crate::token::{CODE_PIXELS, Grid};
use std::path::Path;

/// Paints how unsure the model was of each cell of `file` into `output`, 8x8 pixels a cell, the brighter the
/// less sure; or, with `above`, a mask that is white where the entropy was more than so many nats. Cells that
/// were given are black. Of a picture of two panels the one that is shown.
///
/// # Errors
/// `file` is no finished picture of this program, nothing was noted of it, or `output` cannot be written.
pub fn doubt(file: &Path, above: Option<f32>, output: &Path) -> Result<(), Failure> {
    let kept = saved_picture::read(file)?;
    let doubt = kept.doubt();
    if !kept.settings.complete || doubt.is_blank() {
        return Err(Failure::usage(format!(
            "{} holds no doubt of the model: only finished pictures drawn by this version do",
            file.display()
        )));
    }
    let Grid { rows, columns } = kept.grid();
    let hidden = kept.rows_of_source();
    let grid = Grid {
        rows: rows - hidden,
        columns,
    };
    let first = (hidden * columns) as usize;
    let level = |cell: usize| match above {
        None => (255.0 * doubt.part(first + cell).unwrap_or_default()).round() as u8,
        Some(nats) => 255 * u8::from(doubt.nats(first + cell).is_some_and(|found| found > nats)),
    };
    paint(grid, level, output)
}

/// Paints where two pictures differ into `output`: white where they do, 8x8 pixels a cell.
///
/// # Errors
/// `output` cannot be written.
pub fn paint_difference(difference: &Difference, output: &Path) -> Result<(), Failure> {
    let level = |cell: usize| 255 * u8::from(difference.cells[cell]);
    paint(difference.grid, level, output)
}

/// A grey picture of 8x8 pixels a cell.
fn paint(grid: Grid, level: impl Fn(usize) -> u8, output: &Path) -> Result<(), Failure> {
    let mut pixels = Pixels::filled(grid.pixels(), [0; 3]);
    let (columns, side) = (grid.columns as usize, CODE_PIXELS as usize);
    for (at, pixel) in pixels.rgb_mut().chunks_exact_mut(3).enumerate() {
        let (x, y) = (at % (columns * side), at / (columns * side));
        pixel.fill(level(y / side * columns + x / side));
    }
    let png = picture::encode_png(&pixels).map_err(super::failed)?;
    crate::disk::put(output, &png, crate::disk::Readers::Usual, crate::disk::Onto::Any)
        .map_err(|error| Failure::failed(format!("{} cannot be written ({error})", output.display())))
}

//! A drawing while its rows arrive: previews, codes, frontier and guesses.

use super::cpu_texture::{Sheet, Stamps, Texel, reduction};
use super::ground::Ground;
use crate::pixels::{Pixels, Size};
use crate::token::{CODE_PIXELS, Grid};
use std::ops::Range;
use std::sync::Arc;

/// Rows of codes in which guesses are shown with their own pixels; the farther ones are left out.
const GUESS_ROWS: u32 = 8;

#[derive(Debug)]
pub(super) struct Drawing {
    pub(super) grid: Grid,
    /// Rows of the grid that are shown.
    pub(super) shown: Range<u32>,
    /// What it is made over.
    pub(super) ground: Option<Ground>,
    /// Committed rows; below them it is transparent.
    pub(super) preview: Arc<Sheet>,
    /// The preview's size over its sheet's.
    reduced: u32,
    codes: Vec<Option<u32>>,
    /// Rows committed.
    frontier: u32,
    is_live: bool,
    guesses: Guesses,
}

/// Guesses for the codes from the frontier on.
#[derive(Debug)]
struct Guesses {
    count: u32,
    /// Their pixels, from the frontier's row on, laid out as in the grid.
    pixels: Option<Arc<Sheet>>,
}

impl Drawing {
    /// `None` for a grid without codes.
    pub(super) fn new(stamps: &mut Stamps, grid: Grid, shown: Range<u32>, limit: u32) -> Option<Self> {
        if grid.codes() == 0 {
            return None;
        }
        let end = shown.end.clamp(1, grid.rows);
        let shown = shown.start.min(end - 1)..end;
        // A row's 8 lines cannot be reduced further than to one.
        let reduced = reduction(grid.pixels(), limit).min(CODE_PIXELS);
        let size = Size::new(
            grid.pixels().width.div_ceil(reduced),
            grid.pixels().height / reduced,
        );
        let band_rows = CODE_PIXELS / reduced;
        Some(Self {
            grid,
            shown,
            ground: None,
            preview: Arc::new(Sheet::empty(stamps.next(), size, Texel::Colour, band_rows)),
            reduced,
            codes: vec![None; grid.codes()],
            frontier: 0,
            is_live: true,
            guesses: Guesses {
                count: 0,
                pixels: None,
            },
        })
    }

    pub(super) fn over(mut self, ground: Ground) -> Self {
        self.ground = Some(ground);
        self
    }

    /// Size of what is shown.
    pub(super) fn size(&self) -> Size {
        if let Some(size) = self.ground.as_ref().and_then(Ground::size) {
            return size;
        }
        let rows = self.shown.end - self.shown.start;
        Size::new(self.grid.columns * CODE_PIXELS, rows * CODE_PIXELS)
    }

    pub(super) fn row(&mut self, stamps: &mut Stamps, row: u32, preview: &Pixels, codes: &[u32]) {
        if row >= self.grid.rows || codes.len() != self.grid.columns as usize {
            return;
        }
        let first = self.grid.index(row, 0);
        for (known, code) in self.codes[first..].iter_mut().zip(codes) {
            *known = Some(*code);
        }
        if preview.size() == Size::new(self.grid.columns * CODE_PIXELS, CODE_PIXELS) {
            let sheet = Arc::make_mut(&mut self.preview);
            if self.reduced == 1 {
                sheet.put(stamps, row, preview.rgb());
            } else {
                let mut line = Sheet::empty(0, preview.size(), Texel::Colour, CODE_PIXELS);
                line.put(stamps, 0, preview.rgb());
                let small = line.reduced(stamps, self.reduced);
                if let Some(Some(band)) = small.bands().first() {
                    sheet.put(stamps, row, &band.bytes);
                }
            }
        }
        if row >= self.frontier {
            self.frontier = row + 1;
            self.guesses.count = 0;
        }
    }

    pub(super) fn guesses(&mut self, stamps: &mut Stamps, codes: &[u32], preview: Option<&Pixels>) {
        let room = (self.grid.rows - self.frontier) * self.grid.columns;
        self.guesses.count = (codes.len() as u32).min(room);
        let columns = self.grid.columns;
        let Some(preview) = preview.filter(|p| cells(p.size()) >= codes.len() as u32) else {
            self.guesses.pixels = None;
            return;
        };
        self.guesses.count = self.guesses.count.min(columns * GUESS_ROWS);
        let size = Size::new(columns * CODE_PIXELS, GUESS_ROWS * CODE_PIXELS);
        let sheet = self.guesses.pixels.get_or_insert_with(|| {
            let empty = Sheet::empty(stamps.next(), size, Texel::Colour, CODE_PIXELS);
            Arc::new(empty)
        });
        let sheet = Arc::make_mut(sheet);
        for row in 0..self.guesses.count.div_ceil(columns) {
            let cells = row * columns..((row + 1) * columns).min(self.guesses.count);
            sheet.put(stamps, row, &laid_out(preview, cells, columns));
        }
    }

    /// Reduces the rows that a texture of the device cannot hold.
    pub(super) fn respect(&mut self, stamps: &mut Stamps, limit: u32) {
        if let Some(ground) = &mut self.ground {
            ground.respect(stamps, limit);
        }
        let room = CODE_PIXELS / self.reduced;
        let factor = reduction(self.preview.size, limit).min(room);
        if factor > 1 {
            self.preview = Arc::new(self.preview.reduced(stamps, factor));
            self.reduced *= factor;
        }
    }

    pub(super) fn settle(&mut self) {
        self.is_live = false;
        self.guesses.count = 0;
    }

    /// The code at a point given as parts of what is shown.
    pub(super) fn code_at(&self, x: f32, y: f32) -> Option<u32> {
        let (x, y) = match &self.ground {
            Some(ground) => ground.in_drawing(x, y),
            None => (x, y),
        };
        let inside = (0.0..1.0).contains(&x) && (0.0..1.0).contains(&y);
        let shown = self.shown.end - self.shown.start;
        let row = self.shown.start + (y * shown as f32) as u32;
        let column = (x * self.grid.columns as f32) as u32;
        let index = self.grid.index(row, column.min(self.grid.columns - 1));
        self.codes.get(index).copied().flatten().filter(|_| inside)
    }

    /// Rows committed, while more are awaited.
    pub(super) fn frontier(&self) -> Option<u32> {
        let awaited = self.is_live && self.frontier < self.shown.end;
        awaited.then(|| self.frontier.max(self.shown.start))
    }

    /// Whether only a part of what is shown is drawn.
    pub(super) fn fills_a_hole(&self) -> bool {
        self.ground.as_ref().is_some_and(|ground| ground.hole.is_some())
    }

    /// Rows shown that are committed, and rows shown.
    pub(super) fn progress(&self) -> (u32, u32) {
        let done = self.frontier.clamp(self.shown.start, self.shown.end) - self.shown.start;
        (done, self.shown.end - self.shown.start)
    }

    /// Index of the first guess and their number.
    pub(super) fn guessed(&self) -> (u32, u32) {
        (self.frontier * self.grid.columns, self.guesses.count)
    }

    pub(super) fn guess_pixels(&self) -> Option<Arc<Sheet>> {
        self.guesses
            .pixels
            .as_ref()
            .filter(|_| self.guesses.count > 0)
            .cloned()
    }
}

/// Codes that a preview of this size shows.
fn cells(size: Size) -> u32 {
    (size.width / CODE_PIXELS) * (size.height / CODE_PIXELS)
}

/// Cells of a preview, as one row of a grid of `columns`; what is left of the row is black.
fn laid_out(preview: &Pixels, cells: Range<u32>, columns: u32) -> Vec<u8> {
    let side = 3 * CODE_PIXELS as usize;
    let from_stride = 3 * preview.size().width as usize;
    let to_stride = columns as usize * side;
    let per_line = preview.size().width / CODE_PIXELS;
    let mut row = vec![0; to_stride * CODE_PIXELS as usize];
    for (column, cell) in cells.enumerate() {
        let (line, across) = (cell / per_line, cell % per_line);
        for y in 0..CODE_PIXELS as usize {
            let from = (line * CODE_PIXELS) as usize + y;
            let from = from * from_stride + across as usize * side;
            let to = y * to_stride + column * side;
            row[to..to + side].copy_from_slice(&preview.rgb()[from..from + side]);
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid { rows: 4, columns: 4 };

    fn row_of(colour: [u8; 3]) -> Pixels {
        Pixels::filled(Size::new(32, 8), colour)
    }

    fn drawing(shown: Range<u32>) -> (Stamps, Drawing) {
        let mut stamps = Stamps::default();
        let drawing = Drawing::new(&mut stamps, GRID, shown, 8192).expect("a grid");
        (stamps, drawing)
    }

    #[test]
    fn rows_move_the_frontier_and_tell_their_codes() {
        let (mut stamps, mut drawing) = drawing(0..4);
        assert_eq!(drawing.frontier(), Some(0));
        drawing.guesses(&mut stamps, &[9, 9], None);
        assert_eq!(drawing.guessed(), (0, 2));
        drawing.row(&mut stamps, 0, &row_of([1, 2, 3]), &[10, 11, 12, 13]);
        assert_eq!((drawing.frontier(), drawing.guessed()), (Some(1), (4, 0)));
        assert_eq!(drawing.code_at(0.6, 0.1), Some(12));
        assert_eq!(drawing.code_at(0.6, 0.3), None);
        assert_eq!(drawing.code_at(1.0, 0.1), None);
        assert_eq!(drawing.progress(), (1, 4));
        drawing.settle();
        assert_eq!(drawing.frontier(), None);
    }

    #[test]
    fn rows_of_another_drawing_are_not_taken() {
        let (mut stamps, mut drawing) = drawing(0..4);
        drawing.row(&mut stamps, 4, &row_of([1, 2, 3]), &[1, 2, 3, 4]);
        drawing.row(&mut stamps, 0, &row_of([1, 2, 3]), &[1, 2, 3]);
        let wide = Pixels::filled(Size::new(40, 8), [0; 3]);
        drawing.row(&mut stamps, 1, &wide, &[1, 2, 3, 4]);
        assert!(drawing.preview.bands().iter().all(Option::is_none));
    }

    #[test]
    fn the_lower_panel_counts_its_own_rows() {
        let (mut stamps, mut drawing) = drawing(2..4);
        assert_eq!(drawing.size(), Size::new(32, 16));
        for row in 0..3 {
            drawing.row(&mut stamps, row, &row_of([1, 2, 3]), &[row; 4]);
        }
        assert_eq!((drawing.progress(), drawing.frontier()), ((1, 2), Some(3)));
        assert_eq!(drawing.code_at(0.1, 0.1), Some(2));
    }

    #[test]
    fn guesses_are_laid_out_as_in_the_grid() {
        let (mut stamps, mut drawing) = drawing(0..4);
        drawing.row(&mut stamps, 0, &row_of([0; 3]), &[0; 4]);
        // Six guesses in one strip: a row of four, then two.
        let rgb = (0..8)
            .flat_map(|_| (0..6u8).flat_map(|cell| [cell + 1; 24]))
            .collect();
        let strip = Pixels::new(Size::new(48, 8), rgb).expect("six cells");
        drawing.guesses(&mut stamps, &[0; 6], Some(&strip));
        assert_eq!(drawing.guessed(), (4, 6));
        let sheet = drawing.guess_pixels().expect("pixels");
        let line = |band: usize| sheet.bands()[band].as_ref().expect("a row").bytes.clone();
        let cells = |band: usize| [0, 24, 48, 72].map(|at| line(band)[at]);
        assert_eq!((cells(0), cells(1)), ([1, 2, 3, 4], [5, 6, 0, 0]));
        assert!(sheet.bands()[2].is_none());
    }

    #[test]
    fn a_small_device_gets_smaller_rows() {
        let mut stamps = Stamps::default();
        let mut drawing = Drawing::new(&mut stamps, GRID, 0..4, 16).expect("a grid");
        drawing.row(&mut stamps, 1, &row_of([4, 5, 6]), &[0; 4]);
        assert_eq!(drawing.preview.size, Size::new(16, 16));
        let band = drawing.preview.bands()[1].as_ref().expect("the row");
        assert_eq!(band.bytes.len(), 16 * 4 * 3);
        assert!(band.bytes.chunks(3).all(|p| p == [4, 5, 6]));
    }
}

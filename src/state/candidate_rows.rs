//! The rows of one candidate as they come, and which of them are shown.

use crate::pixels::Pixels;
use crate::task::Mode;
use crate::token::{CODE_PIXELS, Grid};
use std::ops::Range;

/// The rows of one candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateRows {
    pub codes: Vec<u32>,
    /// Of the whole grid; grey where nothing is drawn yet.
    pub preview: Pixels,
}

impl CandidateRows {
    /// One without rows.
    pub fn new(grid: Grid) -> Self {
        Self {
            codes: Vec::new(),
            preview: Pixels::filled(grid.pixels(), [128; 3]),
        }
    }

    pub fn rows(&self, grid: Grid) -> u32 {
        (self.codes.len() / grid.columns.max(1) as usize) as u32
    }

    /// What there is of the picture and nothing below it; of the upper panel, where that is all.
    pub fn drawn(&self, mode: &Mode, grid: Grid) -> Pixels {
        let rows = self.rows(grid);
        let from = shown_rows(mode, grid.rows).start;
        let from = if rows > from { from } else { 0 };
        self.preview.rows(from * CODE_PIXELS, rows * CODE_PIXELS)
    }

    /// Gives up the rows from `row` on, where that is another row than these codes.
    pub fn give_up_others(&mut self, grid: Grid, row: u32, codes: &[u32]) {
        let at = row as usize * grid.columns as usize;
        let there = self.codes.get(at..at.saturating_add(codes.len()));
        if there.is_some_and(|there| there != codes) {
            self.codes.truncate(at);
        }
    }

    /// Takes in a row, which is the next one or one of these again; another is no row of this picture.
    pub fn place(&mut self, grid: Grid, row: u32, codes: &[u32], preview: &Pixels) -> bool {
        let columns = grid.columns as usize;
        let at = row as usize * columns;
        if codes.len() != columns || row >= grid.rows || at > self.codes.len() {
            return false;
        }
        match self.codes.get(at..at + columns) {
            Some(there) if there != codes => return false,
            Some(_) => {}
            None => self.codes.extend_from_slice(codes),
        }
        let from = 3 * (row * CODE_PIXELS) as usize * self.preview.size().width as usize;
        let to = from + preview.rgb().len();
        if let Some(rows) = self.preview.rgb_mut().get_mut(from..to) {
            rows.copy_from_slice(preview.rgb());
        }
        true
    }
}

/// The rows of a grid that are shown: both panels of a pair, else the panel that is the result.
pub(super) fn shown_rows(mode: &Mode, rows: u32) -> Range<u32> {
    match mode {
        Mode::Generate | Mode::Pair { .. } | Mode::Sketch { .. } => 0..rows,
        _ => rows / 2..rows,
    }
}
